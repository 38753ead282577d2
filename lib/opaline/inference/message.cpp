#include "opaline/inference/message.h"

#include <algorithm>
#include <string>
#include <utility>

#include "messages.pb.h"
#include "opaline/base/error.h"
#include "opaline/paillier/named_errors.h"

namespace opaline {
namespace {

namespace wire = opaline::inference;

constexpr std::uint32_t kVersion = 2;
constexpr FrameKind kQueryHeader = {'Q', 'H', 'D', 'R'};
constexpr FrameKind kReplyHeader = {'R', 'H', 'D', 'R'};
constexpr FrameKind kQueryChunk = {'Q', 'C', 'H', 'K'};
constexpr FrameKind kReplyChunk = {'R', 'C', 'H', 'K'};
constexpr std::size_t kHeaderLimit = std::size_t{64} << 10;

FrameKind frame_kind(ChunkKind kind) { return kind == ChunkKind::query ? kQueryChunk : kReplyChunk; }

std::string to_string(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

ByteView payload_bytes(const std::string& text) { return as_bytes(text); }

[[noreturn]] void refuse(const FrameReader& reader, const std::string& why) {
  throw Error(ErrorKind::damaged, reader.name() + ": " + why);
}

// A Digest, a ShortId or a Nonce.
template <typename Array>
Array array_from(const FrameReader& reader, const std::string& bytes, const char* what) {
  Array array{};
  if (bytes.size() != array.size()) {
    refuse(reader, std::string(what) + " is not of " + std::to_string(array.size()) + " bytes");
  }
  std::copy(bytes.begin(), bytes.end(), array.begin());
  return array;
}

// Only what this program would write itself: known fields, once, in their shortest form.
template <typename Payload>
Payload parse(const FrameReader& reader, ByteView bytes) {
  Payload payload;
  const bool parsed = payload.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
  payload.DiscardUnknownFields();
  if (!parsed || payload.ByteSizeLong() != bytes.size()) {
    refuse(reader, "holds something that is not a part of such a message");
  }
  return payload;
}

// Whether the layout can exist at all; whether it is granted is a question to the model.
LayoutShape layout_from(const FrameReader& reader, const wire::Layout& payload, std::size_t key_bits) {
  const LayoutShape layout{payload.features(), payload.outputs(), payload.outputs_a_slot(), payload.images(),
                           payload.slot_bits()};
  const auto possible = [key_bits](std::size_t number) { return number >= 1 && number <= key_bits; };
  if (!possible(layout.features) || !possible(layout.outputs) || !possible(layout.outputs_a_slot) ||
      !possible(layout.images) || !possible(layout.slot_bits) ||
      layout.images * layout.slots_an_image() * layout.slot_bits > key_bits - 2) {
    refuse(reader, "its layout of " + std::to_string(layout.images) + " images, " +
                       std::to_string(layout.features) + " features and " + std::to_string(layout.outputs) +
                       " answers in slots of " + std::to_string(layout.slot_bits) +
                       " bits does not exist for a key of " + std::to_string(key_bits) + " bits");
  }
  return layout;
}

template <typename Payload>
std::size_t images_from(const FrameReader& reader, const Payload& payload) {
  if (payload.images() < 1 || payload.images() > kLargestQuery) {
    throw Error(payload.images() < 1 ? ErrorKind::damaged : ErrorKind::too_large,
                reader.name() + ": claims " + std::to_string(payload.images()) + " images; 1 to " +
                    std::to_string(kLargestQuery) + " are possible");
  }
  return payload.images();
}

PublicKey key_from(const FrameReader& reader, const wire::QueryHeader& payload, const KeySource& keys) {
  const std::string& n = payload.n();
  // The exact size is PublicKey's to judge; this one is refused before it is a number.
  if (n.empty() || n.size() > kLargestKeyBits / 8 || n.front() == '\0') {
    refuse(reader, "its key is not a number of at most " + std::to_string(kLargestKeyBits) + " bits");
  }
  const ByteView roots = payload_bytes(payload.key_proof());
  if (roots.size() > kLargestKeyProof) refuse(reader, "its key's proof is longer than any");
  const KeyProof proof{{roots.begin(), roots.end()}};
  return with_name(reader.name(),
                   [&] { return keys(from_bytes(payload_bytes(n)), roots.empty() ? nullptr : &proof); });
}

template <typename Payload, typename Header>
void put_common(Payload& payload, const Header& header) {
  payload.set_model_id(to_string(header.model_id));
  wire::Layout& layout = *payload.mutable_layout();
  layout.set_features(header.layout.features);
  layout.set_outputs(header.layout.outputs);
  layout.set_outputs_a_slot(header.layout.outputs_a_slot);
  layout.set_images(header.layout.images);
  layout.set_slot_bits(header.layout.slot_bits);
  payload.set_images(header.images);
  payload.set_nonce(to_string(header.nonce));
}

}  // namespace

Bytes to_frame(const QueryHeader& header) {
  wire::QueryHeader payload;
  payload.set_n(to_string(to_bytes(header.key.n())));
  if (header.key.proof() != nullptr) payload.set_key_proof(to_string(header.key.proof()->roots));
  put_common(payload, header);
  return make_frame(kQueryHeader, kVersion, payload_bytes(payload.SerializeAsString()));
}

Bytes to_frame(const ReplyHeader& header) {
  wire::ReplyHeader payload;
  payload.set_key_id(to_string(header.key_id));
  put_common(payload, header);
  return make_frame(kReplyHeader, kVersion, payload_bytes(payload.SerializeAsString()));
}

PublicKey checked_key(const Integer& n, const KeyProof* proof) {
  const PublicKey key(n);
  return proof == nullptr ? key : key.with_proof(*proof);
}

QueryHeader read_query_header(FrameReader& reader, const KeySource& keys) {
  const auto payload = parse<wire::QueryHeader>(reader, reader.next(kQueryHeader, kVersion, kHeaderLimit));
  const std::size_t images = images_from(reader, payload);
  const auto model_id = array_from<Digest>(reader, payload.model_id(), "its model's name");
  PublicKey key = key_from(reader, payload, keys);
  const LayoutShape layout = layout_from(reader, payload.layout(), key.bits());
  return {std::move(key), model_id, layout, images, array_from<Nonce>(reader, payload.nonce(), "its nonce")};
}

ReplyHeader read_reply_header(FrameReader& reader) {
  const auto payload = parse<wire::ReplyHeader>(reader, reader.next(kReplyHeader, kVersion, kHeaderLimit));
  const std::size_t images = images_from(reader, payload);
  return {array_from<ShortId>(reader, payload.key_id(), "its key's name"),
          array_from<ShortId>(reader, payload.model_id(), "its model's name"),
          layout_from(reader, payload.layout(), kLargestKeyBits), images,
          array_from<Nonce>(reader, payload.nonce(), "its nonce")};
}

ReplyHeader reply_to(const QueryHeader& query) {
  return {short_id(query.key.fingerprint()), short_id(query.model_id), query.layout, query.images,
          query.nonce};
}

ShortId short_id(const Digest& digest) {
  ShortId id{};
  std::copy_n(digest.begin(), id.size(), id.begin());
  return id;
}

Bytes chunk_frame(ChunkKind kind, const Digest& message, std::size_t index, ByteView ciphertexts) {
  if (ciphertexts.size() > kLargestChunk) {
    throw Error(ErrorKind::too_large, "one chunk of " + std::to_string(ciphertexts.size()) +
                                          " bytes of ciphertexts is too large; use a smaller key");
  }
  wire::Chunk payload;
  payload.set_index(index);
  payload.set_ciphertexts(to_string(ciphertexts));
  return make_frame(frame_kind(kind), kVersion, payload_bytes(payload.SerializeAsString()), message);
}

Bytes read_chunk(FrameReader& reader, ChunkKind kind, const Digest& message, std::size_t index,
                 std::size_t bytes) {
  if (bytes > kLargestChunk) {
    throw Error(ErrorKind::too_large, reader.name() + ": needs chunks of " + std::to_string(bytes) +
                                          " bytes; at most " + std::to_string(kLargestChunk) +
                                          " are accepted");
  }
  const auto payload =
      parse<wire::Chunk>(reader, reader.next(frame_kind(kind), kVersion, bytes + kChunkFields, message));
  if (payload.index() != index) {
    refuse(reader, "chunk " + std::to_string(payload.index()) + " stands where chunk " +
                       std::to_string(index) + " belongs");
  }
  if (payload.ciphertexts().size() != bytes) {
    refuse(reader, "chunk " + std::to_string(index) + " holds " +
                       std::to_string(payload.ciphertexts().size()) + " bytes of ciphertexts instead of " +
                       std::to_string(bytes));
  }
  return {payload.ciphertexts().begin(), payload.ciphertexts().end()};
}

WholeChunks read_whole_chunks(FrameReader& reader, ChunkKind kind, const Digest& message, std::size_t bytes) {
  WholeChunks whole;
  try {
    while (true) {
      const Bytes ciphertexts = read_chunk(reader, kind, message, whole.count, bytes);
      whole.bytes += chunk_frame(kind, message, whole.count, ciphertexts).size();
      ++whole.count;
    }
  } catch (const Error&) {  // where it broke off, or something else begins
  }
  return whole;
}

Digest message_digest(const QueryHeader& header) { return sha256(to_frame(header)); }
Digest message_digest(const ReplyHeader& header) { return sha256(to_frame(header)); }

}  // namespace opaline
