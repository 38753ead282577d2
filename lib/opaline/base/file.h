#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>

#include "opaline/base/bytes.h"
#include "opaline/base/secret.h"

namespace opaline {

/// Who may read a file that is written.
enum class FileMode : unsigned { everyone = 0644, owner_only = 0600 };

/// The whole of a regular file. Refuses, before taking memory, a file of more than `limit` bytes
/// (Error(too_large)); Error(io) names the file and the system's reason.
Bytes read_file(const std::filesystem::path& path, std::size_t limit);

/// As read_file, into memory that is wiped after use.
SecretBytes read_secret_file(const std::filesystem::path& path, std::size_t limit);

/// A file being written under a temporary name in the same folder. Until commit() nothing is at the final
/// name; a writer that is destroyed without commit() leaves nothing behind. Not thread-safe.
class FileWriter {
 public:
  FileWriter(std::filesystem::path path, FileMode mode);
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  ~FileWriter();

  void write(ByteView bytes);

  /// Flushes to the disk (fsync), gives the file its name, and flushes the folder.
  void commit();

 private:
  [[noreturn]] void fail(const char* what) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// write + commit in one.
void write_file(const std::filesystem::path& path, ByteView bytes, FileMode mode);

}  // namespace opaline
