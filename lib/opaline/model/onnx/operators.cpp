#include "opaline/model/onnx/operators.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "opaline/model/onnx/quoted.h"

namespace opaline::network {
namespace {

const std::vector<double>& numbers(const Tensor& tensor) {
  return std::get<std::vector<double>>(tensor.values);
}

// Broadcasting. A constant is stretched to the tensor it meets, never the other way round.

/// The constant's dimensions as the tensor sees them, without the batch; nothing if they do not fit.
std::optional<Shape> aligned_shape(const Shape& constant, const Shape& shape) {
  Shape aligned = constant;
  if (aligned.size() == shape.size() + 1 && aligned.front() == 1) aligned.erase(aligned.begin());
  if (aligned.size() > shape.size()) return std::nullopt;
  aligned.insert(aligned.begin(), shape.size() - aligned.size(), 1);
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (aligned[i] != 1 && aligned[i] != shape[i]) return std::nullopt;
  }
  return aligned;
}

/// One number an element of `shape`. The shapes have been found to fit.
std::vector<double> broadcast(const Tensor& constant, const Shape& shape) {
  const Shape aligned = *aligned_shape(constant.shape, shape);
  std::vector<double> result = numbers(constant);
  std::size_t inner = 1;  // elements after the dimension at hand, already stretched
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (aligned[i] != shape[i]) {
      std::vector<double> stretched;
      stretched.reserve(result.size() * shape[i]);
      for (auto block = result.begin(); block != result.end(); block += static_cast<std::ptrdiff_t>(inner)) {
        for (std::size_t copy = 0; copy < shape[i]; ++copy) {
          stretched.insert(stretched.end(), block, block + static_cast<std::ptrdiff_t>(inner));
        }
      }
      result = std::move(stretched);
    }
    inner *= shape[i];
  }
  return result;
}

void need_broadcast(const Node& node, const Tensor& constant, const Shape& shape) {
  if (!aligned_shape(constant.shape, shape)) {
    node.refuse("its constant of shape " + to_string(constant.shape) +
                " cannot be spread over a tensor of shape N x " + to_string(shape));
  }
}

// Products with a constant matrix.

enum class WeightLayout { outputs_by_inputs, inputs_by_outputs };

/// The matrix of x where y = factor · (weights · x), from the matrix of y. With several rows of x side by
/// side (higher-rank tensors), each is treated alike.
Matrix through_weights(const Matrix& share, const BackwardPass& pass, const std::vector<double>& weights,
                       std::size_t inputs, std::size_t outputs, WeightLayout layout, double factor) {
  const std::size_t blocks = share.columns / outputs;
  Matrix result = pass.zeros(share.rows, blocks * inputs);
  for (std::size_t row = 0; row < share.rows * blocks; ++row) {
    const double* from = share.entries.data() + row * outputs;
    double* to = result.entries.data() + row * inputs;
    if (layout == WeightLayout::outputs_by_inputs) {
      for (std::size_t m = 0; m < outputs; ++m) {
        const double* line = weights.data() + m * inputs;
        for (std::size_t k = 0; k < inputs; ++k) to[k] += factor * from[m] * line[k];
      }
    } else {
      for (std::size_t k = 0; k < inputs; ++k) {
        const double* line = weights.data() + k * outputs;
        for (std::size_t m = 0; m < outputs; ++m) to[k] += factor * from[m] * line[m];
      }
    }
  }
  return result;
}

