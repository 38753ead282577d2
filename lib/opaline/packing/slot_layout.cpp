#include "opaline/packing/slot_layout.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <string>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"
#include "opaline/bigint/integer.h"

namespace opaline {
namespace {

constexpr std::int64_t kLimit = std::int64_t{1} << 62;
constexpr unsigned kMostMaskBits = 128;

/// At most 2^−kDamageBits of all numbers pass for a reply.
constexpr unsigned kDamageBits = 40;

/// Wider slots do not fit any key.
constexpr std::size_t kMostSlotBits = std::size_t{1} << 14;

unsigned bit_width(std::int64_t x) {
  return static_cast<unsigned>(std::bit_width(static_cast<std::uint64_t>(x)));
}

unsigned bits_of_answer(const Certificate& certificate) {
  return std::max(1U, bit_width(2 * certificate.bound));
}

void check(const Certificate& certificate) {
  if (certificate.bound < 0 || certificate.bound >= kLimit || certificate.input_maximum < 0 ||
      certificate.input_maximum >= kLimit || certificate.inputs < 1 || certificate.outputs < 1 ||
      certificate.mask_bits > kMostMaskBits) {
    throw Error(ErrorKind::invalid_argument, "no layout can be made for such a model");
  }
}

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::does_not_fit, why); }

Integer power(const Integer& base, std::size_t exponent) {
  return boost::multiprecision::pow(base, static_cast<unsigned>(exponent));
}

// Of bits [first, first + count) of a number, count < 64.
Word bits_at(std::span<const Word> words, std::size_t first, std::size_t count) {
  assert(count < 64);
  const std::size_t word = first / 64;
  const Word low = words[word] >> (first % 64);
  const Word high = word + 1 < words.size() ? words[word + 1] << 1 << (63 - first % 64) : 0;
  return (low | high) & ((Word{1} << count) - 1);
}

// Not 0 if any of bits [first, end) of a number is 1.
Word any_bit(std::span<const Word> words, std::size_t first, std::size_t end) {
  Word any = 0;
  for (; first < end; first += std::min<std::size_t>(63, end - first)) {
    any |= bits_at(words, first, std::min<std::size_t>(63, end - first));
  }
  return any;
}

// Puts bits where there are none; above `first` there is room for them.
void put_bits(std::span<Word> words, std::size_t first, Word bits) {
  const std::size_t word = first / 64;
  words[word] |= bits << (first % 64);
  if (word + 1 < words.size()) words[word + 1] |= bits >> 1 >> (63 - first % 64);
}

}  // namespace

std::optional<std::size_t> find_outside(std::span<const std::int64_t> values, std::int64_t maximum) {
  Word outside = 0;
  for (const std::int64_t value : values) {
    const auto word = static_cast<Word>(value);
    outside |= (word | (static_cast<Word>(maximum) - word)) >> 63;
  }
  if (declassified(outside) == 0) return std::nullopt;
  const auto found = std::find_if(values.begin(), values.end(),
                                  [&](std::int64_t value) { return value < 0 || value > maximum; });
  return static_cast<std::size_t>(found - values.begin());
}

