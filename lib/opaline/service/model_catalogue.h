#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/inference/server.h"

namespace opaline {

/// A model as it is served: immutable, kept alive by whoever still answers with it.
struct ServedModel {
  std::string name;     ///< in URLs
  std::string version;  ///< the first 16 digits of id: equal on every replica with the same file
  std::string id;       ///< model id, hexadecimal
  Bytes spec;           ///< the client file
  Server server;
};

/// A file and the name its model goes by: letters, digits and any of "._-", not beginning with a full stop.
struct ModelFile {
  std::string name;
  std::filesystem::path path;
};

/// "NAME=FILE", or "FILE" for the file's name without its ending. Error(invalid_argument) for a name that
/// cannot stand in a URL.
ModelFile parse_model_file(const std::string& text);

/// The models of a service, each behind a name that always has one. Safe from many threads.
class ModelCatalogue {
 public:
  /// Reads all of them: throws what reading any of them throws, and Error(invalid_argument) for a name twice.
  ModelCatalogue(std::vector<ModelFile> files, std::size_t keys_a_model, const Backend& backend);

  /// Null for a name that is not served.
  std::shared_ptr<const ServedModel> find(const std::string& name) const;
  std::vector<std::shared_ptr<const ServedModel>> all() const;

  /// What a reload came to.
  struct Event {
    std::string name;
    std::string version;  ///< now served
    std::string problem;  ///< why the file was not taken; the model before it is still served
  };

  /// Reads files again: those that have changed, or all of them. A file that cannot be read, or is no model,
  /// changes nothing.
  enum class Which { changed, all };
  std::vector<Event> reload(Which which);

 private:
  /// What tells that a file is another one now.
  struct Stamp {
    std::filesystem::file_time_type time;
    std::uintmax_t size = 0;
    bool operator==(const Stamp&) const = default;
  };
  struct Entry {
    std::filesystem::path path;
    Stamp stamp;
    std::shared_ptr<const ServedModel> model;
  };

  static Stamp stamp_of(const std::filesystem::path& path);
  std::shared_ptr<const ServedModel> read(const std::string& name, const std::filesystem::path& path) const;

  std::size_t keys_a_model_;
  const Backend* backend_;
  std::mutex reloading_;
  mutable std::mutex mutex_;
  std::map<std::string, Entry> entries_;
};

}  // namespace opaline
