#include "opaline/base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/random.h"

namespace opaline {
namespace {

[[noreturn]] void io_error(const std::filesystem::path& path, const char* what, int code) {
  throw Error(ErrorKind::io, path.string() + ": " + what + ": " + std::strerror(code));
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  int get() const { return value_; }
  int release() { return std::exchange(value_, -1); }

 private:
  int value_;
};

template <typename Buffer>
Buffer read_whole(const std::filesystem::path& path, std::size_t limit) {
  FileReader file(path);
  if (file.left() > limit) {
    throw Error(ErrorKind::too_large, path.string() + ": " + std::to_string(file.left()) +
                                          " bytes, more than the " + std::to_string(limit) +
                                          " that such a file may have");
  }
  Buffer bytes(static_cast<std::size_t>(file.left()));
  file.read(bytes);
  return bytes;
}

std::filesystem::path temporary_name(const std::filesystem::path& path) {
  std::array<std::uint8_t, 6> salt{};
  fill_random(salt);
  std::filesystem::path name = path;
  name += ".tmp-" + to_hex(salt);
  return name;
}

}  // namespace

Bytes read_file(const std::filesystem::path& path, std::size_t limit) {
  return read_whole<Bytes>(path, limit);
}

SecretBytes read_secret_file(const std::filesystem::path& path, std::size_t limit) {
  return read_whole<SecretBytes>(path, limit);
}

FileReader::FileReader(std::filesystem::path path) : path_(std::move(path)) {
  // O_NONBLOCK keeps a named pipe from stopping the program before fstat can refuse it.
  Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) io_error(path_, "cannot open", errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) io_error(path_, "cannot examine", errno);
  if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::io, path_.string() + ": not a regular file");
  left_ = static_cast<std::uint64_t>(status.st_size);
  permissions_ = status.st_mode & 0777U;
  descriptor_ = file.release();
}

FileReader::~FileReader() { ::close(descriptor_); }

void FileReader::read(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::read(descriptor_, out.data(), out.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) io_error(path_, "cannot read", errno);
    if (got == 0) throw Error(ErrorKind::io, path_.string() + ": shorter than it was when it was opened");
    out = out.subspan(static_cast<std::size_t>(got));
    left_ -= std::min(left_, static_cast<std::uint64_t>(got));
  }
}

FileWriter::FileWriter(std::filesystem::path path, FileMode mode)
    : path_(std::move(path)), temporary_(temporary_name(path_)) {
  descriptor_ =
      ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, static_cast<mode_t>(mode));
  if (descriptor_ < 0) io_error(path_, "cannot write", errno);
}

FileWriter::FileWriter(std::filesystem::path path, FileMode mode, std::filesystem::path partial)
    : path_(std::move(path)), temporary_(std::move(partial)) {
  Descriptor file(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
                         static_cast<mode_t>(mode)));
  if (file.get() < 0) io_error(temporary_, "cannot write", errno);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) io_error(temporary_, "cannot examine", errno);
  if (!S_ISREG(status.st_mode)) throw Error(ErrorKind::io, temporary_.string() + ": not a regular file");
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    throw Error(ErrorKind::io, temporary_.string() + ": another run is writing it");
  }
  descriptor_ = file.release();
}

void FileWriter::continue_at(std::uint64_t bytes) {
  const auto place = static_cast<off_t>(bytes);
  if (::ftruncate(descriptor_, place) != 0 || ::lseek(descriptor_, place, SEEK_SET) != place) {
    fail("cannot go on");
  }
}

FileWriter::~FileWriter() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void FileWriter::fail(const char* what) const { io_error(path_, what, errno); }

void FileWriter::write(ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail("cannot write");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void FileWriter::commit() {
  if (::fsync(descriptor_) != 0) fail("cannot flush to the disk");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("cannot give the file its name");
  ::close(descriptor_);
  descriptor_ = -1;
  const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) fail("cannot flush the folder to the disk");
}

void write_file(const std::filesystem::path& path, ByteView bytes, FileMode mode) {
  FileWriter writer(path, mode);
  writer.write(bytes);
  writer.commit();
}

}  // namespace opaline
