#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "opaline/model/onnx/operators.h"

/// The same elements under another name, in another shape or another order.
namespace opaline::network {
namespace {

/// Input 0 in another shape.
Values in_shape(const Node& node, Shape shape) {
  return {Variable{node.need_variable(0).id, node.checked(std::move(shape))}};
}

Values identity(const Node& node, ForwardPass& /*pass*/) { return {node.need_variable(0)}; }

Values dropout(const Node& node, ForwardPass& /*pass*/) {
  if (node.has_input(2)) {
    const std::vector<std::int64_t>& training = node.need_integers(2);
    if (training.size() != 1 || training[0] != 0) {
      node.refuse("is in training mode, which is random; export the network for inference");
    }
  }
  const Variable& x = node.need_variable(0);
  Values values = {x};
  if (node.outputs() > 1) {  // the mask
    values.emplace_back(std::make_shared<const Tensor>(
        Tensor{x.shape, std::vector<std::int64_t>(element_count(x.shape), 1)}));
  }
  return values;
}

Values cast(const Node& node, ForwardPass& /*pass*/) {
  const std::int64_t to = node.integer("to", onnx::TensorProto::UNDEFINED);
  if (to != onnx::TensorProto::FLOAT && to != onnx::TensorProto::DOUBLE) {
    const bool known = onnx::TensorProto::DataType_IsValid(static_cast<int>(to));
    node.refuse("casts to " +
                (known ? onnx::TensorProto::DataType_Name(static_cast<onnx::TensorProto::DataType>(to))
                       : "element type " + std::to_string(to)) +
                ", which is not affine; only casts between float and double are. End the network before it "
                "and let the client round the answers, or leave it out");
  }
  return {node.need_variable(0)};
}

Values cast_like(const Node& node, ForwardPass& /*pass*/) {
  const Constant like = node.constant(1);
  if (like && !std::holds_alternative<std::vector<double>>(like->values)) {
    node.refuse("casts to whole numbers; only casts between float and double keep a network affine");
  }
  return {node.need_variable(0)};
}

Values flatten(const Node& node, ForwardPass& /*pass*/) {
  const Shape& shape = node.need_variable(0).shape;
  const std::int64_t given = node.integer("axis", 1);
  const bool is_end = given == static_cast<std::int64_t>(shape.size());
  const std::size_t axis = is_end ? shape.size() : node.axis(given, shape.size());
  return in_shape(
      node, {element_count(std::span(shape).first(axis)), element_count(std::span(shape).subspan(axis))});
}

Values reshape(const Node& node, ForwardPass& /*pass*/) {
  const Shape& from = node.need_variable(0).shape;
  const std::vector<std::int64_t>& target = node.need_integers(1);
  const std::string does_not_fit = "its shape does not keep the number of elements of " + to_string(from) +
                                   "; use Flatten, or a shape that starts with 0 for the batch";
  if (target.size() > kMostDimensions) node.refuse(does_not_fit);
  if (node.is_set("allowzero") && std::find(target.begin(), target.end(), 0) != target.end()) {
    node.refuse("asks for a dimension of size 0");
  }
  const std::size_t wanted = element_count(from);
  std::size_t count = 1;
  std::optional<std::size_t> inferred;
  Shape shape;
  for (std::size_t i = 0; i < target.size(); ++i) {
    const bool is_copied = target[i] == 0 && i < from.size();
    if (target[i] == -1 && !inferred) {
      inferred = i;
      shape.push_back(1);
    } else if (target[i] > 0 || is_copied) {
      shape.push_back(is_copied ? from[i] : static_cast<std::size_t>(target[i]));
      if (shape.back() > wanted / count) node.refuse(does_not_fit);
      count *= shape.back();
    } else {
      node.refuse(does_not_fit);
    }
  }
  if (inferred) shape[*inferred] = wanted / count;
  if (product(shape) != wanted) node.refuse(does_not_fit);
  return in_shape(node, std::move(shape));
}

Values squeeze(const Node& node, ForwardPass& /*pass*/) {
  const Shape& from = node.need_variable(0).shape;
  const std::optional<std::vector<std::int64_t>> given = node.list("axes", 1, 13);
  const std::vector<bool> gone = node.axes(given.value_or(std::vector<std::int64_t>{}), from.size());
  Shape shape;
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (given && gone[i] && from[i] != 1) {
      node.refuse("its axis " + std::to_string(i) + " has size " + std::to_string(from[i]) + ", not 1");
    }
    if (given ? !gone[i] : from[i] != 1) shape.push_back(from[i]);
  }
  return in_shape(node, std::move(shape));
}

Values unsqueeze(const Node& node, ForwardPass& /*pass*/) {
  const Shape& from = node.need_variable(0).shape;
  const std::optional<std::vector<std::int64_t>> given = node.list("axes", 1, 13);
  if (!given || given->size() > kMostDimensions) node.refuse("needs its axes, at most 32");
  const std::vector<bool> added = node.axes(*given, from.size() + given->size());
  Shape shape;
  std::size_t next = 0;
  for (const bool is_new : added) shape.push_back(is_new ? 1 : from[next++]);
  return in_shape(node, std::move(shape));
}

Values transpose(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  const std::size_t rank = x.shape.size();
  std::vector<std::int64_t> order(rank);
  std::iota(order.rbegin(), order.rend(), 0);
  if (const std::optional<std::vector<std::int64_t>> given = node.integers("perm")) order = *given;
  if (order.size() != rank) node.refuse("its perm has to name every dimension once");
  node.axes(order, rank);

  const Strides own = in_order(x.shape);
  Strides from;
  Shape shape;
  bool keeps_order = true;  // dimensions of size 1 may move at will
  std::size_t last = 0;
  for (const std::int64_t each : order) {
    const std::size_t axis = node.axis(each, rank);
    shape.push_back(x.shape[axis]);
    from.steps.push_back(own.steps[axis]);
    if (x.shape[axis] == 1) continue;
    keeps_order = keeps_order && axis >= last;
    last = axis;
  }
  if (keeps_order) return in_shape(node, std::move(shape));
  return {pass.make(node, shape, {variable_step(shape, in_order(shape), x, from)})};
}

Shape dimensions(const Node& node, const std::vector<std::int64_t>& given) {
  Shape shape;
  for (const std::int64_t size : given) {
    if (size < 0) node.refuse("is given a negative size, " + std::to_string(size));
    shape.push_back(static_cast<std::size_t>(size));
  }
  return node.checked(std::move(shape));
}

Values expand(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  const std::optional<Shape> shape = broadcast_shape(x.shape, dimensions(node, node.need_integers(1)));
  if (!shape) node.refuse("its shape does not fit a tensor of shape " + to_string(x.shape));
  node.checked(*shape);
  return {pass.make(node, *shape, {variable_step(*shape, in_order(*shape), x, broadcast(x.shape, *shape))})};
}

Values tile(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  const Shape times = dimensions(node, node.need_integers(1));
  if (times.size() != x.shape.size()) node.refuse("needs a number of repeats for every dimension");
  // Index (copy, own) in every dimension; the copy does not matter to what is read.
  const Strides own = in_order(x.shape);
  Shape shape;
  Shape both;
  Strides from;
  for (std::size_t i = 0; i < times.size(); ++i) {
    shape.push_back(times[i] * x.shape[i]);
    both.insert(both.end(), {times[i], x.shape[i]});
    from.steps.insert(from.steps.end(), {0, own.steps[i]});
  }
  node.checked(shape);
  return {pass.make(node, shape, {variable_step(both, in_order(both), x, from)})};
}

Values shape_of(const Node& node, ForwardPass& /*pass*/) {
  const Shape& shape = node.need_variable(0).shape;
  const auto rank = static_cast<std::int64_t>(shape.size());
  const auto clamped = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const std::int64_t start = clamped(node.integer("start", 0));
  const std::int64_t end = clamped(node.integer("end", rank));
  std::vector<std::int64_t> sizes;
  for (std::int64_t i = start; i < end; ++i) {
    sizes.push_back(static_cast<std::int64_t>(shape[static_cast<std::size_t>(i)]));
  }
  Shape row = {sizes.size()};
  return {std::make_shared<const Tensor>(Tensor{std::move(row), std::move(sizes)})};
}

Values size_of(const Node& node, ForwardPass& /*pass*/) {
  const auto count = static_cast<std::int64_t>(element_count(node.need_variable(0).shape));
  return {std::make_shared<const Tensor>(Tensor{{}, std::vector<std::int64_t>{count}})};
}

}  // namespace

const std::vector<Operator>& shape_operators() {
  static const std::vector<Operator> kTable = {
      {"Cast", 1, 1, {"to", "saturate"}, cast},
      {"CastLike", 2, 2, {"saturate"}, cast_like},
      {"Dropout", 1, 3, {"ratio", "seed"}, dropout},
      {"Expand", 2, 2, {}, expand},
      {"Flatten", 1, 1, {"axis"}, flatten},
      {"Identity", 1, 1, {}, identity},
      {"Reshape", 2, 2, {"allowzero"}, reshape},
      {"Shape", 1, 1, {"start", "end"}, shape_of},
      {"Size", 1, 1, {}, size_of},
      {"Squeeze", 1, 2, {"axes"}, squeeze},
      {"Tile", 2, 2, {}, tile},
      {"Transpose", 1, 1, {"perm"}, transpose},
      {"Unsqueeze", 1, 2, {"axes"}, unsqueeze},
  };
  return kTable;
}

}  // namespace opaline::network
