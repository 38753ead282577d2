#include "opaline/model/quantise.h"

// Eigen's own threads would come on top of those of parallel_for.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/model/client_spec_format.h"

namespace opaline {
namespace {

using Eigen::Index;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr unsigned kDefaultBits = 8;
constexpr unsigned kMostSearchedInputBits = 8;  // enough for an 8-bit pixel to keep its value
constexpr unsigned kFewestWeightBits = 2;
constexpr unsigned kMostSearchedWeightBits = 12;
constexpr unsigned kMostWeightBits = 24;
constexpr unsigned kMostInputBits = 16;
constexpr double kBiasLimit = 0x1p62;

struct Widths {
  unsigned input_bits = kDefaultBits;
  unsigned weight_bits = kDefaultBits;
};

struct BitRange {
  unsigned first;
  unsigned last;
};

/// The affine map rounded to integers.
struct Integers {
  double output_scale = 1.0;
  std::vector<std::int32_t> weights;
  std::vector<std::int64_t> bias;
};

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::invalid_argument, why); }

Index index(std::size_t value) { return static_cast<Index>(value); }

/// Real input = lowest + step · integer input, so W·lowest goes into the bias and `step` into the scale.
Integers round_map(const AffineMap& map, const InputEncoding& encoding, unsigned weight_bits) {
  const double largest = std::transform_reduce(
      map.weights.begin(), map.weights.end(), 0.0, [](double a, double b) { return std::max(a, b); },
      [](double weight) { return std::abs(weight); });
  const double top = std::ldexp(1.0, static_cast<int>(weight_bits) - 1) - 1.0;
  const double weight_step = largest > 0.0 ? largest / top : 1.0;
  const double input_step = (encoding.highest - encoding.lowest) / static_cast<double>(encoding.maximum());

  Integers integers;
  integers.output_scale = weight_step * input_step;
  integers.weights.reserve(map.weights.size());
  for (const double weight : map.weights) {
    integers.weights.push_back(static_cast<std::int32_t>(std::lround(weight / weight_step)));
  }
  for (std::size_t k = 0; k < map.outputs; ++k) {
    const double* row = map.weights.data() + k * map.inputs;
    const double bias =
        (map.bias[k] + encoding.lowest * std::accumulate(row, row + map.inputs, 0.0)) / integers.output_scale;
    if (!(std::abs(bias) < kBiasLimit)) {
      throw Error(ErrorKind::does_not_fit, "the bias of output " + std::to_string(k) +
                                               " is too large beside the weights to be an integer");
    }
    integers.bias.push_back(std::llround(bias));
  }
  return integers;
}

std::vector<std::string> default_labels(std::size_t classes) {
  std::vector<std::string> labels;
  for (std::size_t i = 0; i < classes; ++i) labels.push_back(std::to_string(i));
  return labels;
}

ClientSpec describe(const ImportedNetwork& network, const QuantisationOptions& options) {
  ClientSpec spec;
  spec.name = options.name;
  spec.input_shape = network.input_shape;
  spec.inputs = network.map.inputs;
  spec.outputs = network.map.outputs;
  spec.pixels = options.pixels;
  spec.mask_bits = options.mask_bits;
  spec.activation = network.activation;
  spec.labels = options.labels.empty() ? default_labels(spec.classes()) : options.labels;
  const auto [darkest, brightest] = std::minmax({options.pixels(0), options.pixels(255)});
  spec.encoding.lowest = options.input_lowest.value_or(darkest);
  spec.encoding.highest = options.input_highest.value_or(brightest);
  return spec;
}

CompiledModel compile(const AffineMap& map, ClientSpec spec, Widths widths) {
  spec.encoding.bits = widths.input_bits;
  check_client_spec(spec);
  Integers integers = round_map(map, spec.encoding, widths.weight_bits);
  spec.output_scale = integers.output_scale;
  return {std::move(spec), std::move(integers.weights), std::move(integers.bias)};
}

CompiledModel compile_as_asked(const AffineMap& map, const ClientSpec& spec, Widths widths,
                               const QuantisationOptions& options) {
  CompiledModel model = compile(map, spec, widths);
  return options.drop_unused ? model.dropping_unused() : model;
}

// Calibration.

/// What the network makes of each pixel value that occurs.
using PixelTable = std::array<double, 256>;

std::array<bool, 256> pixels_present(const ImageSet& images) {
  std::array<bool, 256> present{};
  for (const std::uint8_t pixel : images.pixels) present[pixel] = true;
  return present;
}