Value gemm(const Node& node, ForwardPass& pass) {
  if (node.integer("transA", 0) != 0) {
    node.refuse("transA would mix the images of a batch; export the network with transA = 0");
  }
  const Variable& x = node.need_variable(0);
  const Constant weights = node.need_numbers(1);
  const auto layout =
      node.integer("transB", 0) != 0 ? WeightLayout::outputs_by_inputs : WeightLayout::inputs_by_outputs;
  if (x.shape.size() != 1 || weights->shape.size() != 2)
    node.refuse("both factors have to have two dimensions");
  const auto [inputs, outputs] = layout == WeightLayout::outputs_by_inputs
                                     ? std::pair(weights->shape[1], weights->shape[0])
                                     : std::pair(weights->shape[0], weights->shape[1]);
  if (inputs != x.shape[0] || outputs == 0) {
    node.refuse("its weights of shape " + to_string(weights->shape) + " do not fit a tensor of shape N x " +
                to_string(x.shape));
  }
  Constant bias;
  if (node.has_input(2)) {
    bias = node.need_numbers(2);
    need_broadcast(node, *bias, {outputs});
  }
  const double alpha = node.number("alpha", 1.0);
  const double beta = node.number("beta", 1.0);
  return pass.make({outputs},
                   [=, id = x.id, in = inputs, out = outputs](const Matrix& share, BackwardPass& back) {
                     if (bias) back.add_constant(share, broadcast(*bias, {out}), beta);
                     back.add(id, through_weights(share, back, numbers(*weights), in, out, layout, alpha));
                   });
}

Value mat_mul(const Node& node, ForwardPass& pass) {
  if (node.constant(0) != nullptr) {
    node.refuse(
        "a constant on the left would mix the images of a batch; put the weights, transposed, on the right");
  }
  const Variable& x = node.need_variable(0);
  const Constant weights = node.need_numbers(1);
  if (x.shape.empty() || weights->shape.size() != 2 || weights->shape[0] != x.shape.back() ||
      weights->shape[1] == 0) {
    node.refuse("its weights of shape " + to_string(weights->shape) + " do not fit a tensor of shape N x " +
                to_string(x.shape));
  }
  const std::size_t inputs = weights->shape[0];
  const std::size_t outputs = weights->shape[1];
  Shape shape = x.shape;
  shape.back() = outputs;
  return pass.make(std::move(shape), [=, id = x.id](const Matrix& share, BackwardPass& back) {
    back.add(id, through_weights(share, back, numbers(*weights), inputs, outputs,
                                 WeightLayout::inputs_by_outputs, 1.0));
  });
}

// Element by element.

/// Multiplies every column of a matrix by its number.
Matrix scale_columns(Matrix share, const std::vector<double>& factors) {
  for (std::size_t i = 0; i < share.entries.size(); ++i) share.entries[i] *= factors[i % share.columns];
  return share;
}

Matrix negated(Matrix share) {
  for (double& entry : share.entries) entry = -entry;
  return share;
}

/// first_sign · input 0 + second_sign · input 1.
Value sum(const Node& node, ForwardPass& pass, double second_sign) {
  const Variable* first = node.variable(0);
  const Variable* second = node.variable(1);
  if (first != nullptr && second != nullptr) {
    if (first->shape != second->shape) {
      node.refuse("its inputs have different shapes, N x " + to_string(first->shape) + " and N x " +
                  to_string(second->shape) + "; make them the same");
    }
    return pass.make(first->shape, [=, a = first->id, b = second->id](Matrix share, BackwardPass& back) {
      back.add(a, share);
      back.add(b, second_sign < 0 ? negated(std::move(share)) : std::move(share));
    });
  }
  const std::size_t at = first != nullptr ? 0 : 1;
  const Variable& x = node.need_variable(at);
  const Constant constant = node.need_numbers(1 - at);
  need_broadcast(node, *constant, x.shape);
  const double x_sign = at == 0 ? 1.0 : second_sign;
  const double constant_sign = at == 0 ? second_sign : 1.0;
  return pass.make(x.shape, [=, x_id = x.id, shape = x.shape](Matrix share, BackwardPass& back) {
    back.add_constant(share, broadcast(*constant, shape), constant_sign);
    back.add(x_id, x_sign < 0 ? negated(std::move(share)) : std::move(share));
  });
}

