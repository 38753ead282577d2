#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include "opaline/base/bytes.h"
#include "opaline/base/secret.h"

namespace opaline {

/// Who may read a file that is written.
enum class FileMode : unsigned { everyone = 0644, owner_only = 0600 };

/// A regular file being read from its start. Not thread-safe.
class FileReader {
 public:
  /// Error(io) names the file and the system's reason.
  explicit FileReader(std::filesystem::path path);
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;
  ~FileReader();

  std::uint64_t left() const { return left_; }           ///< bytes not yet read
  unsigned permissions() const { return permissions_; }  ///< the lower nine bits of the mode

  /// The next out.size() bytes. Error(io) if there are fewer.
  void read(std::span<std::uint8_t> out);

 private:
  std::filesystem::path path_;
  std::uint64_t left_ = 0;
  unsigned permissions_ = 0;
  int descriptor_ = -1;
};

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

  /// Under a temporary name that a later run can find again: what a killed one has written stays there, and
  /// continue_at() says how much of it to keep. One writer at a time: Error(io) while another holds it.
  FileWriter(std::filesystem::path path, FileMode mode, std::filesystem::path partial);
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  ~FileWriter();

  void write(ByteView bytes);

  /// Keeps the first `bytes` bytes of what is there, and writes on behind them.
  void continue_at(std::uint64_t bytes);

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
