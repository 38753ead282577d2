#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "opaline/model/compiled_model.h"
#include "opaline/packing/slot_layout.h"
#include "opaline/paillier/encryptor.h"

namespace opaline {

/// How fast this machine is at the operations that a plan counts, for keys of one size.
struct MachineSpeed {
  std::size_t lanes = 1;         ///< numbers an element holds
  std::size_t narrow_lanes = 1;  ///< numbers an element holds that takes narrow_lanes / lanes of the time
  std::size_t threads = 1;
  // Seconds on one thread:
  double product = 0;  ///< of elements mod n²
  double square = 0;
  double reading = 0;     ///< of a received ciphertext, its checks included
  double encryption = 0;  ///< of a ciphertext, by the encryptor it was measured with
  double decryption = 0;  ///< of an element of halves

  /// Measures for about a tenth of a second; the rest is counted.
  static MachineSpeed measure(const Encryptor& encryptor, const Backend& backend = default_backend());
};

/// What the images are to cost least of.
enum class Objective {
  automatic,   ///< seconds for all images, the link's included
  latency,     ///< seconds for one image at a time, the link's included
  bandwidth,   ///< bytes
  throughput,  ///< seconds of computing an image, where there are many
  plain        ///< nothing: one value a ciphertext
};

/// The objective of that name: auto, latency, bandwidth, throughput, plain.
std::optional<Objective> objective_of(std::string_view name);

/// A layout for a number of images, and what it is predicted to take.
struct Plan {
  LayoutShape layout;
  std::size_t images = 0;
  std::size_t ciphertexts_up = 0;
  std::size_t ciphertexts_down = 0;
  std::size_t bytes_up = 0;
  std::size_t bytes_down = 0;
  double encrypt_seconds = 0;
  double evaluate_seconds = 0;
  double decrypt_seconds = 0;

  double compute_seconds() const { return encrypt_seconds + evaluate_seconds + decrypt_seconds; }
  double total_seconds(double link_mbps) const {
    return compute_seconds() + 8e-6 * static_cast<double>(bytes_up + bytes_down) / link_mbps;
  }
};

/// Predicts what layouts take, from counted operations and the speed of this machine (which stands for the
/// server's too), and chooses. Immutable.
class Planner {
 public:
  Planner(const ClientSpec& spec, std::size_t key_bits, const MachineSpeed& speed);

  /// Error(does_not_fit) for a layout that is not safe.
  Plan predict(const LayoutShape& layout, std::size_t images) const;

  /// Every layout worth looking at, for that many images.
  std::vector<Plan> candidates(std::size_t images) const;

  /// The best one. Error(does_not_fit) if there is none for keys of this size.
  Plan choose(Objective objective, std::size_t images, double link_mbps) const;

 private:
  double evaluate_seconds(const SlotLayout& layout, std::size_t chunks) const;
  double elements_seconds(std::size_t numbers, double seconds_an_element) const;

  Certificate certificate_;
  unsigned weight_bits_;
  std::size_t key_bits_;
  MachineSpeed speed_;
};

}  // namespace opaline
