#include "opaline/base/file.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include "support/error_kind.h"
#include "support/temporary_folder.h"

using namespace opaline;
using opaline::test::error_of;
using opaline::test::kind_of;
using opaline::test::TemporaryFolder;

namespace {

unsigned mode_of(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 0777U;
}

/// The process's umask, put back at the end of the scope.
class Umask {
 public:
  explicit Umask(mode_t mask) : before_(::umask(mask)) {}
  Umask(const Umask&) = delete;
  Umask& operator=(const Umask&) = delete;
  ~Umask() { ::umask(before_); }

 private:
  mode_t before_;
};

std::size_t entries(const TemporaryFolder& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.path())) ++count;
  return count;
}

}  // namespace

TEST_CASE("what is written is read back, and nothing else is left in the folder") {
  const TemporaryFolder folder;
  for (const std::size_t size : {0U, 1U, 4096U, 1U << 20}) {
    Bytes content(size);
    for (std::size_t i = 0; i < size; ++i) content[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    write_file(folder / "file", content, FileMode::everyone);
    CHECK(read_file(folder / "file", size) == content);
    const SecretBytes secret = read_secret_file(folder / "file", size);
    CHECK(std::equal(secret.begin(), secret.end(), content.begin(), content.end()));
    CHECK(entries(folder) == 1);
  }
}

TEST_CASE("several writes make one file") {
  const TemporaryFolder folder;
  FileWriter writer(folder / "file", FileMode::everyone);
  writer.write(as_bytes("one, "));
  writer.write({});
  writer.write(as_bytes("two"));
  CHECK_FALSE(std::filesystem::exists(folder / "file"));
  writer.commit();
  const Bytes content = read_file(folder / "file", 100);
  CHECK(std::string(content.begin(), content.end()) == "one, two");
}

TEST_CASE("a writer that is not committed leaves nothing behind") {
  const TemporaryFolder folder;
  try {
    FileWriter writer(folder / "file", FileMode::owner_only);
    writer.write(as_bytes("half of it"));
    CHECK(entries(folder) == 1);  // the temporary one
    throw std::runtime_error("in the middle");
  } catch (const std::runtime_error&) {
  }
  CHECK(folder.empty());
}

TEST_CASE("a writer that is not committed leaves the old file as it was") {
  const TemporaryFolder folder;
  write_file(folder / "file", as_bytes("old"), FileMode::everyone);
  {
    FileWriter writer(folder / "file", FileMode::everyone);
    writer.write(as_bytes("new"));
  }
  CHECK(read_file(folder / "file", 3) == Bytes{'o', 'l', 'd'});
  CHECK(entries(folder) == 1);
}

TEST_CASE("a commit that cannot give the file its name leaves nothing behind") {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "taken");
  write_file(folder / "taken/by a file", as_bytes("x"), FileMode::everyone);
  const auto error = error_of([&] { write_file(folder / "taken", as_bytes("y"), FileMode::everyone); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::io);
  CHECK(std::string(error->what()).find((folder / "taken").string()) == 0);
  CHECK(entries(folder) == 1);
}

TEST_CASE("a secret's file is its owner's alone from its first byte on") {
  const TemporaryFolder folder;
  for (const mode_t mask : {0000U, 0022U, 0077U}) {
    const Umask umask(mask);
    FileWriter writer(folder / "secret", FileMode::owner_only);
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      CHECK(mode_of(entry.path()) == 0600);
    }
    writer.commit();
    CHECK(mode_of(folder / "secret") == 0600);
    CHECK(FileReader(folder / "secret").permissions() == 0600);
  }
}

TEST_CASE("a file replaces one with looser permissions by one with its own") {
  const TemporaryFolder folder;
  std::ofstream(folder / "secret") << "loose";
  REQUIRE(::chmod((folder / "secret").c_str(), 0666) == 0);
  write_file(folder / "secret", as_bytes("tight"), FileMode::owner_only);
  CHECK(mode_of(folder / "secret") == 0600);
}

TEST_CASE("a public file has mode 0644 less what the umask takes") {
  const TemporaryFolder folder;
  for (const auto& [mask, mode] : {std::pair{0022U, 0644U}, {0000U, 0644U}, {0027U, 0640U}, {0077U, 0600U}}) {
    const Umask umask(mask);
    write_file(folder / "public", as_bytes("x"), FileMode::everyone);
    CHECK(mode_of(folder / "public") == mode);
  }
}

TEST_CASE("a file above its limit is refused, one at it is not") {
  const TemporaryFolder folder;
  write_file(folder / "file", Bytes(100), FileMode::everyone);
  CHECK(read_file(folder / "file", 100).size() == 100);
  CHECK(kind_of([&] { read_file(folder / "file", 99); }) == ErrorKind::too_large);
  CHECK(kind_of([&] { read_secret_file(folder / "file", 99); }) == ErrorKind::too_large);
}

