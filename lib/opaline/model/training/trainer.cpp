#include "opaline/model/training/trainer.h"

// Eigen's own threads would cut products, and so round their sums, by the number of threads.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <optional>
#include <string>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/model/training/seeded_random.h"

namespace opaline {
namespace {

using Eigen::Index;
using Matrix = Eigen::MatrixXf;  // one image a column
using Vector = Eigen::VectorXf;
using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::size_t kLargestLayer = 65536;
constexpr std::size_t kMostParameters = std::size_t{1} << 26;

// A mini-batch is shared out in pieces of fixed size, whose gradients are added in a fixed order: sums round
// in the same way whatever the number of threads.
constexpr std::size_t kPiece = 32;
constexpr Index kSlice = 8192;  // parameters that one thread updates at a time

Index index(std::size_t value) { return static_cast<Index>(value); }

// Where the numbers of a layer stand in the vector of all parameters, and in that of their gradients.
struct LayerPlace {
  Index inputs = 0;
  Index outputs = 0;
  Index offset = 0;

  Index end() const { return offset + outputs * (inputs + 1); }
  auto weights(const Vector& all) const {
    return Eigen::Map<const RowMajor>(all.data() + offset, outputs, inputs);
  }
  auto weights(Vector& all) const { return Eigen::Map<RowMajor>(all.data() + offset, outputs, inputs); }
  auto bias(const Vector& all) const { return all.segment(end() - outputs, outputs); }
  auto bias(Vector& all) const { return all.segment(end() - outputs, outputs); }
};

using Places = std::vector<LayerPlace>;

struct Samples {
  const ImageSet& images;
  std::span<const std::uint8_t> labels;
};

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::invalid_argument, "training: " + why);
}

void check(const Samples& samples, const TrainingOptions& options) {
  const ImageSet& images = samples.images;
  if (images.count != samples.labels.size()) {
    refuse(std::to_string(images.count) + " images but " + std::to_string(samples.labels.size()) + " labels");
  }
  if (images.count == 0 || images.image_size() == 0) refuse("there are no images");
  if (images.image_size() > kLargestLayer) refuse("images of more than 65536 pixels");
  if (images.pixels.size() != images.count * images.image_size()) refuse("the image set contradicts itself");
  if (*std::max_element(samples.labels.begin(), samples.labels.end()) == 0) {
    refuse("every label is 0; there must be two classes or more");
  }
  for (const std::size_t size : options.hidden) {
    if (size == 0 || size > kLargestLayer) refuse("a hidden layer needs 1 to 65536 units");
  }
  if (options.epochs == 0) refuse("there must be one epoch or more");
  if (options.batch == 0) refuse("a mini-batch needs one image or more");
  if (!(options.learning_rate > 0 && options.learning_rate <= 1))
    refuse("the learning rate must be in (0, 1]");
  if (!(options.validation_share >= 0 && options.validation_share < 1)) {
    refuse("the validation share must be in [0, 1)");
  }
  if (!(options.weight_penalty >= 0 && options.weight_penalty <= 1))
    refuse("the weight penalty must be in [0, 1]");
}

// One class a label up to the largest.
Places lay_out(const Samples& samples, const TrainingOptions& options) {
  std::vector<std::size_t> sizes = {samples.images.image_size()};
  sizes.insert(sizes.end(), options.hidden.begin(), options.hidden.end());
  sizes.push_back(std::size_t{*std::max_element(samples.labels.begin(), samples.labels.end())} + 1);
  Places places;
  Index end = 0;
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    places.push_back({index(sizes[i - 1]), index(sizes[i]), end});
    end = places.back().end();
    if (end > index(kMostParameters)) refuse("a network of more than 2^26 parameters");
  }
  return places;
}

// Weights uniform with variance 1/inputs, which keeps the size of a signal through identity layers; bias 0.
Vector starting_parameters(const Places& places, SeededRandom& random) {
  Vector parameters = Vector::Zero(places.back().end());
  for (const LayerPlace& place : places) {
    const double limit = std::sqrt(3.0 / static_cast<double>(place.inputs));
    for (float& weight : place.weights(parameters).reshaped()) {
      weight = static_cast<float>(random.uniform(-limit, limit));
    }
  }
  return parameters;
}

// Forward and backward pass over a few images, with the memory they need.
class Pass {
 public:
  explicit Pass(const Places& places) : places_(places), signals_(places.size() + 1) {}