template <typename Encode>
PixelTable tabulate(const std::array<bool, 256>& present, const Encode& encode) {
  PixelTable table{};
  for (std::size_t pixel = 0; pixel < table.size(); ++pixel) {
    if (present[pixel]) table[pixel] = encode(static_cast<std::uint8_t>(pixel));
  }
  return table;
}

/// The class a row of answers means, as ClientSpec::classify.
template <typename Row>
std::uint16_t class_of(const Row& answers, const ClientSpec& spec) {
  if (spec.classes() != spec.outputs) return answers(0) > 0.0 ? 1 : 0;
  Index best = 0;
  answers.maxCoeff(&best);
  return static_cast<std::uint16_t>(best);
}

/// One affine map after another, `maps` of them, on the same inputs: rows are outputs.
struct StackedMaps {
  Matrix weights;
  Eigen::RowVectorXd bias;
  std::size_t maps = 0;
};

/// classes[m · images + i]: what map m says of image i. Integer answers below 2^53 come out exact.
std::vector<std::uint16_t> classes_by(const StackedMaps& maps, const ClientSpec& spec, const ImageSet& images,
                                      const PixelTable& table) {
  constexpr std::size_t kPiece = 256;
  std::vector<std::uint16_t> classes(maps.maps * images.count);
  parallel_for((images.count + kPiece - 1) / kPiece, [&](std::size_t piece) {
    const std::size_t first = piece * kPiece;
    const std::size_t count = std::min(kPiece, images.count - first);
    Matrix inputs(index(count), index(spec.inputs));
    const auto pixels = std::span(images.pixels).subspan(first * spec.inputs, count * spec.inputs);
    std::transform(pixels.begin(), pixels.end(), inputs.data(),
                   [&](std::uint8_t pixel) { return table[pixel]; });
    const Matrix answers = (inputs * maps.weights.transpose()).rowwise() + maps.bias;
    for (std::size_t m = 0; m < maps.maps; ++m) {
      for (std::size_t i = 0; i < count; ++i) {
        const auto row = answers.row(index(i)).segment(index(m * spec.outputs), index(spec.outputs));
        classes[m * images.count + first + i] = class_of(row, spec);
      }
    }
  });
  return classes;
}

double share_equal(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1U : 0U;
  return static_cast<double>(equal) / static_cast<double>(a.size());
}

std::vector<std::uint16_t> float_classes(const AffineMap& map, const ClientSpec& spec,
                                         const ImageSet& images) {
  const StackedMaps maps{Eigen::Map<const Matrix>(map.weights.data(), index(map.outputs), index(map.inputs)),
                         Eigen::Map<const Eigen::RowVectorXd>(map.bias.data(), index(map.outputs)), 1};
  return classes_by(maps, spec, images, tabulate(pixels_present(images), spec.pixels));
}

/// The agreement with `wanted` for one input width and each of the weight widths.
std::vector<double> agreements(const AffineMap& map, ClientSpec spec, unsigned input_bits,
                               BitRange weight_bits, const ImageSet& images,
                               std::span<const std::uint16_t> wanted) {
  spec.encoding.bits = input_bits;
  StackedMaps maps;
  maps.maps = weight_bits.last - weight_bits.first + 1;
  maps.weights.resize(index(maps.maps * map.outputs), index(map.inputs));
  maps.bias.resize(index(maps.maps * map.outputs));
  for (std::size_t m = 0; m < maps.maps; ++m) {
    const Integers integers = round_map(map, spec.encoding, weight_bits.first + static_cast<unsigned>(m));
    std::copy(integers.weights.begin(), integers.weights.end(),
              maps.weights.data() + m * map.outputs * map.inputs);
    std::transform(integers.bias.begin(), integers.bias.end(), maps.bias.data() + m * map.outputs,
                   [](std::int64_t bias) { return static_cast<double>(bias); });
  }
  const PixelTable table = tabulate(pixels_present(images), [&](std::uint8_t pixel) {
    return static_cast<double>(spec.encoding.encode(spec.pixels(pixel)));
  });
  const std::vector<std::uint16_t> classes = classes_by(maps, spec, images, table);
  std::vector<double> result;
  for (std::size_t m = 0; m < maps.maps; ++m) {
    result.push_back(share_equal(std::span(classes).subspan(m * images.count, images.count), wanted));
  }
  return result;
}

