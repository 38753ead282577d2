#include "opaline/model/network_notes.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/model/affine_map.h"

namespace opaline {
namespace {

using Json = nlohmann::json;
using Metadata = std::map<std::string, std::string>;

constexpr std::size_t kLongestNote = std::size_t{64} << 20;

[[noreturn]] void damaged(const std::string& key, const char* why) {
  throw Error(ErrorKind::damaged, "the metadata \"" + key + "\" " + why);
}

/// The JSON value behind a key; nothing if it is not there.
std::optional<Json> find(const Metadata& metadata, const std::string& key) {
  const auto found = metadata.find(key);
  if (found == metadata.end()) return std::nullopt;
  if (found->second.size() > kLongestNote) damaged(key, "is too long");
  // No value here has more than two levels; deeper ones end the reading before they cost a stack.
  const auto shallow = [](int depth, Json::parse_event_t /*event*/, Json& /*value*/) { return depth < 4; };
  Json value = Json::parse(found->second, shallow, false);
  if (value.is_discarded()) damaged(key, "is not JSON");
  return value;
}

std::vector<std::string> find_texts(const Metadata& metadata, const std::string& key) {
  std::vector<std::string> texts;
  const std::optional<Json> list = find(metadata, key);
  if (!list) return texts;
  if (!list->is_array() || list->size() > kMostInputs) damaged(key, "is not a list of texts");
  for (const Json& text : *list) {
    if (!text.is_string()) damaged(key, "is not a list of texts");
    texts.push_back(text.get<std::string>());
  }
  return texts;
}

std::vector<InputRange> find_ranges(const Metadata& metadata, const std::string& key) {
  std::vector<InputRange> ranges;
  const std::optional<Json> list = find(metadata, key);
  if (!list) return ranges;
  const char* const kWhat = "is not a list of pairs of numbers";
  if (!list->is_array() || list->size() > kMostInputs) damaged(key, kWhat);
  for (const Json& pair : *list) {
    if (!pair.is_array() || pair.size() != 2 || !pair[0].is_number() || !pair[1].is_number()) {
      damaged(key, kWhat);
    }
    ranges.push_back({pair[0].get<double>(), pair[1].get<double>()});
  }
  return ranges;
}

}  // namespace

Metadata notes_to_metadata(const NetworkNotes& notes) {
  Metadata metadata;
  if (notes.features != FeatureMap::none) metadata["opaline.features"] = name_of(notes.features);
  if (!notes.columns.empty()) metadata["opaline.columns"] = Json(notes.columns).dump();
  if (!notes.answers.empty()) metadata["opaline.answers"] = Json(notes.answers).dump();
  if (!notes.labels.empty()) metadata["opaline.labels"] = Json(notes.labels).dump();
  if (notes.regression) metadata["opaline.task"] = "regression";
  if (!notes.ranges.empty()) {
    Json list = Json::array();
    for (const InputRange& range : notes.ranges) list.push_back({range.lowest, range.highest});
    metadata["opaline.ranges"] = list.dump();
  }
  return metadata;
}

NetworkNotes notes_from_metadata(const Metadata& metadata) {
  NetworkNotes notes;
  if (const auto found = metadata.find("opaline.features"); found != metadata.end()) {
    const std::optional<FeatureMap> map = feature_map_of(found->second);
    if (!map) damaged(found->first, "names a feature map that this version does not know");
    notes.features = *map;
  }
  notes.columns = find_texts(metadata, "opaline.columns");
  notes.answers = find_texts(metadata, "opaline.answers");
  notes.labels = find_texts(metadata, "opaline.labels");
  if (const auto found = metadata.find("opaline.task"); found != metadata.end()) {
    if (found->second != "regression") damaged(found->first, "is a task that this version does not know");
    notes.regression = true;
  }
  notes.ranges = find_ranges(metadata, "opaline.ranges");
  return notes;
}

}  // namespace opaline
