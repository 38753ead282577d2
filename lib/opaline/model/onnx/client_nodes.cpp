#include "opaline/model/onnx/client_nodes.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "opaline/base/error.h"

namespace opaline::network {
namespace {

/// Checks that a node which works along `axis` of a tensor meets all its `wanted` elements there.
void need_all(const Node& node, const Shape& shape, std::size_t axis, std::size_t along) {
  if (axis == 0 && shape.size() > 1 && shape[0] == 1) {
    node.refuse("its axis 0 would mix the images of a batch; use axis 1");
  }
  if (along != element_count(shape))
    node.refuse("has to work over all outputs of an image; Flatten before it");
}

Finished finish(const Node& node, Shape shape, OutputActivation activation) {
  return {node.need_variable(0), std::move(shape), activation, {}, node.title()};
}

Values soft(const Node& node, OutputActivation activation) {
  // Before opset 13 it works over all dimensions from its axis on, 1 by default; then over one, the last.
  const bool one_axis = node.opset() >= 13;
  const Shape& shape = node.need_variable(0).shape;
  const std::size_t axis = node.axis(node.integer("axis", one_axis ? -1 : 1), shape.size());
  need_all(node, shape, axis, one_axis ? shape[axis] : element_count(std::span(shape).subspan(axis)));
  return {finish(node, shape, activation)};
}

Values softmax(const Node& node, ForwardPass& /*pass*/) { return soft(node, OutputActivation::softmax); }
Values log_softmax(const Node& node, ForwardPass& /*pass*/) {
  return soft(node, OutputActivation::log_softmax);
}

Values sigmoid(const Node& node, ForwardPass& /*pass*/) {
  return {finish(node, node.need_variable(0).shape, OutputActivation::sigmoid)};
}

/// The shape of the class that ArgMax gives for a tensor of this shape.
Shape largest_of(const Node& node, Shape shape) {
  if (node.is_set("select_last_index")) {
    node.refuse("select_last_index is not supported; of equal outputs the first one wins");
  }
  const std::size_t axis = node.axis(node.integer("axis", 0), shape.size());
  need_all(node, shape, axis, shape[axis]);
  if (node.integer("keepdims", 1) != 0) {
    shape[axis] = 1;
  } else {
    shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  }
  return shape;
}

Values arg_max(const Node& node, ForwardPass& /*pass*/) {
  return {finish(node, largest_of(node, node.need_variable(0).shape), OutputActivation::argmax)};
}

Finished with_labels(const Node& node, Finished finished) {
  std::vector<std::string> labels = class_labels(node, "classlabels_strings", "classlabels_int64s");
  if (labels.size() != element_count(finished.shape)) {
    node.refuse("names " + std::to_string(labels.size()) + " classes, its input has " +
                std::to_string(element_count(finished.shape)));
  }
  finished.labels = std::move(labels);
  return finished;
}

bool only_renames(std::string_view type) {
  constexpr std::array<std::string_view, 7> kTypes = {"Dropout", "Flatten",   "Identity", "Reshape",
                                                      "Squeeze", "Transpose", "Unsqueeze"};
  return std::find(kTypes.begin(), kTypes.end(), type) != kTypes.end();
}

}  // namespace

std::vector<std::string> class_labels(const Node& node, std::string_view texts, std::string_view integers) {
  std::vector<std::string> labels = node.texts(texts);
  const std::vector<std::int64_t> numbers = node.integers(integers).value_or(std::vector<std::int64_t>{});
  if (!labels.empty() && !numbers.empty()) node.refuse("has labels of two kinds");
  for (const std::int64_t number : numbers) labels.push_back(std::to_string(number));
  if (labels.size() > kMostOutputs) node.refuse("has " + std::to_string(labels.size()) + " labels");
  return labels;
}

Values zip_map(const Node& node, ForwardPass& /*pass*/) {
  const Variable& x = node.need_variable(0);
  return {with_labels(node, {x, x.shape, OutputActivation::none, {}, node.title()})};
}

Values apply_to_finished(const Node& node, ForwardPass& pass) {
  Finished finished = *node.finished(0);
  const std::string& type = node.type();
  if (type == "Cast" || type == "CastLike") return {std::move(finished)};
  if (type == "ZipMap") return {with_labels(node, std::move(finished))};
  if (type == "ArgMax" && finished.activation != OutputActivation::argmax) {
    finished.shape = largest_of(node, std::move(finished.shape));
    finished.activation = OutputActivation::argmax;
    return {std::move(finished)};
  }
  if (type == "Shape" || type == "Size" || only_renames(type)) {
    const Variable stands_for{finished.logits.id, finished.shape};
    const Values values =
        find_operator(node.proto().domain(), type)->apply(node.with_first_input(stands_for), pass);
    const auto* renamed = std::get_if<Variable>(&values.front());
    if (renamed == nullptr) return values;
    if (renamed->id == finished.logits.id) {
      finished.shape = renamed->shape;
      return {std::move(finished)};
    }
  }
  throw Error(ErrorKind::unsupported_model,
              finished.maker + ": is not affine, so it may only be the network's last node, but " +
                  node.title() +
                  " goes on; end the network there, or put the identity in its place and train the network "
                  "again");
}

const std::vector<Operator>& client_operators() {
  static const std::vector<Operator> kTable = {
      {"ArgMax", 1, 1, {"axis", "keepdims", "select_last_index"}, arg_max},
      {"LogSoftmax", 1, 1, {"axis"}, log_softmax},
      {"Sigmoid", 1, 1, {}, sigmoid},
      {"Softmax", 1, 1, {"axis"}, softmax},
  };
  return kTable;
}

}  // namespace opaline::network