Value add(const Node& node, ForwardPass& pass) { return sum(node, pass, 1.0); }
Value sub(const Node& node, ForwardPass& pass) { return sum(node, pass, -1.0); }

Value mul(const Node& node, ForwardPass& pass) {
  const std::size_t at = node.variable(0) != nullptr ? 0 : 1;
  const Variable& x = node.need_variable(at);
  const Constant constant = node.need_numbers(1 - at);
  need_broadcast(node, *constant, x.shape);
  return pass.make(x.shape, [=, x_id = x.id, shape = x.shape](Matrix share, BackwardPass& back) {
    back.add(x_id, scale_columns(std::move(share), broadcast(*constant, shape)));
  });
}

Value div(const Node& node, ForwardPass& pass) {
  if (node.constant(0) != nullptr) node.refuse("dividing by the network's input is not affine");
  const Variable& x = node.need_variable(0);
  const Constant divisor = node.need_numbers(1);
  need_broadcast(node, *divisor, x.shape);
  const std::vector<double>& values = numbers(*divisor);
  if (std::find(values.begin(), values.end(), 0.0) != values.end()) {
    node.refuse("divides by zero; leave out inputs that never vary before training");
  }
  return pass.make(x.shape, [=, x_id = x.id, shape = x.shape](Matrix share, BackwardPass& back) {
    std::vector<double> factors = broadcast(*divisor, shape);
    for (double& factor : factors) factor = 1.0 / factor;
    back.add(x_id, scale_columns(std::move(share), factors));
  });
}

// Nothing but another name or shape.

/// Input 0 itself, variable or constant.
Value same(const Node& node) {
  if (const Variable* x = node.variable(0)) return *x;
  Constant constant = node.shared_constant(0);
  if (!constant) node.refuse("its input is missing");
  return constant;
}

Value identity(const Node& node, ForwardPass& /*pass*/) { return same(node); }

Value dropout(const Node& node, ForwardPass& /*pass*/) {
  if (node.has_input(2)) {
    const std::vector<std::int64_t>& training = node.need_integers(2);
    if (training.size() != 1 || training[0] != 0) {
      node.refuse("is in training mode, which is random; export the network for inference");
    }
  }
  return node.need_variable(0);
}

Value cast(const Node& node, ForwardPass& /*pass*/) {
  const std::int64_t to = node.integer("to", onnx::TensorProto::UNDEFINED);
  const Tensor* constant = node.constant(0);
  const bool integers =
      constant != nullptr && std::holds_alternative<std::vector<std::int64_t>>(constant->values);
  const bool keeps = integers ? to == onnx::TensorProto::INT64
                              : to == onnx::TensorProto::FLOAT || to == onnx::TensorProto::DOUBLE;
  if (!keeps) {
    node.refuse("casts to element type " + std::to_string(to) +
                "; only casts between float and double keep a network affine");
  }
  return same(node);
}

/// The position of an axis, counted from 0 or from the end, among the dimensions without the batch: that of
/// ONNX, at most `most`, less one.
std::size_t feature_axis(const Node& node, std::int64_t axis, const Shape& shape, std::size_t most) {
  const auto rank = static_cast<std::int64_t>(shape.size()) + 1;
  const std::int64_t position = axis < 0 && axis >= -rank ? axis + rank : axis;
  if (position == 0) node.refuse("its axis 0 would mix the images of a batch; use axis 1");
  if (position < 1 || position > static_cast<std::int64_t>(most)) {
    node.refuse("its axis " + std::to_string(axis) + " does not exist");
  }
  return static_cast<std::size_t>(position) - 1;
}

Value flatten(const Node& node, ForwardPass& /*pass*/) {
  const Variable& x = node.need_variable(0);
  const std::size_t axis = feature_axis(node, node.integer("axis", 1), x.shape, x.shape.size() + 1);
  if (element_count(std::span(x.shape).first(axis)) != 1) {
    node.refuse("its axis would merge the batch with other dimensions; use axis 1");
  }
  return Variable{x.id, {element_count(std::span(x.shape).subspan(axis))}};
}

