#include "opaline/service/model_catalogue.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/file.h"

namespace opaline {
namespace {

constexpr std::size_t kVersionDigits = 16;
constexpr std::size_t kLongestName = 128;

bool can_stand_in_url(const std::string& name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
  };
  return !name.empty() && name.size() <= kLongestName && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), plain);
}

}  // namespace

ModelFile parse_model_file(const std::string& text) {
  const std::size_t sign = text.find('=');
  ModelFile file;
  file.path = sign == std::string::npos ? text : text.substr(sign + 1);
  file.name = sign == std::string::npos ? file.path.stem().string() : text.substr(0, sign);
  if (!can_stand_in_url(file.name)) {
    throw Error(ErrorKind::invalid_argument,
                text + ": a model's name has letters, digits, '.', '_' and '-' only; say NAME=FILE");
  }
  return file;
}

ModelCatalogue::ModelCatalogue(std::vector<ModelFile> files, std::size_t keys_a_model, const Backend& backend)
    : keys_a_model_(keys_a_model), backend_(&backend) {
  for (const ModelFile& file : files) {
    if (entries_.count(file.name) > 0) {
      throw Error(ErrorKind::invalid_argument, "two models by the name of " + file.name);
    }
    const Stamp stamp = stamp_of(file.path);
    entries_[file.name] = {file.path, stamp, read(file.name, file.path)};
  }
}

ModelCatalogue::Stamp ModelCatalogue::stamp_of(const std::filesystem::path& path) {
  std::error_code error;
  Stamp stamp;
  stamp.time = std::filesystem::last_write_time(path, error);
  stamp.size = std::filesystem::file_size(path, error);
  return stamp;
}

std::shared_ptr<const ServedModel> ModelCatalogue::read(const std::string& name,
                                                        const std::filesystem::path& path) const {
  CompiledModel model = CompiledModel::parse(read_file(path, kServerFileLimit), path.string());
  const std::string id = to_hex(model.client_spec().model_id);
  Bytes spec = model.client_spec().serialise();
  return std::make_shared<const ServedModel>(ServedModel{name, id.substr(0, kVersionDigits), id,
                                                         std::move(spec),
                                                         Server(std::move(model), *backend_, keys_a_model_)});
}

std::shared_ptr<const ServedModel> ModelCatalogue::find(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : found->second.model;
}

std::vector<std::shared_ptr<const ServedModel>> ModelCatalogue::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const ServedModel>> models;
  for (const auto& [name, entry] : entries_) models.push_back(entry.model);
  return models;
}

std::vector<ModelCatalogue::Event> ModelCatalogue::reload(Which which) {
  const std::lock_guard one_at_a_time(reloading_);
  std::map<std::string, Entry> entries;
  {
    const std::lock_guard lock(mutex_);
    entries = entries_;
  }
  std::vector<Event> events;
  for (auto& [name, entry] : entries) {
    const Stamp stamp = stamp_of(entry.path);
    if (which == Which::changed && stamp == entry.stamp) continue;
    Event event{name, entry.model->version, ""};
    try {
      std::shared_ptr<const ServedModel> fresh = read(name, entry.path);
      // The same model keeps what it has ready for its clients.
      if (fresh->id != entry.model->id || fresh->spec != entry.model->spec) entry.model = std::move(fresh);
      event.version = entry.model->version;
    } catch (const std::exception& error) {
      event.problem = error.what();
    }
    const std::lock_guard lock(mutex_);
    entries_[name] = {entry.path, stamp, entry.model};
    events.push_back(std::move(event));
  }
  return events;
}

}  // namespace opaline