unsigned SlotLayout::slot_bits(const LayoutShape& shape, const Certificate& certificate) {
  check(certificate);
  if (shape.features < 1 || shape.features > certificate.inputs || shape.outputs < 1 ||
      shape.outputs > certificate.outputs || shape.outputs_a_slot < 1 ||
      shape.outputs_a_slot > shape.outputs) {
    refuse("a layout of " + std::to_string(shape.features) + " features a ciphertext and " +
           std::to_string(shape.outputs) + " answers a reply, " + std::to_string(shape.outputs_a_slot) +
           " of them a slot, does not exist for a model of " + std::to_string(certificate.inputs) +
           " inputs and " + std::to_string(certificate.outputs) + " outputs");
  }
  const std::size_t b = bits_of_answer(certificate);
  if (shape.outputs_a_slot > kMostSlotBits / b) refuse("so many answers do not fit one slot of any key");
  const std::size_t answers = shape.outputs_a_slot * b;
  if (shape.features == 1) {
    return static_cast<unsigned>(std::max<std::size_t>(answers, bit_width(certificate.input_maximum)));
  }
  // An unwanted sum is one over some of the products of an output, or, between two slots of answers, over
  // others of each of two: its range is at most that of answers, or twice it. With the range of a whole slot
  // times 2^σ + 1 below 2^W that of a run is at most 2^−σ of the masks there is room for.
  const Integer all_ones =
      ((Integer(1) << static_cast<unsigned>(answers)) - 1) / ((Integer(1) << static_cast<unsigned>(b)) - 1);
  const Integer range = all_ones * 2 * certificate.bound * (shape.answer_slots() > 1 ? 2 : 1);
  const std::size_t hidden = bit_length(range * ((Integer(1) << certificate.mask_bits) + 1));
  return static_cast<unsigned>(
      std::max({answers, hidden, std::size_t{bit_width(certificate.input_maximum)}}));
}

std::size_t SlotLayout::most_images(const LayoutShape& shape, const Certificate& certificate,
                                    std::size_t key_bits) {
  const std::size_t image_bits = shape.slots_an_image() * slot_bits(shape, certificate);
  const std::size_t run_bits =
      image_bits - shape.answer_slots() * slot_bits(shape, certificate);  // any value may stand there
  if (key_bits < 2) return 0;
  const Integer passing = power(2 * Integer(certificate.bound) + 1, shape.outputs)
                          << static_cast<unsigned>(run_bits);
  // images · log2(passing) + 40 ≤ key bits − 2, without logarithms.
  std::size_t images = (key_bits - 2) / image_bits;
  while (images > 0 && (power(passing, images) << kDamageBits) > Integer(1)
                                                                     << static_cast<unsigned>(key_bits - 2)) {
    --images;
  }
  return images;
}

SlotLayout::SlotLayout(const LayoutShape& shape, const Certificate& certificate, std::size_t key_bits)
    : shape_(shape), certificate_(certificate), answer_bits_(0) {
  const unsigned wanted = slot_bits(shape, certificate);
  answer_bits_ = bits_of_answer(certificate);
  const std::size_t most = most_images(shape, certificate, key_bits);
  if (most == 0) {
    refuse("answers of this model in slots of " + std::to_string(wanted) + " bits, " +
           std::to_string(shape.slots_an_image()) + " an image, do not fit a key of " +
           std::to_string(key_bits) + " bits; use a larger key or another layout");
  }
  if (shape.slot_bits != wanted || shape.images < 1 || shape.images > most) {
    refuse("a layout of " + std::to_string(shape.images) + " images in slots of " +
           std::to_string(shape.slot_bits) + " bits is not safe here: this model and key allow 1 to " +
           std::to_string(most) + " images in slots of " + std::to_string(wanted) + " bits");
  }
}

SlotLayout SlotLayout::plain(const Certificate& certificate, std::size_t key_bits) {
  LayoutShape shape;
  shape.slot_bits = slot_bits(shape, certificate);
  return {shape, certificate, key_bits};
}

SlotLayout SlotLayout::batch(const Certificate& certificate, std::size_t key_bits) {
  LayoutShape shape;
  shape.slot_bits = slot_bits(shape, certificate);
  shape.images = std::max<std::size_t>(1, most_images(shape, certificate, key_bits));
  return {shape, certificate, key_bits};
}

std::size_t SlotLayout::ciphertexts() const {
  return (certificate_.inputs + shape_.features - 1) / shape_.features;
}

std::size_t SlotLayout::replies() const {
  return (certificate_.outputs + shape_.outputs - 1) / shape_.outputs;
}

