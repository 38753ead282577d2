#include "opaline/paillier/key_document.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"

namespace opaline {
namespace {

/// The parts of a JSON document, one character after the other.
class Scanner {
 public:
  explicit Scanner(ByteView json) : json_(json) {}

  bool at_end() const { return at_ == json_.size(); }

  /// A character outside texts is no secret.
  char next() { return static_cast<char>(declassified(json_[at_++])); }

  /// From behind a '"' to the one that ends the text, which is passed over; nothing if none does.
  std::optional<ByteView> text() {
    const std::size_t first = at_;
    for (; at_ < json_.size(); ++at_) {
      const std::uint8_t symbol = json_[at_];
      if (declassified(symbol < 0x20)) return std::nullopt;
      if (declassified(symbol == '"')) return json_.subspan(first, at_++ - first);
      if (declassified(symbol == '\\')) ++at_;
    }
    at_ = json_.size();
    return std::nullopt;
  }

  /// Whether a text that was just read is the name of a member.
  bool is_name() const {
    std::size_t at = at_;
    const auto blank = [&] {
      const std::uint8_t symbol = declassified(json_[at]);
      return symbol == ' ' || symbol == '\t' || symbol == '\n' || symbol == '\r';
    };
    while (at < json_.size() && blank()) ++at;
    return at < json_.size() && declassified(json_[at] == ':');
  }

 private:
  ByteView json_;
  std::size_t at_ = 0;
};

}  // namespace

KeyDocument::KeyDocument(ByteView json, std::string name) : name_(std::move(name)) {
  if (json.size() > kLimit) throw Error(ErrorKind::too_large, name_ + ": too large for a key file");
  std::string skeleton;
  Scanner scanner(json);
  while (!scanner.at_end()) {
    const char symbol = scanner.next();
    skeleton += symbol;
    if (symbol != '"') continue;
    const std::optional<ByteView> text = scanner.text();
    if (!text) refuse("not a key file (a text in it has no end)");
    if (scanner.is_name()) {
      declassify(*text);
      skeleton.append(text->begin(), text->end());
    } else {
      skeleton += std::to_string(texts_.size());
      texts_.emplace_back(text->begin(), text->end());
    }
    skeleton += '"';
  }
  root_ = nlohmann::json::parse(skeleton, nullptr, false);
  if (!root_.is_object()) refuse("not a key file (not a JSON object)");
}

const nlohmann::json& KeyDocument::member(const nlohmann::json& object, const char* key) const {
  const auto found = object.find(key);
  if (found == object.end()) refuse(std::string("not a complete key file: '") + key + "' is missing");
  return *found;
}

const SecretBytes* KeyDocument::text(const nlohmann::json& value) const {
  const auto* const reference = value.get_ptr<const std::string*>();
  if (reference == nullptr) return nullptr;
  std::size_t index = 0;
  std::from_chars(reference->data(), reference->data() + reference->size(), index);
  return &texts_[index];
}

bool KeyDocument::says(const nlohmann::json& value, std::string_view expected) const {
  const SecretBytes* const found = text(value);
  if (found == nullptr || found->size() != expected.size()) return false;
  declassify(std::span<const std::uint8_t>(*found));
  return std::equal(found->begin(), found->end(), expected.begin());
}

void KeyDocument::refuse(const std::string& why) const {
  throw Error(ErrorKind::damaged, name_ + ": " + why);
}

}  // namespace opaline
