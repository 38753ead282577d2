// Headers and chunks: what is written is read again, and what no honest sender writes is refused.

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <string>

#include "inference/parties.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

QueryHeader query_header() {
  Digest model{};
  model.fill(0x5a);
  return {alice().public_key(), model, {2, 3, 1, 5, 22}, 1000, {9, 8, 7, 6, 5, 4, 3, 2}};
}

ReplyHeader reply_header() {
  ShortId key{};
  key.fill(0x81);
  ShortId model{};
  model.fill(0x5a);
  return {key, model, {2, 3, 1, 5, 22}, 1000, {9, 8, 7, 6, 5, 4, 3, 2}};
}

std::optional<Error> query_error(const Bytes& frame) {
  FrameReader reader(frame, "some.query");
  return error_of([&] { read_query_header(reader); });
}

std::optional<Error> reply_error(const Bytes& frame) {
  FrameReader reader(frame, "some.reply");
  return error_of([&] { read_reply_header(reader); });
}

std::optional<ErrorKind> kind(const std::optional<Error>& error) {
  if (!error) return std::nullopt;
  CAPTURE(error->what());
  CHECK(std::string(error->what()).rfind("some.", 0) == 0);
  return error->kind();
}

// A protobuf field of bytes, numbers below 16 and sizes below 2^14.
Bytes bytes_field(std::uint8_t number, const Bytes& content) {
  Bytes field = {static_cast<std::uint8_t>(number << 3 | 2)};
  std::size_t size = content.size();
  for (; size >= 128; size >>= 7) field.push_back(static_cast<std::uint8_t>(size | 128));
  field.push_back(static_cast<std::uint8_t>(size));
  field.insert(field.end(), content.begin(), content.end());
  return field;
}

Bytes operator+(Bytes a, const Bytes& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

const Bytes kUnknownFields[] = {{0x78, 0x01},            // field 15, a number
                                {0x7a, 0x00},            // field 15, empty bytes
                                {0x7d, 0x01, 0, 0, 0}};  // field 15, 32 bits

// A header of a query whose modulus has these bytes.
Bytes with_modulus(const Bytes& n) {
  const Bytes frame = to_frame(query_header());
  const Bytes payload = payload_of(frame);
  const Bytes original = bytes_field(1, to_bytes(alice().public_key().n()));
  REQUIRE(std::equal(original.begin(), original.end(), payload.begin()));
  return with_payload(
      frame, bytes_field(1, n) +
                 Bytes(payload.begin() + static_cast<std::ptrdiff_t>(original.size()), payload.end()));
}

}  // namespace

TEST_CASE("headers are read as they were written") {
  const QueryHeader query = query_header();
  const Bytes query_frame = to_frame(query);
  FrameReader query_reader(query_frame, "query");
  const QueryHeader query_again = read_query_header(query_reader);
  CHECK(query_again.key == query.key);
  CHECK(query_again.model_id == query.model_id);
  CHECK(query_again.layout == query.layout);
  CHECK(query_again.images == query.images);
  CHECK(query_again.nonce == query.nonce);
  CHECK(query_again.chunks() == 200);
  CHECK(message_digest(query_again) == message_digest(query));

  const ReplyHeader reply = reply_header();
  const Bytes reply_frame = to_frame(reply);
  FrameReader reply_reader(reply_frame, "reply");
  const ReplyHeader reply_again = read_reply_header(reply_reader);
  CHECK(reply_again.key_id == reply.key_id);
  CHECK(reply_again.model_id == reply.model_id);
  CHECK(reply_again.layout == reply.layout);
  CHECK(reply_again.images == reply.images);
  CHECK(reply_again.nonce == reply.nonce);
  CHECK(reply_again.chunks() == 200);
  CHECK(message_digest(reply_again) == message_digest(reply));
}

