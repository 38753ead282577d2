// Every kind of file, damaged in every way, given to the command that reads it.

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "end_to_end/workshop.h"
#include "hostile/refusal.h"
#include "opaline/base/file.h"
#include "opaline/base/frame.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kSamples = 12;

// Lengths spread over a file, the shortest and longest among them.
std::set<std::size_t> lengths(std::size_t size) {
  std::set<std::size_t> all = {1, 3, 4, 7, size - 1, size - 2};
  for (std::size_t i = 0; i < kSamples; ++i) all.insert(size * i / kSamples);
  all.erase(0);  // the empty file has a test of its own
  return all;
}

// Damage to these shows: they carry a checksum.
bool has_checksum(const std::string& file) {
  const std::string ending = std::filesystem::path(file).extension();
  return ending == ".server" || ending == ".client" || ending == ".query" || ending == ".reply";
}

bool is_network(const Reader& reader) { return reader.file == "net.onnx"; }

}  // namespace

TEST_CASE("a truncated file is refused") {
  for (const Reader& reader : readers()) {
    const Bytes sound = sound_file(reader.file);
    for (const std::size_t length : lengths(sound.size())) {
      CAPTURE(reader.command, reader.file, length);
      const ByteView start = ByteView(sound).first(length);
      // The end of a key's text is a line feed, and a network without its end may still be a network.
      const bool whole = reader.file.rfind("alice", 0) == 0 && length + 1 == sound.size();
      if (is_network(reader) || whole) {
        ends_well(reader, start);
      } else {
        check_refused(reader, start);
      }
    }
  }
}

TEST_CASE("a flipped bit is refused wherever a checksum or a rule can show it") {
  for (const Reader& reader : readers()) {
    const Bytes sound = sound_file(reader.file);
    for (std::size_t i = 0; i < 2 * kSamples; ++i) {
      Bytes bad = sound;
      const std::size_t place = i * (sound.size() - 1) / (2 * kSamples - 1);
      bad[place] ^= static_cast<std::uint8_t>(1U << (i % 8));
      CAPTURE(reader.command, reader.file, place);
      if (has_checksum(reader.file)) {
        check_refused(reader, bad);
      } else {
        ends_well(reader, bad);  // what may pass is decided by the tests of keys and of networks
      }
    }
  }
}

TEST_CASE("a file with bytes behind its end is refused") {
  for (const Reader& reader : readers()) {
    if (is_network(reader)) continue;
    CAPTURE(reader.file);
    Bytes bad = sound_file(reader.file);
    bad.push_back('x');
    check_refused(reader, bad);
  }
}

TEST_CASE("another version is refused as such") {
  for (const Reader& reader : readers()) {
    if (!has_checksum(reader.file)) continue;
    CAPTURE(reader.file);
    const Bytes sound = sound_file(reader.file);
    FrameKind kind = peek_frame_kind(sound);
    const std::uint64_t length =
        std::uint64_t{sound[12]} | std::uint64_t{sound[13]} << 8U | std::uint64_t{sound[14]} << 16U;
    const Bytes other = make_frame(kind, 1, ByteView(sound).subspan(20, length));
    CHECK(check_refused(reader, other).find("version") != std::string::npos);
  }
}

TEST_CASE("an unknown key type, algorithm or IDX type is refused") {
  for (const Reader& reader : readers()) {
    Bytes bad = sound_file(reader.file);
    if (reader.file == "images.idx" || reader.file == "labels.idx") {
      bad[2] = 0x0d;  // floats
    } else if (reader.file.rfind("alice", 0) == 0) {
      std::string text(bad.begin(), bad.end());
      const std::string known = "PAI-GN1";
      const std::size_t place = text.find(known);
      REQUIRE(place != std::string::npos);
      text.replace(place, known.size(), "PAI-GN2");
      bad.assign(text.begin(), text.end());
    } else {
      continue;
    }
    CAPTURE(reader.file);
    check_refused(reader, bad);
  }
}

TEST_CASE("an empty, missing or special file, or a folder, is refused") {
  const TemporaryFolder folder;
  const std::string missing = folder / "missing";
  for (const Reader& reader : readers()) {
    CAPTURE(reader.command);
    if (!is_network(reader)) check_refused(reader, ByteView());
    check_refused(reader, folder.path().string());
    check_refused(reader, missing);
    check_refused(reader, std::string("/dev/zero"));
  }
  check_refused(readers()[3], ByteView());
}