  // Logits of the chosen images.
  const Matrix& forward(const Vector& parameters, const ImageSet& images,
                        std::span<const std::size_t> chosen) {
    Matrix& pixels = signals_.front();
    pixels.resize(places_.front().inputs, index(chosen.size()));
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const Eigen::Map<const Eigen::Matrix<std::uint8_t, Eigen::Dynamic, 1>> image(images[chosen[i]].data(),
                                                                                   pixels.rows());
      pixels.col(index(i)) = image.cast<float>() * (1.0F / 255.0F);
    }
    for (std::size_t i = 0; i < places_.size(); ++i) {
      signals_[i + 1].noalias() = places_[i].weights(parameters) * signals_[i];
      signals_[i + 1].colwise() += places_[i].bias(parameters);
    }
    return signals_.back();
  }

  // Softmax cross-entropy of the chosen images, summed; leaves the sum of its gradients in gradient().
  double differentiate(const Vector& parameters, const Samples& samples,
                       std::span<const std::size_t> chosen) {
    forward(parameters, samples.images, chosen);
    slope_ = signals_.back();
    double loss = 0;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      auto column = slope_.col(index(i));
      const Index label = samples.labels[chosen[i]];
      column.array() -= column.maxCoeff();
      const float margin = column[label];
      column = column.array().exp();
      const float sum = column.sum();
      loss += std::log(static_cast<double>(sum)) - static_cast<double>(margin);
      column /= sum;
      column[label] -= 1;
    }
    gradient_.resize(places_.back().end());
    for (std::size_t i = places_.size(); i-- > 0;) {
      places_[i].weights(gradient_).noalias() = slope_ * signals_[i].transpose();
      places_[i].bias(gradient_) = slope_.rowwise().sum();
      if (i > 0) {
        lower_slope_.noalias() = places_[i].weights(parameters).transpose() * slope_;
        slope_.swap(lower_slope_);
      }
    }
    return loss;
  }

  const Vector& gradient() const { return gradient_; }

 private:
  const Places& places_;
  std::vector<Matrix> signals_;  // pixels, then what each layer gives out
  Matrix slope_;                 // of the loss, by a layer's outputs
  Matrix lower_slope_;
  Vector gradient_;
};

// Kingma, Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1 with its constants.
class Adam {
 public:
  explicit Adam(Index parameters) : mean_(Vector::Zero(parameters)), square_(Vector::Zero(parameters)) {}

  // The gradient is that of the passes, times `share`, and of the penalty.
  void step(Vector& parameters, std::span<const Pass> passes, float share, float penalty, double rate) {
    mean_decay_ *= double{kMeanDecay};
    square_decay_ *= double{kSquareDecay};
    const auto scaled_rate = static_cast<float>(rate / (1 - mean_decay_));
    const auto square_scale = static_cast<float>(1 / std::sqrt(1 - square_decay_));
    const Index slices = (parameters.size() + kSlice - 1) / kSlice;
    parallel_for(static_cast<std::size_t>(slices), [&](std::size_t slice) {
      const Index begin = index(slice) * kSlice;
      const Index length = std::min(kSlice, parameters.size() - begin);
      Eigen::ArrayXf gradient = passes.front().gradient().segment(begin, length).array();
      for (const Pass& pass : passes.subspan(1)) gradient += pass.gradient().segment(begin, length).array();
      auto values = parameters.segment(begin, length).array();
      auto mean = mean_.segment(begin, length).array();
      auto square = square_.segment(begin, length).array();
      gradient = gradient * share + values * penalty;
      mean = mean * kMeanDecay + gradient * (1 - kMeanDecay);
      square = square * kSquareDecay + gradient.square() * (1 - kSquareDecay);
      values -= mean * scaled_rate / (square.sqrt() * square_scale + kEpsilon);
    });
  }

 private:
  static constexpr float kMeanDecay = 0.9F;
  static constexpr float kSquareDecay = 0.999F;
  static constexpr float kEpsilon = 1e-8F;

  Vector mean_;
  Vector square_;
  double mean_decay_ = 1;
  double square_decay_ = 1;
};

