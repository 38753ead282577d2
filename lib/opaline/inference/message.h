#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "opaline/base/bytes.h"
#include "opaline/base/frame.h"
#include "opaline/base/sha256.h"
#include "opaline/packing/slot_layout.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// Where a message goes as it is made, frame by frame.
using ByteSink = std::function<void(ByteView)>;

/// Told how many images are finished.
using ImageProgress = std::function<void(std::size_t)>;

/// At most this many images in one query.
inline constexpr std::size_t kLargestQuery = 1 << 20;

/// At most this many bytes of ciphertexts in one chunk: 2^20 inputs under a key of 4096 bits.
inline constexpr std::size_t kLargestChunk = std::size_t{1} << 30;

/// At most this many bytes of a chunk's payload are not ciphertexts.
inline constexpr std::size_t kChunkFields = 32;

/// Makes every query one of its kind, so that no chunk can be taken for one of another.
using Nonce = std::array<std::uint8_t, 8>;

/// Tells keys and models apart where their digests are known: the first bytes of these.
using ShortId = std::array<std::uint8_t, 8>;
ShortId short_id(const Digest& digest);

/// A query is a header and then one frame of ciphertexts for every `layout.images` images; a reply is made
/// likewise. Both are sequences of frames (base/frame.h) with protobuf payloads (messages.proto), so that
/// they can be written and read in bounded memory.
struct QueryHeader {
  PublicKey key;  ///< its proof goes with it
  Digest model_id{};
  LayoutShape layout;
  std::size_t images = 0;
  Nonce nonce{};  ///< of the query

  std::size_t chunks() const { return (images + layout.images - 1) / layout.images; }
};

struct ReplyHeader {
  ShortId key_id{};
  ShortId model_id{};
  LayoutShape layout;
  std::size_t images = 0;
  Nonce nonce{};  ///< of the query

  std::size_t chunks() const { return (images + layout.images - 1) / layout.images; }
};

/// What the reply to a query begins with.
ReplyHeader reply_to(const QueryHeader& query);

Bytes to_frame(const QueryHeader& header);
Bytes to_frame(const ReplyHeader& header);

/// Makes a key of n and the proof that came with it (null if none), or throws Error(invalid_key):
/// checked_key, or who remembers keys that have passed it, which takes milliseconds.
using KeySource = std::function<PublicKey(const Integer& n, const KeyProof* proof)>;
PublicKey checked_key(const Integer& n, const KeyProof* proof);

/// Read and check everything that can be checked without a model: versions, sizes, ranges, the key's rules
/// and its proof.
QueryHeader read_query_header(FrameReader& reader, const KeySource& keys = checked_key);
ReplyHeader read_reply_header(FrameReader& reader);

/// One chunk: its place in the message and its ciphertexts at fixed width, one after the other.
/// Error(too_large) for more than kLargestChunk bytes. The header's digest is its frame's context and so
/// binds it to its message: under another header a chunk is Error(damaged).
enum class ChunkKind { query, reply };
Bytes chunk_frame(ChunkKind kind, const Digest& message, std::size_t index, ByteView ciphertexts);

/// The ciphertext bytes of the next chunk, which must be number `index` and hold exactly `bytes` bytes.
Bytes read_chunk(FrameReader& reader, ChunkKind kind, const Digest& message, std::size_t index,
                 std::size_t bytes);

/// How much of an interrupted message can be kept: whole chunks from number 0 on, and their bytes.
struct WholeChunks {
  std::size_t count = 0;
  std::uint64_t bytes = 0;
};
WholeChunks read_whole_chunks(FrameReader& reader, ChunkKind kind, const Digest& message, std::size_t bytes);

/// What binds chunks to their header: SHA-256 of the header's frame.
Digest message_digest(const QueryHeader& header);
Digest message_digest(const ReplyHeader& header);

}  // namespace opaline
