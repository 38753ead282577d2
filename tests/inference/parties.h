#pragma once

#include <cstdint>
#include <vector>

#include "opaline/inference/client.h"
#include "opaline/inference/message.h"
#include "opaline/inference/server.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/model/compiled_model.h"
#include "opaline/paillier/keys.h"

namespace opaline::test {

/// Two keys of the smallest size, made once a program.
const SecretKey& alice();
const SecretKey& bob();

enum class Owner { secret, everyone };  ///< which key an encryptor is built from

QueryEncryptor encryptor_for(const ClientSpec& spec, const SecretKey& key, Owner owner = Owner::secret);
ReplyDecryptor decryptor_for(const ClientSpec& spec, const SecretKey& key);

/// What a model is made of, with inputs of `input_bits` bits.
CompiledModel make_model(std::size_t inputs, unsigned input_bits, std::vector<std::int32_t> weights,
                         std::vector<std::int64_t> bias);

/// A 12 × 3 model of 8-bit inputs and weights that has the extreme ones among its weights.
CompiledModel small_model();

/// 2 × 1, for tests that answer its query often.
CompiledModel tiny_model();

/// Layouts to try, for a key of the smallest size: one value a ciphertext; images side by side; several
/// values of an image a ciphertext, with masks, alone and side by side.
enum class Packing { plain, batch, dot_products, all_in_one };
inline constexpr Packing kPackings[] = {Packing::plain, Packing::batch, Packing::dot_products,
                                        Packing::all_in_one};
LayoutShape layout_for(const ClientSpec& spec, Packing packing, std::size_t images);

/// Repeatable inputs: all zero, all at the maximum, then pseudo-random.
std::vector<EncodedInput> make_inputs(const ClientSpec& spec, std::size_t count);

/// What every answer is compared with.
std::vector<std::vector<std::int64_t>> predict(const CompiledModel& model,
                                               const std::vector<EncodedInput>& inputs);

/// Messages taken apart, to be put together again with a part changed and every digest right.
struct OpenQuery {
  QueryHeader header;
  std::vector<Bytes> chunks;  ///< their ciphertexts
};
struct OpenReply {
  ReplyHeader header;
  std::vector<Bytes> chunks;
};
OpenQuery open_query(ByteView query, const ClientSpec& spec);
OpenReply open_reply(ByteView reply, const ClientSpec& spec, const PublicKey& key);
Bytes close(const OpenQuery& query);
Bytes close(const OpenReply& reply);

/// The frames of a message.
std::vector<Bytes> frames_of(ByteView message);
Bytes join(const std::vector<Bytes>& frames);

/// The payload of a frame, and a frame of the same kind and version around another payload; the context of
/// a chunk is its header's digest.
Bytes payload_of(ByteView frame);
Bytes with_payload(ByteView frame, ByteView payload, ByteView context = {});

}  // namespace opaline::test
