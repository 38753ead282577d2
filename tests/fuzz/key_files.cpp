#include "fuzz/key_files.h"

#include <optional>
#include <string>

#include "fuzz/json_tree.h"
#include "opaline/base/error.h"
#include "opaline/base/sha256.h"
#include "opaline/bigint/integer.h"

namespace opaline::fuzz {
namespace {

std::optional<Integer> number_in(const std::string& text) {
  try {
    return from_bytes(from_base64url(text));
  } catch (const Error&) {
    return std::nullopt;
  }
}

std::optional<Integer> number_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_string()) return std::nullopt;
  return number_in(found->get_ref<const std::string&>());
}

std::string written(const Integer& number) { return to_base64url(to_bytes(number)); }

Integer changed(const Integer& number, Mutator& mutator) {
  const auto bits = static_cast<unsigned>(mutator.below(bit_length(number) + 2));
  switch (mutator.below(6)) {
    case 0:
      return number + 2;
    case 1:
      return number ^ (Integer(1) << bits);
    case 2:
      return number >> bits;
    case 3:
      return number * number;
    case 4:
      return Integer(1) << bits;
    default:
      return Integer(mutator.below(5));
  }
}

void fit_fingerprint(Json& object) {
  const auto ours = object.find("opaline");
  const std::optional<Integer> n = number_of(object, "n");
  if (n && ours != object.end() && ours->is_object()) (*ours)["fingerprint"] = to_hex(sha256(to_bytes(*n)));
}

}  // namespace

Bytes mutate_key_file(Bytes file, std::size_t limit, Mutator& mutator) {
  std::optional<Json> json = mutator.one_in(4) ? std::nullopt : read_json(file);
  if (!json) {
    mutator.change(file, limit);
    return file;
  }
  mutate_json(*json, mutator, [&](std::string& text) {
    const std::optional<Integer> number = number_in(text);
    if (number && !mutator.one_in(4)) {
      text = written(changed(*number, mutator));
    } else {
      Bytes bytes(text.begin(), text.end());
      mutator.change(bytes, limit);
      text.assign(bytes.begin(), bytes.end());
    }
  });
  if (!json->is_object() || mutator.one_in(8)) return write_json(*json);
  fit_fingerprint(*json);
  const auto pub = json->find("pub");
  if (pub != json->end() && pub->is_object()) {
    const std::optional<Integer> p = number_of(*json, "p");
    const std::optional<Integer> q = number_of(*json, "q");
    if (p && q) (*pub)["n"] = written(*p * *q);
    fit_fingerprint(*pub);
  }
  return write_json(*json);
}

}  // namespace opaline::fuzz