TEST_CASE("every member of a header changes its digest") {
  const QueryHeader query = query_header();
  QueryHeader changed = query;
  SECTION("key") { changed.key = bob().public_key(); }
  SECTION("model") { changed.model_id[31] ^= 1; }
  SECTION("features") { changed.layout.features -= 1; }
  SECTION("outputs") { changed.layout.outputs -= 1; }
  SECTION("outputs a slot") { changed.layout.outputs_a_slot += 1; }
  SECTION("images side by side") { changed.layout.images -= 1; }
  SECTION("nonce") { changed.nonce[7] ^= 1; }
  SECTION("slot bits") { changed.layout.slot_bits -= 1; }
  SECTION("images") { changed.images += 1; }
  CHECK(message_digest(changed) != message_digest(query));
}

TEST_CASE("a header of another kind is refused") {
  CHECK(kind(query_error(to_frame(reply_header()))) == ErrorKind::damaged);
  CHECK(kind(reply_error(to_frame(query_header()))) == ErrorKind::damaged);
}

TEST_CASE("numbers of images that cannot be are refused") {
  const auto query_with = [](std::size_t images) {
    QueryHeader header = query_header();
    header.images = images;
    return kind(query_error(to_frame(header)));
  };
  const auto reply_with = [](std::size_t images) {
    ReplyHeader header = reply_header();
    header.images = images;
    return kind(reply_error(to_frame(header)));
  };
  CHECK_FALSE(query_with(1));
  CHECK_FALSE(reply_with(1));
  CHECK_FALSE(query_with(kLargestQuery));
  CHECK_FALSE(reply_with(kLargestQuery));
  CHECK(query_with(0) == ErrorKind::damaged);
  CHECK(reply_with(0) == ErrorKind::damaged);
  for (const std::size_t images : {kLargestQuery + 1, std::numeric_limits<std::size_t>::max()}) {
    CHECK(query_with(images) == ErrorKind::too_large);
    CHECK(reply_with(images) == ErrorKind::too_large);
  }
}

TEST_CASE("layouts that no key of that size has are refused") {
  const auto query_with = [](LayoutShape shape) {
    QueryHeader header = query_header();
    header.layout = shape;
    return kind(query_error(to_frame(header)));
  };
  const auto reply_with = [](LayoutShape shape) {
    ReplyHeader header = reply_header();
    header.layout = shape;
    return kind(reply_error(to_frame(header)));
  };
  CHECK_FALSE(query_with({1, 1, 1, 1, 1022}));
  CHECK_FALSE(query_with({1, 1, 1, 1022, 1}));
  CHECK_FALSE(query_with({1, 1022, 1, 1, 1}));
  CHECK_FALSE(query_with({511, 1, 1, 1, 1}));
  CHECK_FALSE(reply_with({1, 1, 1, 1, 8190}));
  const std::size_t huge = std::numeric_limits<std::size_t>::max();
  const unsigned wide = std::numeric_limits<unsigned>::max();
  for (const LayoutShape shape :
       {LayoutShape{1, 1, 1, 0, 22}, LayoutShape{1, 1, 1, 46, 0}, LayoutShape{0, 1, 1, 1, 22},
        LayoutShape{1, 0, 1, 1, 22}, LayoutShape{1, 1, 0, 1, 22}, LayoutShape{0, 0, 0, 0, 0},
        LayoutShape{1, 1, 1, 1, 8191}, LayoutShape{1, 1, 1, 8191, 1}, LayoutShape{1, 8191, 1, 1, 1},
        LayoutShape{4096, 1, 1, 1, 1}, LayoutShape{1, 1, 1, huge, 22}, LayoutShape{huge, 1, 1, 1, 22},
        LayoutShape{1, huge, 1, 1, 22}, LayoutShape{1, huge, huge, 1, 22}, LayoutShape{1, 1, huge, 1, 22},
        LayoutShape{1, 1, 1, 1, wide}, LayoutShape{1, 1, 1, std::size_t{1} << 63, 2},
        LayoutShape{8192, 8192, 1, 8192, 8192}, LayoutShape{huge, huge, 1, huge, wide}}) {
    CAPTURE(shape.features, shape.outputs, shape.outputs_a_slot, shape.images, shape.slot_bits);
    CHECK(query_with(shape) == ErrorKind::damaged);
    CHECK(reply_with(shape) == ErrorKind::damaged);
  }
  CHECK(query_with({1, 1, 1, 1, 1023}) == ErrorKind::damaged);
  CHECK(query_with({1, 1, 1, 2, 512}) == ErrorKind::damaged);
  CHECK(query_with({512, 1, 1, 1, 1}) == ErrorKind::damaged);
}

