// Slots between answers hold sums over parts of a row. Unmasked they are t weights at once: the input that is
// 1 in one place only gives w_t−1, …, w_0 side by side, one of which is an answer's business.

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <memory>
#include <vector>

#include "hostile/attacks/attacked_server.h"
#include "inference/parties.h"
#include "opaline/packing/packed_map.h"
#include "support/packed_integers.h"

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kInputs = 12;
constexpr std::size_t kTogether = 4;  ///< inputs that share a ciphertext: t

/// One output, four inputs a ciphertext.
SlotLayout layout_of(const CompiledModel& model, unsigned mask_bits) {
  Certificate certificate = certificate_of(model.client_spec());
  certificate.mask_bits = mask_bits;
  LayoutShape shape{kTogether, 1, 1, 1, 0};
  shape.slot_bits = SlotLayout::slot_bits(shape, certificate);
  return {shape, certificate, kSmallestKeyBits};
}

/// The decrypted reply to an input.
using Asked = std::function<Integer(const EncodedInput&)>;

/// The product, over messages and ciphertexts.
Asked product(const CompiledModel& model) {
  const auto client =
      std::make_shared<const QueryEncryptor>(encryptor_for(model.client_spec(), alice(), Owner::secret));
  const auto server = std::make_shared<const Server>(model);
  const auto decryptor = std::make_shared<const Decryptor>(alice());
  return [=, layout = layout_of(model, model.client_spec().mask_bits).shape()](const EncodedInput& input) {
    const PublicKey& key = decryptor->public_key();
    const OpenReply reply = open_reply(server->answer(client->encrypt({input}, layout)), client->spec(), key);
    return decryptor->decrypt(parse_ciphertexts(key, reply.chunks[0])).front();
  };
}

/// A copy of the layout's arithmetic that adds what makes sums non-negative, as PackedMap::constants does,
/// but no masks; in the clear, since the holder of the key sees it so.
Asked without_masks(const CompiledModel& model) {
  return [&model](const EncodedInput& input) {
    const SlotLayout layout = layout_of(model, model.client_spec().mask_bits);
    const unsigned slot = layout.shape().slot_bits;
    const auto at = [&](std::size_t bit) { return Integer(1) << static_cast<unsigned>(bit); };
    Integer reply = (model.bias()[0] + layout.certificate().bound) * at(layout.answer_bit(0, 0));
    for (std::size_t i = 0; i < kInputs; ++i) {
      const std::int64_t weight = model.weights()[i];
      for (std::size_t j = 0; j < kTogether; ++j) {
        const std::size_t place = (kTogether - 1 - i % kTogether + j) * slot;
        reply += weight * input[i / kTogether * kTogether + j] * at(place);
        // The lowest that the sum can be.
        if (weight < 0 && place != layout.answer_bit(0, 0)) {
          reply -= weight * layout.certificate().input_maximum * at(place);
        }
      }
    }
    return reply;
  };
}

/// What the attack takes for weights: the differences between the slots of two replies, t a query. Each as
/// the number it is mod 2^W, from the middle.
std::vector<Integer> read_slots(const Asked& ask, unsigned slot_bits) {
  const Integer z = Integer(1) << slot_bits;
  const Integer nothing = ask(EncodedInput(kInputs));
  std::vector<Integer> weights(kInputs);
  for (std::size_t i = 0; i < kInputs; i += kTogether) {
    EncodedInput input(kInputs);
    input[i] = 1;
    Integer difference = ask(input) - nothing;
    for (std::size_t j = kTogether; j-- > 0;) {
      Integer slot = floor_mod(difference, z);
      if (slot > z / 2) slot -= z;
      weights[i + j] = slot;
      difference = (difference - slot) / z;
    }
  }
  return weights;
}

std::size_t right(const std::vector<Integer>& weights, const CompiledModel& model) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) count += weights[i] == model.weights()[i] ? 1U : 0U;
  return count;
}

}  // namespace

TEST_CASE("slots without masks give t weights an honest query, masked ones that of the answer alone") {
  const CompiledModel model = random_model(kInputs, 1, 6);
  const unsigned slot_bits = layout_of(model, 40).shape().slot_bits;
  // Both copies answer alike.
  for (const EncodedInput& input : make_inputs(model.client_spec(), 4)) {
    for (const Asked& ask : {without_masks(model), product(model)}) {
      CHECK(unpack_integer(layout_of(model, 40), 0, ask(input), 1) == predict(model, {input}));
    }
  }

  CHECK(right(read_slots(without_masks(model), slot_bits), model) == kInputs);

  // One of four is an answer: its weights are what asking gives to anyone. A masked slot gives a difference
  // of masks of which no value has more than a share of 2^(1 − W): of 360 one is right below 360 · 2^−51 <
  // 2^−42.
  REQUIRE(slot_bits >= 52);
  const Asked ask = product(model);
  for (int round = 0; round < 40; ++round) {
    const std::vector<Integer> weights = read_slots(ask, slot_bits);
    for (std::size_t i = 0; i < kInputs; ++i) {
      if (i % kTogether != 0) CHECK(weights[i] != model.weights()[i]);
    }
  }
}

TEST_CASE("averages of many replies read a weight's sign through masks of no bits, not through those of 40") {
  constexpr int kReplies = 1 << 15;
  for (const std::int32_t weight : {3, -3}) {
    const CompiledModel model = make_model(2, 4, {1, weight}, {0});
    for (const unsigned mask_bits : {0U, 40U}) {
      CAPTURE(weight, mask_bits);
      Certificate certificate = certificate_of(model.client_spec());
      certificate.mask_bits = mask_bits;
      LayoutShape shape{2, 1, 1, 1, 0};
      shape.slot_bits = SlotLayout::slot_bits(shape, certificate);
      const PackedMap map({shape, certificate, kSmallestKeyBits}, model.weights(), 4, model.bias());
      const double z = std::ldexp(1.0, static_cast<int>(shape.slot_bits));
      // Of the slot below the answer, as a share of all it can hold, for the input (x, 0).
      const auto average = [&](std::int64_t x) {
        double sum = 0;
        for (int i = 0; i < kReplies; ++i) {
          const Integer reply =
              map.constants()[0] + x * (weight + (Integer(model.weights()[0]) << shape.slot_bits));
          sum += static_cast<double>(reply & ((Integer(1) << shape.slot_bits) - 1)) / z;
        }
        return sum / kReplies;
      };
      constexpr std::int64_t kMost = 15;
      const double shift = average(kMost) - average(0);
      // Each average is off by 0.022 with a probability of at most 2·exp(−2·2^15·0.022²) < 2^−44 (Hoeffding).
      constexpr double kChance = 2 * 0.022;
      CHECK(std::abs(shift - static_cast<double>(kMost * weight) / z) < kChance);
      const bool readable = static_cast<double>(kMost * 3) / z > kChance;
      CHECK(readable == (mask_bits == 0));
    }
  }
}
