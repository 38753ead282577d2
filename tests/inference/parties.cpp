#include "inference/parties.h"

#include <algorithm>
#include <numeric>
#include <random>
#include <string>
#include <utility>

namespace opaline::test {
namespace {

constexpr std::size_t kFrameHeader = 4 + 4 + 4 + 8;

std::size_t quotient_up(std::size_t x, std::size_t y) { return (x + y - 1) / y; }

template <typename Open>
Bytes close_message(const Open& message, ChunkKind kind) {
  Bytes bytes = to_frame(message.header);
  for (std::size_t i = 0; i < message.chunks.size(); ++i) {
    const Bytes frame = chunk_frame(kind, message_digest(message.header), i, message.chunks[i]);
    bytes.insert(bytes.end(), frame.begin(), frame.end());
  }
  return bytes;
}

}  // namespace

const SecretKey& alice() {
  static const SecretKey key = SecretKey::generate(kSmallestKeyBits);
  return key;
}

const SecretKey& bob() {
  static const SecretKey key = SecretKey::generate(kSmallestKeyBits);
  return key;
}

QueryEncryptor encryptor_for(const ClientSpec& spec, const SecretKey& key, Owner owner) {
  return {spec, owner == Owner::secret ? Encryptor(key) : Encryptor(key.public_key())};
}

ReplyDecryptor decryptor_for(const ClientSpec& spec, const SecretKey& key) { return {spec, Decryptor(key)}; }

CompiledModel make_model(std::size_t inputs, unsigned input_bits, std::vector<std::int32_t> weights,
                         std::vector<std::int64_t> bias) {
  ClientSpec spec;
  spec.name = "test";
  spec.input_shape = {inputs};
  spec.inputs = inputs;
  spec.outputs = bias.size();
  spec.encoding.bits = input_bits;
  for (std::size_t k = 0; k < bias.size(); ++k) spec.labels.push_back(std::to_string(k));
  return {spec, std::move(weights), std::move(bias)};
}

CompiledModel small_model() {
  std::mt19937 random(12);
  std::vector<std::int32_t> weights(36);
  for (std::int32_t& weight : weights) weight = static_cast<std::int32_t>(random() % 256) - 128;
  weights[0] = -128;
  weights[1] = 127;
  weights[2] = 0;
  return make_model(12, 8, std::move(weights), {-5000, 0, 12345});
}

CompiledModel tiny_model() { return make_model(2, 4, {-3, 5}, {7}); }

LayoutShape layout_for(const ClientSpec& spec, Packing packing, std::size_t images) {
  const Certificate certificate = certificate_of(spec);
  LayoutShape shape;
  if (packing == Packing::dot_products) {
    shape.features = std::min<std::size_t>(spec.inputs, 3);
    shape.outputs = std::min<std::size_t>(spec.outputs, 2);
  }
  if (packing == Packing::all_in_one) {
    shape.features = std::min<std::size_t>(spec.inputs, 2);
    shape.outputs = spec.outputs;
    shape.outputs_a_slot = std::min<std::size_t>(spec.outputs, 2);
  }
  shape.slot_bits = SlotLayout::slot_bits(shape, certificate);
  if (packing != Packing::plain) {
    shape.images = std::min(images, SlotLayout::most_images(shape, certificate, kSmallestKeyBits));
  }
  return shape;
}

std::vector<EncodedInput> make_inputs(const ClientSpec& spec, std::size_t count) {
  std::mt19937_64 random(34);
  const std::int64_t maximum = spec.encoding.maximum();
  std::vector<EncodedInput> inputs(count, EncodedInput(spec.inputs, 0));
  if (count > 1) inputs[1].assign(spec.inputs, maximum);
  for (std::size_t i = 2; i < count; ++i) {
    for (std::int64_t& value : inputs[i]) {
      value = static_cast<std::int64_t>(random() % (static_cast<std::uint64_t>(maximum) + 1));
    }
  }
  return inputs;
}

std::vector<std::vector<std::int64_t>> predict(const CompiledModel& model,
                                               const std::vector<EncodedInput>& inputs) {
  std::vector<std::vector<std::int64_t>> answers;
  answers.reserve(inputs.size());
  for (const EncodedInput& input : inputs) answers.push_back(model.predict(input));
  return answers;
}

OpenQuery open_query(ByteView query, const ClientSpec& spec) {
  FrameReader reader(query, "query");
  OpenQuery open{read_query_header(reader), {}};
  for (std::size_t i = 0; i < open.header.chunks(); ++i) {
    open.chunks.push_back(read_chunk(
        reader, ChunkKind::query, message_digest(open.header), i,
        quotient_up(spec.inputs, open.header.layout.features) * open.header.key.ciphertext_bytes()));
  }
  reader.expect_end();
  return open;
}

OpenReply open_reply(ByteView reply, const ClientSpec& spec, const PublicKey& key) {
  FrameReader reader(reply, "reply");
  OpenReply open{read_reply_header(reader), {}};
  for (std::size_t i = 0; i < open.header.chunks(); ++i) {
    open.chunks.push_back(
        read_chunk(reader, ChunkKind::reply, message_digest(open.header), i,
                   quotient_up(spec.outputs, open.header.layout.outputs) * key.ciphertext_bytes()));
  }
  reader.expect_end();
  return open;
}

Bytes close(const OpenQuery& query) { return close_message(query, ChunkKind::query); }
Bytes close(const OpenReply& reply) { return close_message(reply, ChunkKind::reply); }

std::vector<Bytes> frames_of(ByteView message) {
  std::vector<Bytes> frames;
  while (!message.empty()) {
    const std::size_t payload = std::accumulate(message.begin() + 12, message.begin() + 20, std::size_t{0},
                                                [shift = 0U](std::size_t sum, std::uint8_t byte) mutable {
                                                  return sum | std::size_t{byte} << (8 * shift++);
                                                });
    const ByteView frame = message.first(kFrameOverhead + payload);
    frames.emplace_back(frame.begin(), frame.end());
    message = message.subspan(frame.size());
  }
  return frames;
}

Bytes join(const std::vector<Bytes>& frames) {
  Bytes message;
  for (const Bytes& frame : frames) message.insert(message.end(), frame.begin(), frame.end());
  return message;
}

Bytes payload_of(ByteView frame) {
  const ByteView payload = frame.subspan(kFrameHeader, frame.size() - kFrameOverhead);
  return {payload.begin(), payload.end()};
}

Bytes with_payload(ByteView frame, ByteView payload, ByteView context) {
  FrameKind kind{};
  std::transform(frame.begin() + 4, frame.begin() + 8, kind.begin(),
                 [](std::uint8_t letter) { return static_cast<char>(letter); });
  return make_frame(kind, frame[8], payload, context);
}

}  // namespace opaline::test