TEST_CASE("what is no public key is refused") {
  const Integer n = alice().public_key().n();
  const auto error = [](const Bytes& modulus) { return kind(query_error(with_modulus(modulus))); };
  CHECK_FALSE(error(to_bytes(n)));
  CHECK(error({}) == ErrorKind::damaged);
  CHECK(error({0}) == ErrorKind::damaged);
  CHECK(error(to_bytes(n, 129)) == ErrorKind::damaged);   // a leading zero
  CHECK(error(Bytes(1025, 0xff)) == ErrorKind::damaged);  // above 8192 bits
  CHECK(error(Bytes(60000, 0xff)) == ErrorKind::damaged);
  CHECK(error({15}) == ErrorKind::invalid_key);                                                 // too small
  CHECK(error(to_bytes(n - 1)) == ErrorKind::invalid_key);                                      // even
  CHECK(error(to_bytes(alice().p().value() * alice().p().value())) == ErrorKind::invalid_key);  // a square
  CHECK(error(to_bytes((n / 257 | 1) * 257)) == ErrorKind::invalid_key);  // a small factor
}

TEST_CASE("a header longer than its limit is refused before it is read") {
  Bytes frame = make_frame({'Q', 'H', 'D', 'R'}, 2, Bytes((std::size_t{64} << 10) + 1));
  CHECK(kind(query_error(frame)) == ErrorKind::too_large);
  frame = make_frame({'R', 'H', 'D', 'R'}, 2, Bytes((std::size_t{64} << 10) + 1));
  CHECK(kind(reply_error(frame)) == ErrorKind::too_large);
}

TEST_CASE("a message of another version is refused") {
  CHECK(kind(query_error(make_frame({'Q', 'H', 'D', 'R'}, 1, payload_of(to_frame(query_header()))))) ==
        ErrorKind::unsupported_version);
  CHECK(kind(reply_error(make_frame({'R', 'H', 'D', 'R'}, 1, payload_of(to_frame(reply_header()))))) ==
        ErrorKind::unsupported_version);
}

TEST_CASE("unknown, repeated and malformed fields of headers are refused") {
  for (const bool is_query : {true, false}) {
    const Bytes frame = is_query ? to_frame(query_header()) : to_frame(reply_header());
    const Bytes payload = payload_of(frame);
    const auto error = [&](const Bytes& changed) {
      const Bytes message = with_payload(frame, changed);
      return kind(is_query ? query_error(message) : reply_error(message));
    };
    CHECK_FALSE(error(payload));
    for (const Bytes& unknown : kUnknownFields) {
      CHECK(error(payload + unknown) == ErrorKind::damaged);
      CHECK(error(unknown + payload) == ErrorKind::damaged);
    }
    CHECK(error(payload + payload) == ErrorKind::damaged);
    CHECK(error(payload + Bytes{0x20, 0x05}) == ErrorKind::damaged);  // images again
    CHECK(error(payload + Bytes{0x00}) == ErrorKind::damaged);        // no field has number 0
    CHECK(error(payload + Bytes{0x12, 0x7f}) == ErrorKind::damaged);  // claims bytes that are not there
    CHECK(error({}) == ErrorKind::damaged);
  }
}

