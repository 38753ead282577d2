#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/model/data/dataset.h"

namespace opaline {

struct TrainingOptions {
  std::vector<std::size_t> hidden = {128, 64};  ///< sizes of the hidden layers, possibly none
  std::size_t epochs = 12;
  std::size_t batch = 128;
  double learning_rate = 1e-3;    ///< Adam's step, lowered along a cosine to a hundredth
  double validation_share = 0.1;  ///< of the images, drawn by the seed; 0 trains on all
  double weight_penalty = 1e-4;   ///< L2, within the gradient; draws the weights of unlit pixels to zero
  std::uint64_t seed = 1;         ///< decides the images held back, the order and the starting weights
};

/// One dense layer: outputs × inputs weights row by row, then the activation, which is the identity.
struct DenseLayer {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::vector<float> weights;
  std::vector<float> bias;
};

struct TrainedNetwork {
  std::vector<DenseLayer> layers;
  double training_loss = 0.0;
  double validation_accuracy = 0.0;  ///< of the epoch kept (the best); 0 without validation images
};

/// Seen after every mini-batch.
struct TrainingProgress {
  std::size_t epoch = 0;        ///< from 0
  std::size_t images_done = 0;  ///< over all epochs
  std::size_t images_total = 0;
  double loss = 0.0;
  double validation_accuracy = 0.0;  ///< of the last complete epoch
};

/// Trains dense layers with identity activations on pixel/255: softmax cross-entropy, Adam, mini-batches
/// (Kingma, Ba 2015); as many classes as the largest label + 1, two or more. The same seed gives the same
/// network on one kind of machine, whatever the number of threads. `progress` may be empty.
/// Error(invalid_argument) if images and labels do not match, options make no sense (layers of 1 to 65536
/// units, 2^26 parameters at most, all else in its natural range) or the loss grows beyond all bounds.
TrainedNetwork train(const ImageSet& images, std::span<const std::uint8_t> labels,
                     const TrainingOptions& options,
                     const std::function<void(const TrainingProgress&)>& progress);

/// The network as an ONNX model (opset 13): Flatten, then Gemm and Identity a layer, then Softmax. Input
/// "input" of shape N × image_size, output "probabilities". Equal networks give equal bytes.
/// Error(invalid_argument) if the layers do not fit together.
Bytes to_onnx(const TrainedNetwork& network);

}  // namespace opaline
