#include "opaline/inference/client.h"

#include <algorithm>
#include <string>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/base/random.h"
#include "opaline/base/secret.h"
#include "opaline/base/wiped_stack.h"
#include "opaline/inference/ciphertext_bytes.h"
#include "opaline/inference/lots.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/paillier/ciphertext.h"
#include "opaline/paillier/named_errors.h"

namespace opaline {
namespace {

constexpr std::size_t kAhead = 1024;  // inputs

void wipe(EncodedInput& input) noexcept { opaline::wipe(input.data(), input.size() * sizeof(input[0])); }

// Copies of a client's inputs, wiped when they have been used.
struct InputCopies {
  std::vector<EncodedInput> all;

  InputCopies() = default;
  InputCopies(const InputCopies&) = default;
  InputCopies& operator=(const InputCopies&) = delete;
  ~InputCopies() { clear(); }

  void clear() noexcept {
    for (EncodedInput& input : all) wipe(input);
    all.clear();
  }
};

// Inputs first … first + count − 1, checked; of each what is sent.
InputCopies take_inputs(const ClientSpec& spec, const InputSource& input, std::size_t first,
                        std::size_t count) {
  InputCopies copies;
  std::vector<EncodedInput>& taken = copies.all;
  taken.reserve(count);
  for (std::size_t i = first; i < first + count; ++i) {
    taken.push_back(input(i));
    if (taken.back().size() != spec.inputs) {
      throw Error(ErrorKind::invalid_argument, "input " + std::to_string(i) + " has " +
                                                   std::to_string(taken.back().size()) +
                                                   " values, the model takes " + std::to_string(spec.inputs));
    }
    if (const auto outside = find_outside(taken.back(), spec.encoding.maximum())) {
      throw Error(ErrorKind::out_of_range,
                  "input " + std::to_string(i) + " holds " + std::to_string(taken.back()[*outside]) +
                      ", outside the model's range 0 … " + std::to_string(spec.encoding.maximum()));
    }
    if (spec.unused.empty()) continue;
    EncodedInput sent = spec.without_unused<std::int64_t>(taken.back());
    taken.back().swap(sent);
    wipe(sent);
  }
  return copies;
}

// The plaintexts of several chunks of inputs, chunk after chunk.
PlaintextVector pack(const SlotLayout& layout, const PublicKey& key,
                     const std::vector<EncodedInput>& inputs) {
  const std::size_t ciphertexts = layout.ciphertexts();
  const std::size_t chunks = (inputs.size() + layout.images() - 1) / layout.images();
  PlaintextVector plaintexts(key, chunks * ciphertexts);
  const std::vector<Share> shares = even_shares(plaintexts.size(), 64);
  parallel_for(shares.size(), [&](std::size_t share) {
    for (std::size_t i = shares[share].first; i < shares[share].first + shares[share].count; ++i) {
      const std::size_t first = i / ciphertexts * layout.images();
      const std::size_t count = std::min(layout.images(), inputs.size() - first);
      layout.pack(plaintexts[i], i % ciphertexts, std::span(inputs).subspan(first, count));
    }
  });
  return plaintexts;
}

}  // namespace

InputSource encoding_ahead(std::size_t count, InputSource encode) {
  return [count, encode = std::move(encode), first = std::size_t{0},
          copies = InputCopies()](std::size_t i) mutable {
    std::vector<EncodedInput>& block = copies.all;
    if (i < first || i >= first + block.size()) {
      first = i;
      copies.clear();
      block.resize(std::min(kAhead, count - i));
      parallel_for(block.size(), [&](std::size_t j) { block[j] = encode(i + j); });
    }
    return block[i - first];
  };
}

QueryEncryptor::QueryEncryptor(ClientSpec spec, Encryptor encryptor)
    : spec_(std::move(spec)), encryptor_(std::move(encryptor)) {}

LayoutShape QueryEncryptor::plain() const {
  return SlotLayout::plain(certificate_of(spec_), encryptor_.public_key().bits()).shape();
}

LayoutShape QueryEncryptor::batch(std::size_t images) const {
  LayoutShape shape = SlotLayout::batch(certificate_of(spec_), encryptor_.public_key().bits()).shape();
  shape.images = std::clamp<std::size_t>(images, 1, shape.images);
  return shape;
}

QueryHeader QueryEncryptor::header(std::size_t images, const LayoutShape& layout) const {
  if (images < 1 || images > kLargestQuery) {
    throw Error(ErrorKind::invalid_argument, "a query holds 1 to " + std::to_string(kLargestQuery) +
                                                 " images, not " + std::to_string(images));
  }
  const PublicKey& key = encryptor_.public_key();
  const SlotLayout granted(layout, certificate_of(spec_), key.bits());
  QueryHeader header{key, spec_.model_id, granted.shape(), images, {}};
  fill_random(header.nonce);
  return header;
}

void QueryEncryptor::encrypt(const QueryHeader& header, std::size_t first_chunk, const InputSource& input,
                             const ByteSink& out, const ImageProgress& progress) const {
  const SlotLayout layout(header.layout, certificate_of(spec_), header.key.bits());
  const Digest digest = message_digest(header);
  const std::size_t together = client_lot(layout.ciphertexts());
  for (std::size_t chunk = first_chunk; chunk < header.chunks(); chunk += together) {
    const std::size_t first = chunk * layout.images();
    const std::size_t count = std::min(together * layout.images(), header.images - first);
    const InputCopies inputs = take_inputs(spec_, input, first, count);
    const std::vector<Ciphertext> ciphertexts =
        encryptor_.encrypt(on_secret_stack([&] { return pack(layout, header.key, inputs.all); }));
    for (std::size_t i = 0; i * layout.ciphertexts() < ciphertexts.size(); ++i) {
      const auto of_chunk = std::span(ciphertexts).subspan(i * layout.ciphertexts(), layout.ciphertexts());
      out(chunk_frame(ChunkKind::query, digest, chunk + i, ciphertext_bytes(of_chunk)));
    }
    progress(first + count);
  }
}

Bytes QueryEncryptor::encrypt(const std::vector<EncodedInput>& inputs, const LayoutShape& layout) const {
  const QueryHeader header = this->header(inputs.size(), layout);
  Bytes query = to_frame(header);
  encrypt(
      header, 0, [&](std::size_t i) { return inputs[i]; },
      [&](ByteView frame) { query.insert(query.end(), frame.begin(), frame.end()); }, [](std::size_t) {});
  return query;
}

std::uint64_t most_reply_bytes(const QueryHeader& query, const ClientSpec& spec) {
  const SlotLayout layout(query.layout, certificate_of(spec), query.key.bits());
  const std::uint64_t chunk =
      kFrameOverhead + kChunkFields + std::uint64_t{layout.replies()} * query.key.ciphertext_bytes();
  return to_frame(reply_to(query)).size() + query.chunks() * chunk;
}

ReplyDecryptor::ReplyDecryptor(ClientSpec spec, Decryptor decryptor)
    : spec_(std::move(spec)), decryptor_(std::move(decryptor)) {}

void ReplyDecryptor::decrypt(FrameReader& reply, const AnswerSink& out, const ImageProgress& progress) const {
  const PublicKey& key = decryptor_.public_key();
  const ReplyHeader header = read_reply_header(reply);
  if (header.key_id != short_id(key.fingerprint())) {
    throw Error(ErrorKind::wrong_key, reply.name() + ": made for another key; use the one of the query");
  }
  if (header.model_id != short_id(spec_.model_id)) {
    throw Error(ErrorKind::wrong_model,
                reply.name() + ": made by another model; use that model's client file");
  }
  const Digest digest = message_digest(header);
  const SlotLayout layout =
      with_name(reply.name(), [&] { return SlotLayout(header.layout, certificate_of(spec_), key.bits()); });
  const std::size_t chunk_bytes = layout.replies() * key.ciphertext_bytes();
  const std::size_t together = client_lot(layout.replies());
  for (std::size_t chunk = 0; chunk < header.chunks(); chunk += together) {
    const std::size_t end = std::min(chunk + together, header.chunks());
    Bytes bytes;
    for (std::size_t i = chunk; i < end; ++i) {
      const Bytes one = read_chunk(reply, ChunkKind::reply, digest, i, chunk_bytes);
      bytes.insert(bytes.end(), one.begin(), one.end());
    }
    if (end == header.chunks()) reply.expect_end();
    const std::size_t first = chunk * layout.images();
    const std::size_t count = std::min(together * layout.images(), header.images - first);
    std::vector<std::vector<std::int64_t>> answers(count);
    with_name(reply.name(), [&] {
      const PlaintextVector plaintexts = decryptor_.decrypt_residues(parse_ciphertexts(key, bytes));
      parallel_for(end - chunk, [&](std::size_t i) {
        const std::size_t images = std::min(layout.images(), count - i * layout.images());
        for (std::size_t k = 0; k < layout.replies(); ++k) {
          const auto some = layout.unpack(k, plaintexts[i * layout.replies() + k], images);
          for (std::size_t image = 0; image < images; ++image) {
            std::vector<std::int64_t>& answer = answers[i * layout.images() + image];
            answer.insert(answer.end(), some[image].begin(), some[image].end());
          }
        }
      });
    });
    for (std::size_t i = 0; i < count; ++i) out(first + i, answers[i]);
    progress(first + count);
  }
}

std::vector<std::vector<std::int64_t>> ReplyDecryptor::decrypt(ByteView reply) const {
  FrameReader reader(reply, "reply");
  std::vector<std::vector<std::int64_t>> answers;
  decrypt(
      reader, [&](std::size_t, const std::vector<std::int64_t>& answer) { answers.push_back(answer); },
      [](std::size_t) {});
  return answers;
}

}  // namespace opaline