TEST_CASE("names and nonces of another length than theirs are refused") {
  const Bytes layout = {0x1a, 10, 0x08, 2, 0x10, 3, 0x18, 1, 0x20, 5, 0x28, 22, 0x20, 100};
  const auto error = [&](std::size_t key, std::size_t model, std::size_t nonce) {
    return kind(reply_error(make_frame({'R', 'H', 'D', 'R'}, 2,
                                       bytes_field(1, Bytes(key, 1)) + bytes_field(2, Bytes(model, 1)) +
                                           layout + bytes_field(5, Bytes(nonce, 1)))));
  };
  CHECK_FALSE(error(8, 8, 8));
  for (const std::size_t length : {1U, 7U, 9U, 32U, 1000U}) {
    CHECK(error(length, 8, 8) == ErrorKind::damaged);
    CHECK(error(8, length, 8) == ErrorKind::damaged);
    CHECK(error(8, 8, length) == ErrorKind::damaged);
  }
}

TEST_CASE("a chunk is read only in its place, under its header, at its size") {
  const Digest message = message_digest(query_header());
  const Bytes ciphertexts(512, 0xc1);
  const auto error = [&](const Bytes& frame, ChunkKind expected, std::size_t index, std::size_t bytes) {
    FrameReader reader(frame, "some.query");
    return kind(error_of([&] { read_chunk(reader, expected, message, index, bytes); }));
  };
  for (const std::size_t index : {std::size_t{0}, std::size_t{1}, std::size_t{300}, kLargestQuery}) {
    const Bytes frame = chunk_frame(ChunkKind::query, message, index, ciphertexts);
    FrameReader reader(frame, "some.query");
    CHECK(read_chunk(reader, ChunkKind::query, message, index, 512) == ciphertexts);
    CHECK(error(frame, ChunkKind::reply, index, 512) == ErrorKind::damaged);
    CHECK(error(frame, ChunkKind::query, index + 1, 512) == ErrorKind::damaged);
    CHECK(error(frame, ChunkKind::query, index, 511) == ErrorKind::damaged);
    CHECK(error(frame, ChunkKind::query, index, 513) == ErrorKind::damaged);
    CHECK(error(frame, ChunkKind::query, index, 0) == ErrorKind::too_large);
  }
  CHECK(error(chunk_frame(ChunkKind::query, message_digest(reply_header()), 0, ciphertexts), ChunkKind::query,
              0, 512) == ErrorKind::damaged);
}

TEST_CASE("a chunk far above the size expected is refused before memory is taken for it") {
  const Digest message = message_digest(query_header());
  Bytes frame = chunk_frame(ChunkKind::query, message, 0, Bytes(512));
  for (std::size_t i = 12; i < 18; ++i) frame[i] = 0xff;  // the frame's length
  FrameReader reader(frame, "some.query");
  CHECK(kind(error_of([&] { read_chunk(reader, ChunkKind::query, message, 0, 512); })) ==
        ErrorKind::too_large);
  FrameReader again(frame, "some.query");
  CHECK(kind(error_of([&] { read_chunk(again, ChunkKind::query, message, 0, kLargestChunk + 1); })) ==
        ErrorKind::too_large);
}

TEST_CASE("unknown and repeated fields of chunks are refused") {
  const Digest message = message_digest(query_header());
  const Bytes frame = chunk_frame(ChunkKind::query, message, 1, Bytes(512, 0xc1));
  const Bytes payload = payload_of(frame);
  const auto error = [&](const Bytes& changed) {
    const Bytes whole = with_payload(frame, changed, message);
    FrameReader reader(whole, "some.query");
    return kind(error_of([&] { read_chunk(reader, ChunkKind::query, message, 1, 512); }));
  };
  CHECK_FALSE(error(payload));
  for (const Bytes& unknown : kUnknownFields) CHECK(error(payload + unknown) == ErrorKind::damaged);
  CHECK(error(payload + Bytes{0x08, 0x01}) == ErrorKind::damaged);  // the index again
  CHECK(error(payload + Bytes{0x00}) == ErrorKind::damaged);
}
