#include "opaline/packing/slot_layout.h"

#include <algorithm>
#include <bit>
#include <string>

#include "opaline/base/error.h"

namespace opaline {
namespace {

constexpr unsigned kGuardBits = 2;
constexpr std::int64_t kLimit = std::int64_t{1} << 62;

unsigned bit_width(std::int64_t x) {
  return static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(x)));
}

// W = b + 2 of the certificate.
unsigned slot_width(std::int64_t bound, std::int64_t input_maximum) {
  if (bound < 0 || bound >= kLimit || input_maximum < 0 || input_maximum >= kLimit) {
    throw Error(ErrorKind::invalid_argument, "bounds of a slot must lie in [0, 2^62)");
  }
  return std::max(bit_width(bound) + 1, bit_width(input_maximum)) + kGuardBits;
}

// How many slots keep the whole below 2^(key bits − 2), which is below n/2; at least one, or an Error.
std::size_t capacity(unsigned slot_bits, std::size_t key_bits) {
  const std::size_t slots = key_bits < 2 ? 0 : (key_bits - 2) / slot_bits;
  if (slots == 0) {
    throw Error(ErrorKind::does_not_fit, "an answer of this model needs " + std::to_string(slot_bits) +
                                             " bits, which a key of " + std::to_string(key_bits) +
                                             " bits cannot hold; use a larger key");
  }
  return slots;
}

}  // namespace

SlotLayout::SlotLayout(LayoutShape shape, std::int64_t bound, std::int64_t input_maximum)
    : shape_(shape), bound_(bound), input_maximum_(input_maximum) {}

SlotLayout SlotLayout::batch(std::int64_t bound, std::int64_t input_maximum, std::size_t key_bits) {
  const unsigned slot_bits = slot_width(bound, input_maximum);
  return {{capacity(slot_bits, key_bits), slot_bits}, bound, input_maximum};
}

SlotLayout SlotLayout::plain(std::int64_t bound, std::int64_t input_maximum, std::size_t key_bits) {
  return granted({1, slot_width(bound, input_maximum)}, bound, input_maximum, key_bits);
}

SlotLayout SlotLayout::granted(LayoutShape shape, std::int64_t bound, std::int64_t input_maximum,
                               std::size_t key_bits) {
  const unsigned slot_bits = slot_width(bound, input_maximum);
  const std::size_t slots = capacity(slot_bits, key_bits);
  if (shape.slot_bits != slot_bits || shape.slots < 1 || shape.slots > slots) {
    throw Error(ErrorKind::does_not_fit, "a layout of " + std::to_string(shape.slots) + " slots of " +
                                             std::to_string(shape.slot_bits) +
                                             " bits is not safe here: this model and key allow 1 to " +
                                             std::to_string(slots) + " slots of " +
                                             std::to_string(slot_bits) + " bits");
  }
  return {shape, bound, input_maximum};
}

Integer SlotLayout::zero() const { return Integer(1) << (shape_.slot_bits - kGuardBits - 1); }

Integer SlotLayout::pack(std::span<const std::int64_t> values) const {
  if (values.size() > shape_.slots) {
    throw Error(ErrorKind::invalid_argument, std::to_string(values.size()) + " values do not go into " +
                                                 std::to_string(shape_.slots) + " slots");
  }
  Integer packed = 0;
  for (std::size_t i = values.size(); i-- > 0;) {
    if (values[i] < 0 || values[i] > input_maximum_) {
      throw Error(ErrorKind::out_of_range, "value " + std::to_string(values[i]) + " lies outside 0 … " +
                                               std::to_string(input_maximum_));
    }
    packed = (packed << shape_.slot_bits) + values[i];
  }
  return packed;
}

Integer SlotLayout::offset(std::int64_t bias) const {
  if (bias < -bound_ || bias > bound_) {
    throw Error(ErrorKind::invalid_argument, "a bias must lie inside the certificate");
  }
  Integer packed = 0;
  for (std::size_t i = 0; i < shape_.slots; ++i) packed = (packed << shape_.slot_bits) + zero() + bias;
  return packed;
}

std::vector<std::int64_t> SlotLayout::unpack(const Integer& plaintext, std::size_t count) const {
  if (count > shape_.slots) {
    throw Error(ErrorKind::invalid_argument, std::to_string(count) + " answers do not come from " +
                                                 std::to_string(shape_.slots) + " slots");
  }
  const Integer lowest = zero() - bound_;
  const Integer highest = zero() + bound_;
  const Integer mask = (Integer(1) << shape_.slot_bits) - 1;
  bool inside = plaintext >= 0;
  Integer rest = plaintext;
  std::vector<std::int64_t> answers;
  answers.reserve(count);
  for (std::size_t i = 0; i < shape_.slots && inside; ++i) {
    const Integer slot = rest & mask;
    rest >>= shape_.slot_bits;
    inside = slot >= lowest && slot <= highest;
    if (inside && i < count) answers.push_back(static_cast<std::int64_t>(slot - zero()));
  }
  if (!inside || rest != 0) {
    throw Error(ErrorKind::corrupt_reply,
                "a decrypted value lies outside what this model can answer; the reply is corrupt, ask again");
  }
  return answers;
}

}  // namespace opaline