TEST_CASE("a file that claims a huge size is refused before memory is taken") {
  const TemporaryFolder folder;
  std::ofstream(folder / "sparse") << "x";
  std::filesystem::resize_file(folder / "sparse", std::uintmax_t{1} << 42);
  const auto error = error_of([&] { read_file(folder / "sparse", 1 << 20); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::too_large);
  CHECK(std::string(error->what()).find("4398046511104 bytes") != std::string::npos);
}

TEST_CASE("what is no regular file is refused by name, and nobody waits for it") {
  const TemporaryFolder folder;
  REQUIRE(::mkfifo((folder / "pipe").c_str(), 0600) == 0);
  for (const std::filesystem::path& path : {folder / "missing", folder.path(), folder / "pipe",
                                            std::filesystem::path("/dev/zero"), folder / ""}) {
    CAPTURE(path);
    const auto error = error_of([&] { read_file(path, std::numeric_limits<std::size_t>::max()); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::io);
    CHECK(std::string(error->what()).find(path.string() + ": ") == 0);
  }
}

TEST_CASE("a folder that is not there cannot be written to") {
  const TemporaryFolder folder;
  const auto error = error_of([&] { write_file(folder / "no/file", as_bytes("x"), FileMode::everyone); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::io);
  CHECK(std::string(error->what()).find((folder / "no/file").string() + ": ") == 0);
}

TEST_CASE("a reader gives the file piece by piece and never more than there is") {
  const TemporaryFolder folder;
  write_file(folder / "file", as_bytes("abcdef"), FileMode::everyone);
  FileReader reader(folder / "file");
  CHECK(reader.left() == 6);
  Bytes piece(4);
  reader.read(piece);
  CHECK(piece == Bytes{'a', 'b', 'c', 'd'});
  CHECK(reader.left() == 2);
  CHECK(kind_of([&] { reader.read(piece); }) == ErrorKind::io);
}

TEST_CASE("a file that shrinks while it is read is an error") {
  const TemporaryFolder folder;
  write_file(folder / "file", Bytes(100), FileMode::everyone);
  FileReader reader(folder / "file");
  std::filesystem::resize_file(folder / "file", 50);
  Bytes all(100);
  CHECK(kind_of([&] { reader.read(all); }) == ErrorKind::io);
}

TEST_CASE("a name without a folder is written in the working folder") {
  const TemporaryFolder folder;
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  write_file("plain", as_bytes("x"), FileMode::everyone);
  const bool there = std::filesystem::exists(folder / "plain");
  std::filesystem::current_path(before);
  CHECK(there);
}

TEST_CASE("a partial file stays for a later writer, who keeps what is sound of it") {
  const TemporaryFolder folder;
  const std::filesystem::path partial = folder / "file.part";
  write_file(partial, as_bytes("whole chunks, and a pie"), FileMode::everyone);  // left by a killed run
  {
    FileWriter writer(folder / "file", FileMode::everyone, partial);
    CHECK(entries(folder) == 1);
    writer.continue_at(13);
    writer.write(as_bytes("more"));
    writer.commit();
  }
  const Bytes content = read_file(folder / "file", 100);
  CHECK(std::string(content.begin(), content.end()) == "whole chunks,more");
  CHECK(entries(folder) == 1);

  // From the start again, and nothing is left of a writer that gives up.
  {
    FileWriter writer(folder / "other", FileMode::everyone, partial);
    writer.write(as_bytes("something"));
  }
  CHECK(entries(folder) == 1);
}

TEST_CASE("a partial file has one writer at a time and is a regular file") {
  const TemporaryFolder folder;
  const std::filesystem::path partial = folder / "file.part";
  const auto open = [&] { FileWriter(folder / "file", FileMode::everyone, partial).write(as_bytes("x")); };
  {
    const FileWriter writer(folder / "file", FileMode::everyone, partial);
    const auto error = error_of(open);
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::io);
    CHECK(std::string(error->what()).find("another run") != std::string::npos);
    CHECK(std::filesystem::exists(partial));
  }
  CHECK_FALSE(kind_of(open));
  std::filesystem::create_symlink(folder / "elsewhere", partial);
  CHECK(kind_of(open) == ErrorKind::io);
  CHECK_FALSE(std::filesystem::exists(folder / "elsewhere"));
  std::filesystem::remove(partial);
  std::filesystem::create_directory(partial);
  CHECK(kind_of(open) == ErrorKind::io);
}
