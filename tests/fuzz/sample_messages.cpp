#include "fuzz/sample_messages.h"

#include <algorithm>

#include "fuzz/fixed_key.h"
#include "fuzz/sample_models.h"
#include "opaline/base/error.h"
#include "opaline/inference/spec_certificate.h"

namespace opaline::fuzz {
namespace {

constexpr std::size_t kMostChunks = 16;

const Certificate& certificate() {
  static const Certificate certificate = certificate_of(sample_model().client_spec());
  return certificate;
}

template <typename Header>
Bytes message(const Header& header, ChunkKind kind, std::size_t ciphertexts,
              std::span<const Integer> numbers) {
  const std::size_t width = fixed_key().public_key().ciphertext_bytes();
  Bytes bytes = to_frame(header);
  std::size_t next = 0;
  const std::size_t chunks = header.layout.images == 0 ? 1 : std::min(header.chunks(), kMostChunks);
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    Bytes of_chunk;
    for (std::size_t i = 0; i < ciphertexts; ++i) {
      const Bytes one = to_bytes(numbers[next++ % numbers.size()], width);
      of_chunk.insert(of_chunk.end(), one.begin(), one.end());
    }
    const Bytes frame = chunk_frame(kind, message_digest(header), chunk, of_chunk);
    bytes.insert(bytes.end(), frame.begin(), frame.end());
  }
  return bytes;
}

std::size_t quotient_up(std::size_t x, std::size_t y) { return y == 0 ? 1 : (x + y - 1) / y; }

}  // namespace

std::vector<LayoutShape> sample_layouts() {
  std::vector<LayoutShape> shapes = {{}, {1, 1, 1, 3, 0}, {2, 2, 1, 1, 0}, {3, 3, 2, 2, 0}, {1, 3, 3, 2, 0}};
  for (LayoutShape& shape : shapes) shape.slot_bits = SlotLayout::slot_bits(shape, certificate());
  return shapes;
}

std::vector<EncodedInput> sample_inputs(std::size_t count) {
  const ClientSpec& spec = sample_model().client_spec();
  std::vector<EncodedInput> inputs(count, EncodedInput(spec.inputs));
  std::int64_t next = 0;
  for (EncodedInput& input : inputs) {
    for (std::int64_t& value : input) value = (next += 7) % (spec.encoding.maximum() + 1);
  }
  return inputs;
}

Bytes sample_query(const LayoutShape& layout, std::size_t images, const SecretKey& key) {
  return QueryEncryptor(sample_model().client_spec(), Encryptor(key)).encrypt(sample_inputs(images), layout);
}

const std::vector<Integer>& telling_numbers() {
  static const std::vector<Integer> numbers = [] {
    const Integer& n = fixed_key().public_key().n();
    const Integer& p = fixed_key().p().value();
    return std::vector<Integer>{0, 1, 2, n - 1, n, n + 1, n * n - 1, p, p * p, n * 2, n * p, n * n - n};
  }();
  return numbers;
}

Bytes message_of(const QueryHeader& header, std::span<const Integer> numbers) {
  return message(header, ChunkKind::query, quotient_up(certificate().inputs, header.layout.features),
                 numbers);
}

Bytes message_of(const ReplyHeader& header, std::span<const Integer> numbers) {
  return message(header, ChunkKind::reply, quotient_up(certificate().outputs, header.layout.outputs),
                 numbers);
}

LayoutShape changed(LayoutShape shape, Mutator& mutator) {
  std::size_t* const numbers[] = {&shape.features, &shape.outputs, &shape.outputs_a_slot, &shape.images};
  if (mutator.one_in(5)) {
    shape.slot_bits += mutator.one_in(2) ? 1 : -1U;
  } else {
    *mutator.one_of(numbers) = mutator.below(7);
    // As wide as such a layout has to be, if there is one.
    try {
      shape.slot_bits = SlotLayout::slot_bits(shape, certificate());
    } catch (const Error&) {
      shape.slot_bits = 30;
    }
  }
  return shape;
}

}  // namespace opaline::fuzz
