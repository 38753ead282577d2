#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/base/secret.h"

namespace opaline {

/// The JSON of a key file, taken apart so that no parser sees its texts: they may be numbers of a secret key.
/// What becomes known of a text is where it begins and ends, and which of its characters are control
/// characters, '\' or '"'. Only for texts without escapes.
class KeyDocument {
 public:
  /// A 8192-bit secret key with everything in it is below 8 KiB, and a public one with a proof below 32.
  static constexpr std::size_t kLimit = 64 << 10;

  /// Error(too_large), or Error(damaged) if this is no JSON object.
  KeyDocument(ByteView json, std::string name);

  const std::string& name() const { return name_; }

  /// Every text in it is a reference, for text().
  const nlohmann::json& root() const { return root_; }

  /// The member of an object. Error(damaged) if it has none of the name.
  const nlohmann::json& member(const nlohmann::json& object, const char* key) const;

  /// The text that stands there, or null if none does.
  const SecretBytes* text(const nlohmann::json& value) const;
  bool says(const nlohmann::json& value, std::string_view expected) const;

  /// Throws Error(damaged) that opens with the name.
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  std::string name_;
  std::vector<SecretBytes> texts_;
  nlohmann::json root_;
};

}  // namespace opaline
