#include "commands/files.h"

#include <deque>

#include "opaline/base/error.h"

namespace opaline::tools {
namespace {

constexpr std::size_t kNumbersLimit = std::size_t{256} << 20;  // some tens of thousands of ciphertexts

}  // namespace

CompiledModel read_server_model(const std::filesystem::path& path) {
  return CompiledModel::parse(read_file(path, kServerFileLimit), path.string());
}

ClientSpec read_client_spec(const std::filesystem::path& path) {
  return ClientSpec::parse(read_file(path, kClientFileLimit), path.string());
}

ImportedNetwork read_network(const std::filesystem::path& path) {
  return import_onnx(read_file(path, kOnnxLimit), path.string());
}

std::vector<PheNumber> read_numbers(const std::filesystem::path& path, const PublicKey& key) {
  return parse_phe_numbers(read_file(path, kNumbersLimit), key, path.string());
}

std::filesystem::path with_ending(const std::filesystem::path& path, const char* ending) {
  std::filesystem::path result = path;
  result += ending;
  return result;
}

std::filesystem::path partial_path(const std::filesystem::path& path, const Digest& request) {
  return with_ending(path, (".part-" + to_hex(ByteView(request).first(4))).c_str());
}

void write_together(const std::vector<NewFile>& files) {
  std::deque<FileWriter> writers;  // which stay where they are
  for (const NewFile& file : files) {
    // What would stop a later one from getting its name after the first has got it.
    if (std::filesystem::is_directory(file.path)) {
      throw Error(ErrorKind::io, file.path.string() + ": cannot write: is a directory");
    }
    writers.emplace_back(file.path, file.mode).write(file.bytes);
  }
  for (FileWriter& writer : writers) writer.commit();
}

}  // namespace opaline::tools