/// What a Reshape makes of N x `from`, without the batch; nothing if it does not keep the batch.
std::optional<Shape> reshaped(const Shape& from, const std::vector<std::int64_t>& target, bool batch_of_one) {
  if (target.empty() || target.size() > 1 + kMostInputDimensions) return std::nullopt;
  const bool batch_is_inferred = target[0] == -1;
  if (!batch_is_inferred && target[0] != 0 && !(target[0] == 1 && batch_of_one)) return std::nullopt;

  const std::size_t wanted = element_count(from);
  std::size_t count = 1;
  std::optional<std::size_t> inferred;
  Shape shape;
  for (std::size_t i = 1; i < target.size(); ++i) {
    if (target[i] == -1) {
      if (inferred || batch_is_inferred) return std::nullopt;
      inferred = shape.size();
      shape.push_back(1);
      continue;
    }
    if (target[i] < 0 || (target[i] == 0 && i > from.size())) return std::nullopt;
    const std::size_t size = target[i] == 0 ? from[i - 1] : static_cast<std::size_t>(target[i]);
    if (size > wanted / count) return std::nullopt;
    count *= size;
    shape.push_back(size);
  }
  if (inferred) shape[*inferred] = wanted / count;
  return element_count(shape) == wanted ? std::optional(shape) : std::nullopt;
}

Value reshape(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  const std::vector<std::int64_t>& target = node.need_integers(1);
  if (node.integer("allowzero", 0) != 0 && std::find(target.begin(), target.end(), 0) != target.end()) {
    node.refuse("asks for a dimension of size 0");
  }
  std::optional<Shape> shape = reshaped(x.shape, target, pass.batch_of_one());
  if (!shape) {
    node.refuse("does not keep the batch dimension and the number of elements of N x " + to_string(x.shape) +
                "; use Flatten, or a shape that starts with 0");
  }
  return Variable{x.id, *std::move(shape)};
}

Value constant(const Node& node, ForwardPass& /*pass*/) {
  const auto make = [](Tensor tensor) { return std::make_shared<const Tensor>(std::move(tensor)); };
  if (const onnx::AttributeProto* value = node.attribute("value")) return make(decode_tensor(value->t()));
  // The other forms are scalars and lists of float or int64; as tensors they get the same checks.
  onnx::TensorProto tensor;
  if (const onnx::AttributeProto* number = node.attribute("value_float")) {
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_float_data(number->f());
  } else if (const onnx::AttributeProto* list = node.attribute("value_floats")) {
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_dims(list->floats_size());
    tensor.mutable_float_data()->CopyFrom(list->floats());
  } else if (const onnx::AttributeProto* integer = node.attribute("value_int")) {
    tensor.set_data_type(onnx::TensorProto::INT64);
    tensor.add_int64_data(integer->i());
  } else if (const onnx::AttributeProto* integers = node.attribute("value_ints")) {
    tensor.set_data_type(onnx::TensorProto::INT64);
    tensor.add_dims(integers->ints_size());
    tensor.mutable_int64_data()->CopyFrom(integers->ints());
  } else {
    node.refuse("has no value");
  }
  return make(decode_tensor(tensor));
}

// The last node, left to the client.

/// Checks that the node ends the network and works along an axis of `along` elements that holds all there
/// are.
Value finish(const Node& node, ForwardPass& pass, OutputActivation activation, std::size_t along) {
  const Variable& x = node.need_variable(0);
  if (node.place() != Node::Place::makes_the_output) {
    node.refuse(
        "is not affine, so it may only be the network's last node; move it there, or put the identity in its "
        "place and train the network again");
  }
  if (along != element_count(x.shape))
    node.refuse("has to work over all outputs of an image; Flatten before it");
  pass.finish(activation);
  return x;
}