void SlotLayout::pack(std::span<Word> plaintext, std::size_t ciphertext,
                      std::span<const std::vector<std::int64_t>> images) const {
  if (images.size() > shape_.images || ciphertext >= ciphertexts() || plaintext.size() < words()) {
    throw Error(ErrorKind::invalid_argument, std::to_string(images.size()) +
                                                 " images do not go into a layout of " +
                                                 std::to_string(shape_.images));
  }
  const std::size_t first = ciphertext * shape_.features;
  const std::size_t count = std::min(shape_.features, certificate_.inputs - first);
  std::fill(plaintext.begin(), plaintext.end(), 0);
  for (std::size_t image = 0; image < images.size(); ++image) {
    if (images[image].size() != certificate_.inputs) {
      throw Error(ErrorKind::invalid_argument, "an input has " + std::to_string(images[image].size()) +
                                                   " values, the model takes " +
                                                   std::to_string(certificate_.inputs));
    }
    const auto values = std::span(images[image]).subspan(first, count);
    if (const auto outside = find_outside(values, certificate_.input_maximum)) {
      throw Error(ErrorKind::out_of_range, "value " + std::to_string(values[*outside]) +
                                               " lies outside 0 … " +
                                               std::to_string(certificate_.input_maximum));
    }
    // Slots do not overlap, as no value is wider than one.
    for (std::size_t j = 0; j < count; ++j) {
      put_bits(plaintext, (image * shape_.slots_an_image() + j) * shape_.slot_bits,
               static_cast<Word>(values[j]));
    }
  }
}

std::size_t SlotLayout::weight_shift(std::size_t output, std::size_t feature) const {
  const std::size_t slot = output / shape_.outputs_a_slot * shape_.features + shape_.features - 1 - feature;
  return slot * shape_.slot_bits + output % shape_.outputs_a_slot * answer_bits_;
}

std::size_t SlotLayout::answer_bit(std::size_t image, std::size_t output) const {
  return image * shape_.slots_an_image() * shape_.slot_bits + weight_shift(output, 0);
}

std::size_t SlotLayout::answers_in(std::size_t reply) const {
  return std::min(shape_.outputs, certificate_.outputs - reply * shape_.outputs);
}

std::size_t SlotLayout::run_bit(std::size_t image, std::size_t run) const {
  return (image * shape_.slots_an_image() + run * shape_.features) * shape_.slot_bits;
}

std::vector<std::vector<std::int64_t>> SlotLayout::unpack(std::size_t reply, std::span<const Word> plaintext,
                                                          std::size_t count) const {
  if (count > shape_.images || reply >= replies() || plaintext.size() < words()) {
    throw Error(ErrorKind::invalid_argument, std::to_string(count) + " images do not come from a layout of " +
                                                 std::to_string(shape_.images));
  }
  const auto largest = 2 * static_cast<Word>(certificate_.bound);
  Word wrong = any_bit(plaintext, bits(), 64 * plaintext.size());
  std::vector<std::vector<std::int64_t>> answers(count);
  for (std::size_t image = 0; image < shape_.images; ++image) {
    for (std::size_t first = 0; first < shape_.outputs; first += shape_.outputs_a_slot) {
      const std::size_t slot = answer_bit(image, first);
      std::size_t above = slot;  // all answers of the slot
      for (std::size_t u = first; u < std::min(first + shape_.outputs_a_slot, answers_in(reply)); ++u) {
        const Word biased = bits_at(plaintext, above, answer_bits_);
        wrong |= (largest - biased) >> 63;
        if (image < count) answers[image].push_back(static_cast<std::int64_t>(biased) - certificate_.bound);
        above += answer_bits_;
      }
      wrong |= any_bit(plaintext, above, slot + shape_.slot_bits);
    }
  }
  if (declassified(is_zero({&wrong, 1})) == 0) {
    throw Error(ErrorKind::corrupt_reply,
                "a decrypted value lies outside what this model can answer; the reply is corrupt, ask again");
  }
  return answers;
}

}  // namespace opaline
