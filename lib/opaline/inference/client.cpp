#include "opaline/inference/client.h"

#include <algorithm>
#include <string>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/inference/ciphertext_bytes.h"
#include "opaline/inference/named_errors.h"
#include "opaline/packing/slot_layout.h"
#include "opaline/paillier/ciphertext.h"

namespace opaline {
namespace {

// As wide as the images fill it: a single image makes the batch layout the plain one.
SlotLayout choose_layout(LayoutChoice choice, const ClientSpec& spec, std::size_t images,
                         std::size_t key_bits) {
  const std::int64_t maximum = spec.encoding.maximum();
  if (choice == LayoutChoice::plain) return SlotLayout::plain(spec.bound, maximum, key_bits);
  LayoutShape shape = SlotLayout::batch(spec.bound, maximum, key_bits).shape();
  shape.slots = std::min(shape.slots, images);
  return SlotLayout::granted(shape, spec.bound, maximum, key_bits);
}

// Inputs first … first + count − 1, checked.
std::vector<EncodedInput> take_inputs(const ClientSpec& spec, const InputSource& input, std::size_t first,
                                      std::size_t count) {
  std::vector<EncodedInput> taken;
  taken.reserve(count);
  for (std::size_t i = first; i < first + count; ++i) {
    taken.push_back(input(i));
    if (taken.back().size() != spec.inputs) {
      throw Error(ErrorKind::invalid_argument, "input " + std::to_string(i) + " has " +
                                                   std::to_string(taken.back().size()) +
                                                   " values, the model takes " + std::to_string(spec.inputs));
    }
    for (const std::int64_t value : taken.back()) {
      if (value < 0 || value > spec.encoding.maximum()) {
        throw Error(ErrorKind::out_of_range, "input " + std::to_string(i) + " holds " +
                                                 std::to_string(value) + ", outside the model's range 0 … " +
                                                 std::to_string(spec.encoding.maximum()));
      }
    }
  }
  return taken;
}

// Plaintext j holds value j of every input.
std::vector<Integer> pack(const SlotLayout& layout, const std::vector<EncodedInput>& inputs,
                          std::size_t values) {
  std::vector<Integer> plaintexts;
  plaintexts.reserve(values);
  std::vector<std::int64_t> column(inputs.size());
  for (std::size_t j = 0; j < values; ++j) {
    for (std::size_t i = 0; i < inputs.size(); ++i) column[i] = inputs[i][j];
    plaintexts.push_back(layout.pack(column));
  }
  return plaintexts;
}

}  // namespace

QueryEncryptor::QueryEncryptor(ClientSpec spec, Encryptor encryptor)
    : spec_(std::move(spec)), encryptor_(std::move(encryptor)) {}

void QueryEncryptor::encrypt(std::size_t images, const InputSource& input, LayoutChoice layout,
                             const ByteSink& out, const ImageProgress& progress) const {
  if (images < 1 || images > kLargestQuery) {
    throw Error(ErrorKind::invalid_argument, "a query holds 1 to " + std::to_string(kLargestQuery) +
                                                 " images, not " + std::to_string(images));
  }
  const PublicKey& key = encryptor_.public_key();
  const SlotLayout chosen = choose_layout(layout, spec_, images, key.bits());
  const QueryHeader header{key, spec_.model_id, chosen.shape(), images};
  const Digest digest = message_digest(header);
  out(to_frame(header));
  for (std::size_t chunk = 0; chunk < header.chunks(); ++chunk) {
    const std::size_t first = chunk * chosen.slots();
    const std::size_t count = std::min(chosen.slots(), images - first);
    const std::vector<Integer> plaintexts =
        pack(chosen, take_inputs(spec_, input, first, count), spec_.inputs);
    out(chunk_frame(ChunkKind::query, digest, chunk, ciphertext_bytes(encryptor_.encrypt(plaintexts))));
    progress(first + count);
  }
}

Bytes QueryEncryptor::encrypt(const std::vector<EncodedInput>& inputs, LayoutChoice layout) const {
  Bytes query;
  encrypt(
      inputs.size(), [&](std::size_t i) { return inputs[i]; }, layout,
      [&](ByteView frame) { query.insert(query.end(), frame.begin(), frame.end()); }, [](std::size_t) {});
  return query;
}

ReplyDecryptor::ReplyDecryptor(ClientSpec spec, Decryptor decryptor)
    : spec_(std::move(spec)), decryptor_(std::move(decryptor)) {}

void ReplyDecryptor::decrypt(FrameReader& reply, const AnswerSink& out, const ImageProgress& progress) const {
  const PublicKey& key = decryptor_.public_key();
  const ReplyHeader header = read_reply_header(reply);
  if (header.key_fingerprint != key.fingerprint()) {
    throw Error(ErrorKind::wrong_key, reply.name() + ": made for another key; use the one of the query");
  }
  if (header.model_id != spec_.model_id) {
    throw Error(ErrorKind::wrong_model,
                reply.name() + ": made by another model; use that model's client file");
  }
  const Digest digest = message_digest(header);
  const SlotLayout layout = with_name(reply.name(), [&] {
    return SlotLayout::granted(header.layout, spec_.bound, spec_.encoding.maximum(), key.bits());
  });
  for (std::size_t chunk = 0; chunk < header.chunks(); ++chunk) {
    const Bytes bytes =
        read_chunk(reply, ChunkKind::reply, digest, chunk, spec_.outputs * key.ciphertext_bytes());
    if (chunk + 1 == header.chunks()) reply.expect_end();
    const std::size_t first = chunk * layout.slots();
    const std::size_t count = std::min(layout.slots(), header.images - first);
    std::vector<std::vector<std::int64_t>> answers(count);
    with_name(reply.name(), [&] {
      for (const Integer& plaintext : decryptor_.decrypt(parse_ciphertexts(key, bytes))) {
        const std::vector<std::int64_t> slots = layout.unpack(plaintext, count);
        for (std::size_t i = 0; i < count; ++i) answers[i].push_back(slots[i]);
      }
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