/// The fewest total bits that reach the agreement asked for, fewer input bits first; else the widest
/// searched.
Widths search_widths(const AffineMap& map, const ClientSpec& spec, const QuantisationOptions& options,
                     const ImageSet& images, std::span<const std::uint16_t> wanted) {
  const BitRange inputs{options.input_bits.value_or(1), options.input_bits.value_or(kMostSearchedInputBits)};
  BitRange weights{options.weight_bits.value_or(kFewestWeightBits),
                   options.weight_bits.value_or(kMostSearchedWeightBits)};
  Widths best{inputs.last, weights.last};
  for (unsigned input_bits = inputs.first; input_bits <= inputs.last && weights.first <= weights.last;
       ++input_bits) {
    const std::vector<double> shares = agreements(map, spec, input_bits, weights, images, wanted);
    const auto enough =
        std::find_if(shares.begin(), shares.end(), [&](double share) { return share >= options.agreement; });
    if (enough == shares.end()) continue;
    best = {input_bits, weights.first + static_cast<unsigned>(enough - shares.begin())};
    // With one more input bit only two weight bits fewer are an improvement.
    weights.last = best.weight_bits - 2;
  }
  return best;
}

void check_width(std::optional<unsigned> bits, BitRange range, const char* what) {
  if (bits && (*bits < range.first || *bits > range.last)) {
    refuse(std::string(what) + " have to be " + std::to_string(range.first) + " to " +
           std::to_string(range.last));
  }
}

void check_calibration(const ClientSpec& spec, const ImageSet& images, std::span<const std::uint8_t> labels) {
  if (images.count > 0 && images.image_size() != spec.inputs) {
    refuse("the calibration images have " + std::to_string(images.image_size()) +
           " pixels, the network takes " + std::to_string(spec.inputs) + " inputs");
  }
  if (images.pixels.size() != images.count * images.image_size()) {
    refuse("the calibration images do not have the pixels they claim");
  }
  if (!labels.empty() && labels.size() != images.count) {
    refuse("there are " + std::to_string(images.count) + " calibration images and " +
           std::to_string(labels.size()) + " labels");
  }
  if (std::any_of(labels.begin(), labels.end(),
                  [&](std::uint8_t label) { return label >= spec.classes(); })) {
    refuse("a calibration label names a class the network does not have");
  }
}

std::vector<std::uint16_t> integer_classes(const CompiledModel& model, const ImageSet& images) {
  const ClientSpec& spec = model.client_spec();
  std::vector<std::uint16_t> classes(images.count);
  parallel_for(images.count, [&](std::size_t i) {
    classes[i] = static_cast<std::uint16_t>(spec.classify(model.predict(spec.encode_pixels(images[i]))));
  });
  return classes;
}

}  // namespace

QuantisedModel quantise(const ImportedNetwork& network, const QuantisationOptions& options,
                        const ImageSet& calibration, std::span<const std::uint8_t> labels) {
  check_width(options.input_bits, {1, kMostInputBits}, "input bits");
  check_width(options.weight_bits, {kFewestWeightBits, kMostWeightBits}, "weight bits");
  if (network.map.weights.size() != network.map.outputs * network.map.inputs ||
      network.map.bias.size() != network.map.outputs) {
    refuse("the network's weights do not fit its sizes");
  }
  const ClientSpec spec = describe(network, options);
  Widths widths{options.input_bits.value_or(kDefaultBits), options.weight_bits.value_or(kDefaultBits)};
  if (calibration.count == 0) {
    check_calibration(spec, calibration, labels);
    QuantisedModel result{compile_as_asked(network.map, spec, widths, options), {}};
    result.report.input_bits = widths.input_bits;
    result.report.weight_bits = widths.weight_bits;
    return result;
  }

  // The first model also checks the network and the options as a whole.
  check_calibration(compile(network.map, spec, widths).client_spec(), calibration, labels);
  const std::vector<std::uint16_t> wanted = float_classes(network.map, spec, calibration);
  if (!options.input_bits || !options.weight_bits) {
    widths = search_widths(network.map, spec, options, calibration, wanted);
  }
  QuantisedModel result{compile_as_asked(network.map, spec, widths, options), {}};
  const std::vector<std::uint16_t> found = integer_classes(result.model, calibration);
  QuantisationReport& report = result.report;
  report.input_bits = widths.input_bits;
  report.weight_bits = widths.weight_bits;
  report.calibration_images = calibration.count;
  report.agreement = share_equal(found, wanted);
  if (!labels.empty()) {
    const std::vector<std::uint16_t> truth(labels.begin(), labels.end());
    report.float_accuracy = share_equal(wanted, truth);
    report.integer_accuracy = share_equal(found, truth);
  }
  return result;
}

}  // namespace opaline
