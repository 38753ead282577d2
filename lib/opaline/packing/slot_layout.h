#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "opaline/bigint/integer.h"

namespace opaline {

/// How a layout is written in a message: B images side by side, W bits a slot.
struct LayoutShape {
  std::size_t slots = 0;
  unsigned slot_bits = 0;

  friend bool operator==(const LayoutShape&, const LayoutShape&) = default;
};

/// Many numbers in one plaintext: slot i holds the number of image i at bit i·W.
///
/// It cannot exist without its overflow certificate. With every input in [0, input_maximum], every answer in
/// [−bound, bound] and b the fewest bits such that input_maximum < 2^b and bound < 2^(b−1), a slot of an
/// answer is biased by 2^(b−1) into [0, 2^b), W = b + 2 keeps it from touching the next (two guard bits, by
/// which a damaged reply is found), and slots · W ≤ key bits − 2 keeps the whole below n/2. The plain layout
/// is the one with a single slot.
class SlotLayout {
 public:
  /// As many slots as fit under a key of that size, or a single one. Error(does_not_fit) if not even one
  /// fits; bound ≥ 0 and input_maximum ≥ 0, both < 2^62, or Error(invalid_argument).
  static SlotLayout batch(std::int64_t bound, std::int64_t input_maximum, std::size_t key_bits);
  static SlotLayout plain(std::int64_t bound, std::int64_t input_maximum, std::size_t key_bits);

  /// The layout of a received message: Error(does_not_fit) unless the certificate above holds for it and
  /// its slot width is the one this model asks for.
  static SlotLayout granted(LayoutShape shape, std::int64_t bound, std::int64_t input_maximum,
                            std::size_t key_bits);

  std::size_t slots() const { return shape_.slots; }
  const LayoutShape& shape() const { return shape_; }

  /// Σ_i values[i]·2^(i·W) for at most slots() inputs (Error(invalid_argument)) in [0, input_maximum]
  /// (Error(out_of_range)); missing ones are 0.
  Integer pack(std::span<const std::int64_t> values) const;

  /// What the server adds to an output so that every slot is Σ w·x + bias_k + 2^(b−1):  Σ_i (bias_k +
  /// 2^(b−1))·2^(i·W). Error(invalid_argument) unless |bias| ≤ bound.
  Integer offset(std::int64_t bias) const;

  /// The first `count` ≤ slots() answers of a decrypted plaintext. Error(corrupt_reply) unless 0 ≤ plaintext
  /// < 2^(slots·W) and every slot, wanted or not, lies inside the certificate: a damaged reply is never
  /// rounded into an answer.
  std::vector<std::int64_t> unpack(const Integer& plaintext, std::size_t count) const;

 private:
  SlotLayout(LayoutShape shape, std::int64_t bound, std::int64_t input_maximum);

  Integer zero() const;  ///< 2^(b−1): what a slot that answers 0 holds

  LayoutShape shape_;
  std::int64_t bound_;
  std::int64_t input_maximum_;
};

}  // namespace opaline