TEST_CASE("a file of another kind is refused") {
  for (const Reader& reader : readers()) {
    for (const char* other : {"alice.key", "alice.pub", "net.onnx", "shapes.server", "shapes.client",
                              "q.query", "r.reply", "images.idx", "labels.idx.gz"}) {
      const auto stem = [](const std::string& name) { return name.substr(0, name.find(".idx")); };
      // A secret key is also good for encrypting, and compression does not make another kind.
      const bool key_for_encrypting = reader.command.front() == "encrypt" && reader.command[2] == kBadFile &&
                                      std::string(other).rfind("alice", 0) == 0;
      if (key_for_encrypting || stem(other) == stem(reader.file)) continue;
      CAPTURE(reader.command, other);
      check_refused(reader, workshop() / other);
    }
  }
}

TEST_CASE("a file of eight gigabytes is refused before memory is taken") {
  const TemporaryFolder folder;
  for (const Reader& reader : readers()) {
    CAPTURE(reader.command);
    const std::string path = folder / reader.file;
    write_file(path, sound_file(reader.file), FileMode::owner_only);
    std::filesystem::resize_file(path, std::uintmax_t{8} << 30U);  // takes no room: the rest is a hole
    check_refused(reader, path);
  }
}

TEST_CASE("a claim of 2^60 bytes is refused before memory is taken") {
  for (const Reader& reader : readers()) {
    if (!has_checksum(reader.file)) continue;
    CAPTURE(reader.command);
    Bytes bad = sound_file(reader.file);
    bad[19] = 0x10;  // the highest byte of the payload's length
    check_refused(reader, bad);
  }
  for (const char* file : {"images.idx", "labels.idx"}) {
    for (const Reader& reader : readers()) {
      if (reader.file != file) continue;
      Bytes bad = sound_file(file);
      for (std::size_t i = 4; i < (file[0] == 'i' ? 16U : 8U); ++i) bad[i] = 0xff;
      check_refused(reader, bad);
    }
  }
}

TEST_CASE("a file of millions of empty parts is refused before memory is taken") {
  constexpr std::size_t kMany = std::size_t{8} << 20;
  const auto empty_parts = [&](std::uint8_t tag) {
    Bytes parts(2 * kMany);
    for (std::size_t i = 0; i < parts.size(); i += 2) parts[i] = tag;
    return parts;
  };
  constexpr std::uint8_t kNode = 1 << 3 | 2;       // in an ONNX graph
  constexpr std::uint8_t kMetadata = 14 << 3 | 2;  // in an ONNX model
  constexpr std::uint8_t kLabel = 7 << 3 | 2;      // in a client spec
  // The graph is one field, whose length has four bytes.
  Bytes network = {7 << 3 | 2, 0x80, 0x80, 0x80, 0x08};
  static_assert(2 * kMany == std::size_t{0x08} << 21U);
  const Bytes nodes = empty_parts(kNode);
  network.insert(network.end(), nodes.begin(), nodes.end());
  for (const Reader& reader : readers()) {
    CAPTURE(reader.command);
    if (is_network(reader)) {
      check_refused(reader, network);
      check_refused(reader, empty_parts(kMetadata));
    } else if (reader.file == "shapes.client") {
      const Bytes sound = sound_file(reader.file);
      check_refused(reader, make_frame(peek_frame_kind(sound), sound[8], empty_parts(kLabel)));
    }
  }
}

TEST_CASE("random bytes are refused by every reader") {
  for (const Reader& reader : readers()) {
    CAPTURE(reader.command);
    Bytes noise(997);
    std::uint32_t state = 1;
    for (std::uint8_t& byte : noise)
      byte = static_cast<std::uint8_t>((state = state * 1664525U + 1013904223U) >> 24U);
    check_refused(reader, noise);
  }
}

TEST_CASE("an output that cannot be written leaves nothing behind") {
  const TemporaryFolder folder;
  const Workshop& files = workshop();
  const std::string nowhere = folder / "missing/out";
  for (const Reader& reader : readers()) {
    std::vector<std::string> words = reader.command;
    if (std::find(words.begin(), words.end(), kOutput) == words.end()) continue;
    Reader unwritable{reader.file, words};
    // The output is what is bad here, the file is sound.
    for (std::string& word : unwritable.command) {
      if (word == kBadFile) {
        word = files / reader.file;
      } else if (word == kOutput) {
        word = kBadFile;
      }
    }
    CAPTURE(unwritable.command);
    check_refused(unwritable, nowhere);
  }
  // Two outputs: none is written where one cannot be.
  std::filesystem::create_directory(folder / "pair.client");
  const Reader compile{"", {"compile", files / "net.onnx", "--output", kBadFile}};
  check_refused(compile, (folder / "pair").string());
  CHECK_FALSE(std::filesystem::exists(folder / "pair.server"));
}
