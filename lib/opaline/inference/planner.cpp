#include "opaline/inference/planner.h"

#include <omp.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/inference/ciphertext_bytes.h"
#include "opaline/inference/lots.h"
#include "opaline/inference/message.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/paillier/ciphertext.h"
#include "opaline/paillier/weight_matrix.h"

namespace opaline {
namespace {

constexpr std::array kObjectives = {
    std::pair<std::string_view, Objective>{"auto", Objective::automatic},
    std::pair<std::string_view, Objective>{"latency", Objective::latency},
    std::pair<std::string_view, Objective>{"bandwidth", Objective::bandwidth},
    std::pair<std::string_view, Objective>{"throughput", Objective::throughput},
    std::pair<std::string_view, Objective>{"plain", Objective::plain}};

/// Images that count as many.
constexpr std::size_t kMany = 4096;

/// Seconds.
constexpr double kLong = 0.02;

/// Frames around ciphertexts, and headers: what they take beside them, roughly.
constexpr std::size_t kChunkBytes = 58;
constexpr std::size_t kReplyHeaderBytes = 94;
constexpr std::size_t kQueryHeaderBytes = 112;  // and the key

/// The least of a few measurements of `repetitions` at a time: the first warms caches, others are disturbed.
/// What takes long is measured twice: once may have been another program's turn.
template <typename Action>
double seconds_each(std::size_t repetitions, const Action& action) {
  using Clock = std::chrono::steady_clock;
  double least = std::numeric_limits<double>::infinity();
  for (int round = 0; round < 3; ++round) {
    const Clock::time_point start = Clock::now();
    for (std::size_t i = 0; i < repetitions; ++i) action();
    least = std::min(least, std::chrono::duration<double>(Clock::now() - start).count());
    if (round > 0 && least > kLong) break;
  }
  return least / static_cast<double>(repetitions);
}

std::size_t quotient_up(std::size_t x, std::size_t y) { return (x + y - 1) / y; }

/// The smallest number for every different quotient_up(total, number).
std::vector<std::size_t> dividers(std::size_t total, std::size_t most) {
  std::vector<std::size_t> numbers;
  for (std::size_t number = 1; number <= std::min(total, most); ++number) {
    if (number == 1 || quotient_up(total, number) != quotient_up(total, number - 1))
      numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

std::optional<Objective> objective_of(std::string_view name) {
  for (const auto& [known, objective] : kObjectives) {
    if (known == name) return objective;
  }
  return std::nullopt;
}

MachineSpeed MachineSpeed::measure(const Encryptor& encryptor, const Backend& backend) {
  const std::size_t count = 8 * backend.lanes();
  const PublicKey& key = encryptor.public_key();
  MachineSpeed speed;
  speed.lanes = backend.lanes();
  speed.narrow_lanes = quick_backend(backend).lanes();
  speed.threads = static_cast<std::size_t>(omp_get_max_threads());

  const auto whole = uniform_arithmetic(backend, key.n());
  WordVector x(whole->words());
  whole->load(x.data(), std::vector<Integer>(speed.lanes, key.n() - 1));
  const std::size_t repetitions = std::max<std::size_t>(1, 200000 / key.bits());
  speed.product = seconds_each(repetitions, [&] { whole->mul(x.data(), x.data(), x.data()); });
  speed.square = seconds_each(repetitions, [&] { whole->sqr(x.data(), x.data()); });

  const std::vector<Integer> zeros(count);
  std::vector<Ciphertext> ciphertexts;
  speed.encryption = seconds_each(1, [&] { ciphertexts = encryptor.encrypt(zeros); }) *
                     static_cast<double>(speed.threads) / static_cast<double>(count);
  const Bytes bytes = ciphertext_bytes(ciphertexts);
  const std::vector<Integer> values(speed.lanes, ciphertexts.front().value());
  speed.reading = seconds_each(1, [&] { parse_ciphertexts(key, bytes); }) *
                      static_cast<double>(speed.threads) / static_cast<double>(count) +
                  seconds_each(8, [&] { whole->load(x.data(), values); }) / static_cast<double>(speed.lanes);

  // Half the size, for an exponent of half the size: any odd numbers will do.
  const std::size_t half_bits = key.bits() / 2;
  const Integer modulus = (Integer(1) << static_cast<unsigned>(half_bits)) - 1;
  const auto half = uniform_arithmetic(backend, modulus);
  WordVector y(half->words());
  half->load(y.data(), std::vector<Integer>(speed.lanes, modulus - 2));
  const std::vector<Integer> exponents(speed.lanes, modulus - 1);
  speed.decryption = seconds_each(1, [&] { pow(*half, y.data(), y.data(), exponents, half_bits); });
  return speed;
}

Planner::Planner(const ClientSpec& spec, std::size_t key_bits, const MachineSpeed& speed)
    : certificate_(certificate_of(spec)),
      weight_bits_(spec.weight_bits),
      key_bits_(key_bits),
      speed_(speed) {}

// Numbers, lanes of them at a time, shared out over threads: in elements of the width that is done first.
double Planner::elements_seconds(std::size_t numbers, double seconds_an_element) const {
  double least = std::numeric_limits<double>::infinity();
  for (const std::size_t lanes : {speed_.lanes, speed_.narrow_lanes}) {
    const std::size_t rounds = quotient_up(quotient_up(numbers, lanes), speed_.threads);
    least = std::min(least, static_cast<double>(rounds * lanes) / static_cast<double>(speed_.lanes));
  }
  return least * seconds_an_element;
}

double Planner::evaluate_seconds(const SlotLayout& layout, std::size_t chunks) const {
  const LayoutShape& shape = layout.shape();
  const std::size_t missing = layout.replies() * shape.outputs - certificate_.outputs;
  const MatrixShape matrix{layout.replies(),
                           layout.ciphertexts(),
                           shape.features * shape.outputs,
                           layout.weight_shift(shape.outputs - 1, 0),
                           weight_bits_,
                           missing * shape.features};
  const MatrixPlan plan(matrix, speed_.lanes);
  const MatrixPlan::Stages stages = plan.stages(chunks);
  const auto threads = static_cast<double>(speed_.threads);
  const auto seconds = [&](const Operations& operations) {
    return static_cast<double>(operations.products) * speed_.product +
           static_cast<double>(operations.squares) * speed_.square;
  };
  const double reading = static_cast<double>(chunks * layout.ciphertexts()) * speed_.reading / threads;
  const double tables = elements_seconds(stages.tables, seconds(stages.table));
  const double digits =
      elements_seconds(stages.digits, seconds(stages.digit)) + seconds(stages.correction) / threads;

  // A full-length power of n for every reply, beside the outputs; lanes left over serve the next query.
  const double noise = static_cast<double>(key_bits_) * (speed_.square + speed_.product / 7) *
                       static_cast<double>(stages.outputs) / static_cast<double>(speed_.lanes);
  const double outputs = elements_seconds(stages.outputs, seconds(stages.output));
  const double narrow =
      static_cast<double>(quotient_up(stages.outputs, speed_.narrow_lanes) * speed_.narrow_lanes) /
      static_cast<double>(speed_.lanes) * seconds(stages.output);
  const double beside = std::max(outputs, (noise + narrow) / threads);
  // Constants, noise and conversions of a reply: products of single numbers.
  const double finishing = static_cast<double>(stages.outputs) * 4 * speed_.product;
  return reading + tables + digits + beside + finishing;
}

Plan Planner::predict(const LayoutShape& shape, std::size_t images) const {
  const SlotLayout layout(shape, certificate_, key_bits_);
  const std::size_t chunks = quotient_up(images, shape.images);
  const std::size_t ciphertext = key_bits_ / 4;
  Plan plan;
  plan.layout = shape;
  plan.images = images;
  plan.ciphertexts_up = chunks * layout.ciphertexts();
  plan.ciphertexts_down = chunks * layout.replies();
  plan.bytes_up = plan.ciphertexts_up * ciphertext + chunks * kChunkBytes + kQueryHeaderBytes + key_bits_ / 8;
  plan.bytes_down = plan.ciphertexts_down * ciphertext + chunks * kChunkBytes + kReplyHeaderBytes;
  plan.encrypt_seconds = static_cast<double>(plan.ciphertexts_up) * speed_.encryption /
                         static_cast<double>(std::min(speed_.threads, plan.ciphertexts_up));

  const std::size_t lot = std::min(chunks, server_lot(layout, speed_.threads));
  plan.evaluate_seconds = static_cast<double>(chunks / lot) * evaluate_seconds(layout, lot);
  if (chunks % lot != 0) plan.evaluate_seconds += evaluate_seconds(layout, chunks % lot);

  const std::size_t decrypted = std::min(chunks, client_lot(layout.replies()));
  const auto decrypt = [&](std::size_t of) {
    return elements_seconds(2 * of * layout.replies(), speed_.decryption);
  };
  plan.decrypt_seconds = static_cast<double>(chunks / decrypted) * decrypt(decrypted);
  if (chunks % decrypted != 0) plan.decrypt_seconds += decrypt(chunks % decrypted);
  return plan;
}

std::vector<Plan> Planner::candidates(std::size_t images) const {
  std::vector<Plan> plans;
  for (const std::size_t outputs : dividers(certificate_.outputs, key_bits_)) {
    for (const std::size_t a_slot : dividers(outputs, key_bits_)) {
      for (const std::size_t features : dividers(certificate_.inputs, key_bits_)) {
        LayoutShape shape{features, outputs, a_slot, 1, 0};
        shape.slot_bits = SlotLayout::slot_bits(shape, certificate_);
        if (shape.slots_an_image() * shape.slot_bits > key_bits_) break;
        const std::size_t most = SlotLayout::most_images(shape, certificate_, key_bits_);
        if (most == 0) break;
        // Chunks of one size, or nearly.
        shape.images = quotient_up(images, quotient_up(images, most));
        plans.push_back(predict(shape, images));
      }
    }
  }
  return plans;
}

Plan Planner::choose(Objective objective, std::size_t images, double link_mbps) const {
  if (objective == Objective::plain)
    return predict(SlotLayout::plain(certificate_, key_bits_).shape(), images);
  std::size_t considered = images;
  if (objective == Objective::latency) considered = 1;
  if (objective == Objective::throughput) considered = std::max(images, kMany);
  const auto cost = [&](const Plan& plan) {
    switch (objective) {
      case Objective::bandwidth:
        return static_cast<double>(plan.bytes_up + plan.bytes_down) + plan.compute_seconds() * 1e-6;
      case Objective::throughput:
        return plan.compute_seconds();
      default:
        return plan.total_seconds(link_mbps);
    }
  };
  const std::vector<Plan> plans = candidates(considered);
  if (plans.empty()) {
    throw Error(ErrorKind::does_not_fit, "no layout of this model fits a key of " +
                                             std::to_string(key_bits_) + " bits; use a larger key");
  }
  LayoutShape best = std::min_element(plans.begin(), plans.end(), [&](const Plan& x, const Plan& y) {
                       return cost(x) < cost(y);
                     })->layout;
  // Chunks of one size, or nearly, for the images there are.
  const std::size_t most = SlotLayout::most_images(best, certificate_, key_bits_);
  best.images = quotient_up(images, quotient_up(images, most));
  return predict(best, images);
}

}  // namespace opaline
