#pragma once

#include <filesystem>
#include <vector>

#include "opaline/base/file.h"
#include "opaline/base/sha256.h"
#include "opaline/model/compiled_model.h"
#include "opaline/model/onnx_network.h"
#include "opaline/paillier/phe_numbers.h"

namespace opaline::tools {

/// Whole files through the readers of the library; errors name the file.
CompiledModel read_server_model(const std::filesystem::path& path);
ClientSpec read_client_spec(const std::filesystem::path& path);
ImportedNetwork read_network(const std::filesystem::path& path);
std::vector<PheNumber> read_numbers(const std::filesystem::path& path, const PublicKey& key);

/// `path` with an ending put behind it, whatever stands there: "out/digits" and ".key".
std::filesystem::path with_ending(const std::filesystem::path& path, const char* ending);

/// Where a run leaves what it has of `path` when it is killed, for a later run with the same request to find.
std::filesystem::path partial_path(const std::filesystem::path& path, const Digest& request);

/// A file and what is to be written into it.
struct NewFile {
  std::filesystem::path path;
  ByteView bytes;
  FileMode mode = FileMode::everyone;
};

/// Writes all of the files completely before one gets its name.
void write_together(const std::vector<NewFile>& files);

}  // namespace opaline::tools