double accuracy(const Places& places, const Vector& parameters, const Samples& samples,
                std::span<const std::size_t> chosen) {
  constexpr std::size_t kBlock = 256;
  std::vector<std::size_t> right((chosen.size() + kBlock - 1) / kBlock);
  parallel_for(right.size(), [&](std::size_t block) {
    const auto some = chosen.subspan(block * kBlock, std::min(kBlock, chosen.size() - block * kBlock));
    Pass pass(places);
    const Matrix& logits = pass.forward(parameters, samples.images, some);
    for (std::size_t i = 0; i < some.size(); ++i) {
      Index best = 0;
      logits.col(index(i)).maxCoeff(&best);
      if (best == Index{samples.labels[some[i]]}) ++right[block];
    }
  });
  return static_cast<double>(std::reduce(right.begin(), right.end())) / static_cast<double>(chosen.size());
}

// From the full rate down to a hundredth of it along half a cosine.
double lowered(double rate, std::size_t done, std::size_t total) {
  const double way = static_cast<double>(done) / static_cast<double>(total);
  return rate * (0.01 + 0.99 * 0.5 * (1 + std::cos(std::numbers::pi * way)));
}

std::vector<DenseLayer> layers_of(const Places& places, const Vector& parameters) {
  std::vector<DenseLayer> layers;
  for (const LayerPlace& place : places) {
    DenseLayer& layer = layers.emplace_back();
    layer.inputs = static_cast<std::size_t>(place.inputs);
    layer.outputs = static_cast<std::size_t>(place.outputs);
    const float* begin = parameters.data() + place.offset;
    layer.weights.assign(begin, begin + place.inputs * place.outputs);
    layer.bias.assign(begin + place.inputs * place.outputs, parameters.data() + place.end());
  }
  return layers;
}

}  // namespace

TrainedNetwork train(const ImageSet& images, std::span<const std::uint8_t> labels,
                     const TrainingOptions& options,
                     const std::function<void(const TrainingProgress&)>& progress) {
  const Samples samples{images, labels};
  check(samples, options);
  const Places places = lay_out(samples, options);
  SeededRandom random(options.seed);

  std::vector<std::size_t> order(images.count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  random.shuffle(order);
  const auto held_back =
      static_cast<std::size_t>(options.validation_share * static_cast<double>(images.count));
  const std::vector<std::size_t> validation(order.end() - static_cast<std::ptrdiff_t>(held_back),
                                            order.end());
  order.resize(images.count - held_back);

  Vector parameters = starting_parameters(places, random);
  Adam adam(parameters.size());
  const std::size_t batch = std::min(options.batch, order.size());
  std::vector<Pass> passes((batch + kPiece - 1) / kPiece, Pass(places));
  std::vector<double> losses(passes.size());

  TrainedNetwork best;
  TrainingProgress now;
  now.images_total = options.epochs * order.size();
  for (now.epoch = 0; now.epoch < options.epochs; ++now.epoch) {
    random.shuffle(order);
    double epoch_loss = 0;
    for (std::size_t begin = 0; begin < order.size(); begin += batch) {
      const auto chosen = std::span(order).subspan(begin, std::min(batch, order.size() - begin));
      const std::size_t pieces = (chosen.size() + kPiece - 1) / kPiece;
      parallel_for(pieces, [&](std::size_t i) {
        const auto piece = chosen.subspan(i * kPiece, std::min(kPiece, chosen.size() - i * kPiece));
        losses[i] = passes[i].differentiate(parameters, samples, piece);
      });
      const double loss =
          std::accumulate(losses.begin(), losses.begin() + static_cast<std::ptrdiff_t>(pieces), 0.0);
      if (!std::isfinite(loss)) refuse("the loss is no longer finite; choose a smaller learning rate");
      adam.step(parameters, std::span(passes).first(pieces), 1.0F / static_cast<float>(chosen.size()),
                static_cast<float>(options.weight_penalty),
                lowered(options.learning_rate, now.images_done, now.images_total));
      epoch_loss += loss;
      now.loss = loss / static_cast<double>(chosen.size());
      now.images_done += chosen.size();
      if (progress) progress(now);
    }
    if (held_back > 0) now.validation_accuracy = accuracy(places, parameters, samples, validation);
    // Of equals the later one, which has seen more; without validation images, the last.
    if (now.validation_accuracy >= best.validation_accuracy) {
      best = {layers_of(places, parameters), epoch_loss / static_cast<double>(order.size()),
              now.validation_accuracy};
    }
  }
  return best;
}

}  // namespace opaline
