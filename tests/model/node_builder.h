#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <string>
#include <vector>

#include "opaline/model/onnx/evaluate.h"

namespace opaline::test {

using Numbers = std::vector<double>;
using Integers = std::vector<std::int64_t>;

inline network::Tensor numbers(network::Shape shape, Numbers values) {
  return {std::move(shape), std::move(values)};
}

inline network::Tensor integers(network::Shape shape, Integers values) {
  return {std::move(shape), std::move(values)};
}

/// A row of whole numbers, as shapes and axes are.
inline network::Tensor row(Integers values) {
  const std::size_t length = values.size();
  return {{length}, std::move(values)};
}

/// One node, made by hand: Node("Slice").with("starts", Integers{1})(13, {x}) is its first output.
class Node {
 public:
  explicit Node(const std::string& type, const std::string& domain = "") {
    proto.set_op_type(type);
    proto.set_domain(domain);
    proto.add_output("y");
  }

  Node& with(const std::string& name, std::int64_t value) {
    attribute(name, onnx::AttributeProto::INT).set_i(value);
    return *this;
  }

  Node& with(const std::string& name, double value) {
    attribute(name, onnx::AttributeProto::FLOAT).set_f(static_cast<float>(value));
    return *this;
  }

  Node& with(const std::string& name, const char* value) {
    attribute(name, onnx::AttributeProto::STRING).set_s(value);
    return *this;
  }

  Node& with(const std::string& name, const Integers& values) {
    onnx::AttributeProto& list = attribute(name, onnx::AttributeProto::INTS);
    for (const std::int64_t value : values) list.add_ints(value);
    return *this;
  }

  Node& with(const std::string& name, const Numbers& values) {
    onnx::AttributeProto& list = attribute(name, onnx::AttributeProto::FLOATS);
    for (const double value : values) list.add_floats(static_cast<float>(value));
    return *this;
  }

  /// A second, a third … output.
  Node& and_output(const std::string& name) {
    proto.add_output(name);
    return *this;
  }

  /// All outputs; an input of {} that is an empty optional is left out.
  std::vector<network::Tensor> all(std::int64_t opset, const std::vector<network::Tensor>& inputs) const {
    std::vector<const network::Tensor*> pointers;
    for (const network::Tensor& input : inputs) pointers.push_back(is_left_out(input) ? nullptr : &input);
    return network::evaluate_node(proto, pointers, {opset, 3});
  }

  network::Tensor operator()(std::int64_t opset, const std::vector<network::Tensor>& inputs) const {
    return all(opset, inputs).at(0);
  }

  /// Stands for an input that is left out.
  static network::Tensor left_out() { return {{987654321}, Numbers{}}; }

  onnx::NodeProto proto;

 private:
  static bool is_left_out(const network::Tensor& tensor) { return tensor.shape == left_out().shape; }

  onnx::AttributeProto& attribute(const std::string& name, onnx::AttributeProto::AttributeType type) {
    onnx::AttributeProto& attribute = *proto.add_attribute();
    attribute.set_name(name);
    attribute.set_type(type);
    return attribute;
  }
};

}  // namespace opaline::test
