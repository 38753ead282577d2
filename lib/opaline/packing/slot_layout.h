#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "opaline/bigint/words.h"

namespace opaline {

/// The index of a value outside [0, maximum], if there is one: the first. maximum lies in [0, 2^62).
/// Constant-time in values that all lie within.
std::optional<std::size_t> find_outside(std::span<const std::int64_t> values, std::int64_t maximum);

/// What has been proved of a model's integers, and what its owner asks of a layout.
struct Certificate {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::int64_t input_maximum = 0;  ///< every input lies in [0, input_maximum]
  std::int64_t bound = 0;          ///< every answer lies in [−bound, bound], whatever the inputs
  unsigned mask_bits = 40;         ///< σ: sums that are not answers are hidden up to a distance of 2^−σ
};

/// How a layout is written in a message. Z = 2^slot_bits; of an image, `features` inputs share a ciphertext,
/// `outputs` answers share a reply, `outputs_a_slot` of them each slot that holds answers.
struct LayoutShape {
  std::size_t features = 1;        ///< t
  std::size_t outputs = 1;         ///< o
  std::size_t outputs_a_slot = 1;  ///< 1 … o
  std::size_t images = 1;          ///< B, side by side
  unsigned slot_bits = 0;          ///< W

  /// Slots that hold answers of one image, and all its slots.
  std::size_t answer_slots() const { return (outputs + outputs_a_slot - 1) / outputs_a_slot; }
  std::size_t slots_an_image() const {
    return features == 1 ? answer_slots() : (answer_slots() + 1) * features - 1;
  }

  friend bool operator==(const LayoutShape&, const LayoutShape&) = default;
};

/// Many numbers in one plaintext. Of one image, ciphertext i holds X_i(Z) = Σ_j x_(i·t+j)·Z^j; multiplied by
/// polynomials Σ_j w·Z^(t−1−j) and added up over i, the coefficient of Z^(t−1) is Σ w·x, an answer, and its
/// neighbours are sums over other pairs, which are nobody's business (mathematics: dot products by
/// convolution). The weights of answer u are shifted by ⌊u/m⌋·t slots and (u mod m)·b bits, m =
/// outputs_a_slot, b = answer_bits(): that many answers share a reply. Images stand side by side,
/// slots_an_image() apart. With t = 1 there are no unwanted sums: a layout of one image is the plain one, of
/// many a batch.
///
/// It cannot exist without its overflow certificate:
///  - answers, biased by `bound` into [0, 2·bound] < 2^b, and inputs do not leave their places;
///  - unwanted sums, biased likewise, leave σ bits at the top of their run of slots, which is room for a mask
///    that hides them (UnwantedRun);
///  - all lies below 2^(key bits − 2) < n/2, and at most 2^−40 of the numbers there pass for a reply, so that
///    a damaged one is found.
class SlotLayout {
 public:
  /// W for a shape whose slot_bits is still open; Error(does_not_fit) if no slot can be wide enough.
  static unsigned slot_bits(const LayoutShape& shape, const Certificate& certificate);

  /// The most images a ciphertext of such a key holds, 0 if not even one, for a shape whose `images` is open.
  static std::size_t most_images(const LayoutShape& shape, const Certificate& certificate,
                                 std::size_t key_bits);

  /// Error(does_not_fit) unless the certificate above holds for the shape and its slot width is the one asked
  /// for: of a received shape, whether it is granted. Error(invalid_argument) for a certificate out of range
  /// (no inputs or outputs; input_maximum and bound must lie in [0, 2^62), mask_bits in 0 … 128).
  SlotLayout(const LayoutShape& shape, const Certificate& certificate, std::size_t key_bits);

  /// One value a ciphertext, one answer a reply; and with as many images as fit.
  static SlotLayout plain(const Certificate& certificate, std::size_t key_bits);
  static SlotLayout batch(const Certificate& certificate, std::size_t key_bits);

  const LayoutShape& shape() const { return shape_; }
  const Certificate& certificate() const { return certificate_; }

  std::size_t images() const { return shape_.images; }
  std::size_t ciphertexts() const;  ///< of a query for that many images
  std::size_t replies() const;      ///< ciphertexts of its reply
  unsigned answer_bits() const { return answer_bits_; }

  /// Words of a packed plaintext; a key's n has at least as many.
  std::size_t words() const { return words_for(bits()); }

  /// Plaintext number `ciphertext`, in at least words() words, of up to images() images
  /// (Error(invalid_argument)), each of certificate().inputs values in [0, input_maximum]
  /// (Error(out_of_range)); missing images are 0. Constant-time in the values.
  void pack(std::span<Word> plaintext, std::size_t ciphertext,
            std::span<const std::vector<std::int64_t>> images) const;

  /// Where the weight of answer `output` of a reply for feature j of a ciphertext stands: bits above 0.
  std::size_t weight_shift(std::size_t output, std::size_t feature) const;

  /// Where an answer of a reply stands.
  std::size_t answer_bit(std::size_t image, std::size_t output) const;

  /// How many answers reply number `reply` holds of each image: `outputs`, or the rest.
  std::size_t answers_in(std::size_t reply) const;

  /// Runs of t − 1 slots between answers: run g is below answer slot g, the last above them all.
  std::size_t runs() const { return shape_.features == 1 ? 0 : shape_.answer_slots() + 1; }
  std::size_t run_bits() const { return (shape_.features - 1) * shape_.slot_bits; }
  std::size_t run_bit(std::size_t image, std::size_t run) const;

  /// The answers of the first `count` ≤ images() images in decrypted reply number `reply`, a residue mod n.
  /// Error(corrupt_reply) unless the plaintext is one that an honest server can have made for these images
  /// and this certificate: a damaged reply is never rounded into an answer. Constant-time in the plaintext
  /// but for whether it is.
  std::vector<std::vector<std::int64_t>> unpack(std::size_t reply, std::span<const Word> plaintext,
                                                std::size_t count) const;

 private:
  std::size_t bits() const { return shape_.images * shape_.slots_an_image() * shape_.slot_bits; }

  LayoutShape shape_;
  Certificate certificate_;
  unsigned answer_bits_;
};

}  // namespace opaline
