#include "opaline/model/onnx/proof.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>
#include <span>
#include <sstream>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/model/onnx/node.h"
#include "opaline/model/training/seeded_random.h"

namespace opaline::network {
namespace {

constexpr std::size_t kInputs = 8;
constexpr std::size_t kEvaluations = kInputs + 2;  // two more with a batch of two
constexpr std::uint64_t kMostMultiplications = std::uint64_t{1} << 34;
constexpr std::uint64_t kMostNumbers = std::uint64_t{1} << 27;
constexpr double kTolerance = 1e-9;

using Numbers = std::vector<double>;
using Tensors = std::map<std::string, std::shared_ptr<const Tensor>>;

Numbers draw_input(SeededRandom& random, const Claim& claim) {
  Numbers x(element_count(claim.input.shape));
  for (std::size_t i = 0; i < x.size(); ++i) {
    if (!claim.ranges.empty()) {
      x[i] = random.uniform(claim.ranges[i].lowest, claim.ranges[i].highest);
    } else {
      // Twelve uniform numbers have a sum of variance 1.
      for (int k = 0; k < 12; ++k) x[i] += random.uniform(-0.5, 0.5);
    }
  }
  return x;
}

/// The largest difference and the largest number seen.
struct Comparison {
  double difference = 0.0;
  double largest = 0.0;

  void add(double expected, double found) {
    const double apart = std::abs(expected - found);
    // What is not a number is as far away as can be.
    difference = std::max(difference, std::isnan(apart) ? std::numeric_limits<double>::infinity() : apart);
    largest = std::max(largest, std::abs(expected));
  }

  double relative() const { return difference == 0.0 ? 0.0 : difference / largest; }
  bool agrees() const { return relative() <= kTolerance; }
};

class Proof {
 public:
  Proof(const onnx::GraphProto& graph, const Opsets& opsets, const AffineMap& map, const Claim& claim)
      : graph_(&graph), opsets_(opsets), map_(&map), claim_(&claim) {}

  double on_single_images() {
    Comparison comparison;
    for (std::size_t i = 0; i < kInputs; ++i) {
      images_.push_back({draw_input(random_, *claim_), {}});
      const Numbers& x = images_.back().input;
      const Tensors tensors = evaluate(claim_->input.shape, x);
      const Tensor& found = *tensors.at(claim_->output);
      shape_ = found.shape;
      const Numbers expected = (*map_)(x);
      const auto* numbers = std::get_if<Numbers>(&found.values);
      if (numbers == nullptr || numbers->size() != expected.size()) {
        throw Error(ErrorKind::fault,
                    "the collapsed map has another number of outputs than the network itself");
      }
      for (std::size_t k = 0; k < expected.size(); ++k) comparison.add(expected[k], (*numbers)[k]);
      images_.back().output = *numbers;
    }
    if (!comparison.agrees()) refuse(comparison);
    return comparison.relative();
  }

  void on_a_pair() {
    const Numbers first = draw_input(random_, *claim_);
    const Numbers second = draw_input(random_, *claim_);
    Tensors both;
    try {
      both = evaluate_pair(first, second);
    } catch (const Error&) {
      return;  // Its shapes are fixed for one image, and images are evaluated one by one.
    }
    if (!keeps_apart(*both.at(claim_->output), first, second)) refuse_mixing(both, first);
  }

 private:
  struct Image {
    Numbers input;
    Numbers output;  ///< of the graph
  };

  [[noreturn]] void refuse(const Comparison& comparison) const {
    std::ostringstream text;
    if (overflows()) {
      text << "numbers inside the network overflow double precision; train it again with smaller weights";
      throw Error(ErrorKind::unsupported_model, text.str());
    }
    if (is_rounding()) {
      text << "the network's outputs are small differences of large numbers: rounding alone changes them by "
           << comparison.relative()
           << " of the largest one; leave out inputs that hardly vary, and train it again with smaller "
              "weights";
      throw Error(ErrorKind::unsupported_model, text.str());
    }
    text << "the collapsed map and the network itself differ by " << comparison.relative()
         << " of the largest output; this network must not be used, please report it";
    throw Error(ErrorKind::fault, text.str());
  }

  bool overflows() const {
    return std::any_of(images_.begin(), images_.end(), [](const Image& image) {
      return std::any_of(image.output.begin(), image.output.end(),
                         [](double y) { return !std::isfinite(y); });
    });
  }