Value finish_softmax(const Node& node, ForwardPass& pass, OutputActivation activation) {
  // Before opset 13 Softmax works over all dimensions from its axis on, 1 by default; then over one, the
  // last.
  const bool one_axis = pass.opset() >= 13;
  const Shape& shape = node.need_variable(0).shape;
  const std::size_t axis = feature_axis(node, node.integer("axis", one_axis ? -1 : 1), shape, shape.size());
  return finish(node, pass, activation,
                one_axis ? shape[axis] : element_count(std::span(shape).subspan(axis)));
}

Value softmax(const Node& node, ForwardPass& pass) {
  return finish_softmax(node, pass, OutputActivation::softmax);
}

Value log_softmax(const Node& node, ForwardPass& pass) {
  return finish_softmax(node, pass, OutputActivation::log_softmax);
}

Value sigmoid(const Node& node, ForwardPass& pass) {
  return finish(node, pass, OutputActivation::sigmoid, element_count(node.need_variable(0).shape));
}

Value arg_max(const Node& node, ForwardPass& pass) {
  if (node.integer("select_last_index", 0) != 0) {
    node.refuse("select_last_index is not supported; of equal outputs the first one wins");
  }
  const Shape& shape = node.need_variable(0).shape;
  const std::size_t axis = feature_axis(node, node.integer("axis", 0), shape, shape.size());
  return finish(node, pass, OutputActivation::argmax, shape[axis]);
}

const std::vector<Operator>& operators() {
  static const std::vector<Operator> kOperators = {
      {"Add", 2, 2, {}, add},
      {"ArgMax", 1, 1, {"axis", "keepdims", "select_last_index"}, arg_max},
      {"Cast", 1, 1, {"to", "saturate"}, cast},
      {"Constant", 0, 0, {"value", "value_float", "value_floats", "value_int", "value_ints"}, constant},
      {"Div", 2, 2, {}, div},
      {"Dropout", 1, 3, {"ratio", "seed"}, dropout},
      {"Flatten", 1, 1, {"axis"}, flatten},
      {"Gemm", 2, 3, {"alpha", "beta", "transA", "transB"}, gemm},
      {"Identity", 1, 1, {}, identity},
      {"LogSoftmax", 1, 1, {"axis"}, log_softmax},
      {"MatMul", 2, 2, {}, mat_mul},
      {"Mul", 2, 2, {}, mul},
      {"Reshape", 2, 2, {"allowzero"}, reshape},
      {"Sigmoid", 1, 1, {}, sigmoid},
      {"Softmax", 1, 1, {"axis"}, softmax},
      {"Sub", 2, 2, {}, sub},
  };
  return kOperators;
}

bool contains(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

const Operator* find_operator(std::string_view type) {
  const std::vector<Operator>& table = operators();
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Operator& op) { return op.type == type; });
  return found == table.end() ? nullptr : &*found;
}

std::string advice_without(std::string_view type) {
  static constexpr std::array<std::string_view, 16> kActivations = {
      "Celu",      "Clip", "Elu",   "Erf",  "Exp",  "Gelu",     "HardSigmoid", "HardSwish",
      "LeakyRelu", "Mish", "PRelu", "Relu", "Selu", "Softplus", "Tanh",        "ThresholdedRelu"};
  static constexpr std::array<std::string_view, 3> kMaxima = {"GlobalMaxPool", "Max", "MaxPool"};
  if (contains(kActivations, type)) {
    return "is not affine; put the identity in its place and train the network again";
  }
  if (contains(kMaxima, type)) {
    return "is not affine; put an average in place of the maximum and train the network again";
  }
  std::string known;
  for (const Operator& op : operators()) known += (known.empty() ? "" : ", ") + std::string(op.type);
  return "this operator is not supported; export the network with these alone: " + known;
}

}  // namespace opaline::network
