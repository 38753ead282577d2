#include "fuzz/json_tree.h"

#include <cstdint>
#include <vector>

namespace opaline::fuzz {
namespace {

void collect(Json& value, std::vector<Json*>& found) {
  found.push_back(&value);
  if (!value.is_structured()) return;
  for (Json& inner : value) collect(inner, found);
}

Json something(Mutator& mutator, const Json& other) {
  switch (mutator.below(9)) {
    case 0:
      return nullptr;
    case 1:
      return mutator.one_in(2);
    case 2:
      return -1;
    case 3:
      return mutator.below(300);
    case 4:
      return std::uint64_t{1} << mutator.below(64);
    case 5:
      return 0.5;
    case 6:
      return Json::array({other});
    case 7:
      return Json{{"name", other}};
    default:
      return other;
  }
}

}  // namespace

std::optional<Json> read_json(ByteView text) {
  Json json = Json::parse(text.begin(), text.end(), nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

Bytes write_json(const Json& json) {
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  return {text.begin(), text.end()};
}

void mutate_json(Json& json, Mutator& mutator, const TextChange& change_text) {
  std::vector<Json*> values;
  collect(json, values);
  Json& value = *mutator.one_of(values);
  if (value.is_string() && !mutator.one_in(4)) {
    change_text(value.get_ref<std::string&>());
  } else if (value.is_structured() && !value.empty() && !mutator.one_in(4)) {
    auto member = value.begin();
    std::advance(member, static_cast<std::ptrdiff_t>(mutator.below(value.size())));
    value.erase(member);
  } else {
    const Json other = *mutator.one_of(values);
    value = something(mutator, other);
  }
}

}  // namespace opaline::fuzz