  bool is_rounding() const {
    const AffineMap sizes = claim_->sizes();
    return std::all_of(images_.begin(), images_.end(), [&](const Image& image) {
      const Numbers expected = (*map_)(image.input);
      Numbers x = image.input;
      for (double& number : x) number = std::abs(number);
      const Numbers size = sizes(x);
      for (std::size_t k = 0; k < expected.size(); ++k) {
        if (!(std::abs(expected[k] - image.output[k]) <= kTolerance * size[k])) return false;
      }
      return true;
    });
  }

  Tensors evaluate(const Shape& shape, Numbers x) const {
    return evaluate_graph(*graph_, opsets_, claim_->input.name, Tensor{shape, std::move(x)}, claim_->output);
  }

  Tensors evaluate_pair(const Numbers& first, const Numbers& second) const {
    Shape shape = claim_->input.shape;
    shape[0] = 2;
    Numbers x = first;
    x.insert(x.end(), second.begin(), second.end());
    return evaluate(shape, std::move(x));
  }

  /// Whether a tensor for two images holds the map of each, one after the other along some dimension, or of
  /// the first one alone.
  bool keeps_apart(const Tensor& found, const Numbers& first, const Numbers& second) const {
    const auto* numbers = std::get_if<Numbers>(&found.values);
    if (numbers == nullptr) return false;
    // A Squeeze without axes takes the batch of one image away, and leaves that of two.
    const bool was_squeezed = found.shape.size() == shape_.size() + 1;
    Shape one = shape_;
    if (was_squeezed) one.insert(one.begin(), 1);
    if (found.shape.size() != one.size()) return false;
    const auto axis = std::mismatch(one.begin(), one.end(), found.shape.begin()).first;
    const bool is_one = axis == one.end();
    if (is_one && was_squeezed) return false;
    Shape twice = one;
    if (!is_one) twice[static_cast<std::size_t>(axis - one.begin())] *= 2;
    if (found.shape != twice) return false;
    const std::size_t run = element_count(std::span(axis, one.end()));  // of one image's elements
    const std::size_t images = is_one ? 1 : 2;
    Comparison comparison;
    for (std::size_t image = 0; image < images; ++image) {
      const Numbers expected = (*map_)(image == 0 ? first : second);
      for (std::size_t k = 0; k < expected.size(); ++k) {
        comparison.add(expected[k], (*numbers)[(images * (k / run) + image) * run + k % run]);
      }
    }
    return comparison.agrees();
  }

  /// A node mixes if more than half of what it makes changes with the second image alone.
  [[noreturn]] void refuse_mixing(const Tensors& before, const Numbers& first) {
    const Tensors after = evaluate_pair(first, draw_input(random_, *claim_));
    std::string where = "the network";
    for (int i = 0; i < graph_->node_size(); ++i) {
      if (mixes(graph_->node(i), before, after)) {
        where = title_of(graph_->node(i), claim_->positions[static_cast<std::size_t>(i)]);
        break;
      }
    }
    throw Error(ErrorKind::unsupported_model,
                where +
                    ": mixes the images of a batch; keep the first dimension for the batch, or export the "
                    "network with a batch of 1 if that is meant");
  }

  static bool mixes(const onnx::NodeProto& node, const Tensors& before, const Tensors& after) {
    return std::any_of(node.output().begin(), node.output().end(), [&](const std::string& name) {
      const auto old = before.find(name);
      const auto changed = after.find(name);
      if (old == before.end() || changed == after.end()) return false;
      const auto* a = std::get_if<Numbers>(&old->second->values);
      const auto* b = std::get_if<Numbers>(&changed->second->values);
      if (a == nullptr || b == nullptr || a->size() != b->size()) return false;
      std::size_t differ = 0;
      for (std::size_t k = 0; k < a->size(); ++k) differ += (*a)[k] != (*b)[k] ? 1U : 0U;
      return 2 * differ > a->size();
    });
  }

  const onnx::GraphProto* graph_;
  Opsets opsets_;
  const AffineMap* map_;
  const Claim* claim_;
  Shape shape_;  // of the output for one image
  std::vector<Image> images_;
  SeededRandom random_{1};
};

}  // namespace

std::optional<double> check_claim(const onnx::GraphProto& graph, const Opsets& opsets, const AffineMap& map,
                                  const Claim& claim) {
  if (claim.multiplications > kMostMultiplications / kEvaluations || claim.elements > kMostNumbers / 2) {
    return std::nullopt;
  }
  Proof proof(graph, opsets, map, claim);
  const double difference = proof.on_single_images();
  if (claim.input.batch == Batch::open) proof.on_a_pair();
  return difference;
}

}  // namespace opaline::network
