#include <array>
#include <utility>

#include "opaline/model/onnx/advice.h"
#include "opaline/model/onnx/operators.h"

/// Products of matrices, one of which is constant; on either side.
namespace opaline::network {
namespace {

std::vector<std::ptrdiff_t> joined(std::vector<std::ptrdiff_t> outer, std::array<std::size_t, 3> inner) {
  for (const std::size_t step : inner) outer.push_back(static_cast<std::ptrdiff_t>(step));
  return outer;
}

/// How the two factors of a product lie: element (row, inner) of the left, (inner, column) of the right.
struct Factors {
  Shape walk;  ///< …, rows, inner, columns
  Strides to, left, right;
};

/// number · left · right.
Step product_step(const Node& node, const Factors& at, double number) {
  if (const Variable* x = node.variable(0)) {
    return variable_step(at.walk, at.to, *x, at.left, {number, node.need_numbers(1), at.right});
  }
  const Constant left = node.need_numbers(0);
  return variable_step(at.walk, at.to, node.need_variable(1), at.right, {number, left, at.left});
}

void need_a_constant(const Node& node) {
  if (node.variable(0) != nullptr && node.variable(1) != nullptr) {
    node.refuse(std::string("a product of two tensors that depend on the network's input is not affine; ") +
                kInsteadOfProducts);
  }
}

[[noreturn]] void refuse_shapes(const Node& node) {
  node.refuse("its factors of shapes " + to_string(node.need_shape(0)) + " and " +
              to_string(node.need_shape(1)) + " do not fit");
}

/// alpha · A · B of a Gemm whose C alone depends on the network's input.
Constant constant_product(const Node& node, ForwardPass& pass) {
  onnx::NodeProto without_c = node.proto();
  without_c.mutable_input()->RemoveLast();
  const Constant a = node.need_numbers(0);
  const Constant b = node.need_numbers(1);
  Tensor product = std::move(evaluate_node(without_c, {{a.get(), b.get()}}, node.opsets()).front());
  pass.keep(node, element_count(product.shape));
  return std::make_shared<const Tensor>(std::move(product));
}

Values gemm(const Node& node, ForwardPass& pass) {
  need_a_constant(node);
  const Shape& a = node.need_shape(0);
  const Shape& b = node.need_shape(1);
  if (a.size() != 2 || b.size() != 2) node.refuse("both factors have to have two dimensions");
  const bool left_turned = node.is_set("transA");
  const bool right_turned = node.is_set("transB");
  const std::size_t rows = a[left_turned ? 1 : 0];
  const std::size_t inner = a[left_turned ? 0 : 1];
  const std::size_t columns = b[right_turned ? 0 : 1];
  if (inner != b[right_turned ? 1 : 0]) refuse_shapes(node);
  const Shape shape = node.checked({rows, columns});

  std::vector<Step> steps;
  if (node.variable(0) == nullptr && node.variable(1) == nullptr) {
    steps.push_back(
        constant_step(shape, in_order(shape), {1.0, constant_product(node, pass), in_order(shape)}));
  } else {
    Factors at{{rows, inner, columns}, {}, {}, {}};
    at.to.steps = joined({}, {columns, 0, 1});
    at.left.steps = left_turned ? joined({}, {1, rows, 0}) : joined({}, {inner, 1, 0});
    at.right.steps = right_turned ? joined({}, {0, 1, inner}) : joined({}, {0, columns, 1});
    steps.push_back(product_step(node, at, node.number("alpha", 1.0)));
  }

  if (node.has_input(2)) {
    const Shape& c = node.need_shape(2);
    if (broadcast_shape(c, shape) != shape) {
      node.refuse("C of shape " + to_string(c) + " cannot be spread over a product of shape " +
                  to_string(shape));
    }
    const double beta = node.number("beta", 1.0);
    if (const Variable* added = node.variable(2)) {
      steps.push_back(variable_step(shape, in_order(shape), *added, broadcast(c, shape), {beta}));
    } else {
      steps.push_back(
          constant_step(shape, in_order(shape), {beta, node.need_numbers(2), broadcast(c, shape)}));
    }
  }
  return {pass.make(node, shape, std::move(steps))};
}

Values mat_mul(const Node& node, ForwardPass& pass) {
  need_a_constant(node);
  // A vector on the left is a row, on the right a column; that dimension is then not in the result.
  Shape a = node.need_shape(0);
  Shape b = node.need_shape(1);
  if (a.empty() || b.empty()) refuse_shapes(node);
  const bool row = a.size() == 1;
  const bool column = b.size() == 1;
  if (row) a.insert(a.begin(), 1);
  if (column) b.push_back(1);
  const std::size_t rows = a[a.size() - 2];
  const std::size_t inner = a.back();
  const std::size_t columns = b.back();
  const Shape stack_a(a.begin(), a.end() - 2);
  const Shape stack_b(b.begin(), b.end() - 2);
  const std::optional<Shape> stack = broadcast_shape(stack_a, stack_b);
  if (inner != b[b.size() - 2] || !stack) refuse_shapes(node);

  const auto spread = [&](const Shape& of, std::size_t size) {
    std::vector<std::ptrdiff_t> steps = broadcast(of, *stack).steps;
    for (std::ptrdiff_t& step : steps) step *= static_cast<std::ptrdiff_t>(size);
    return steps;
  };
  Factors at{*stack, {}, {}, {}};
  at.walk.insert(at.walk.end(), {rows, inner, columns});
  at.to.steps = joined(spread(*stack, rows * columns), {columns, 0, 1});
  at.left.steps = joined(spread(stack_a, rows * inner), {inner, 1, 0});
  at.right.steps = joined(spread(stack_b, inner * columns), {0, columns, 1});

  Shape shape = *stack;
  if (!row) shape.push_back(rows);
  if (!column) shape.push_back(columns);
  node.checked(shape);
  return {pass.make(node, shape, {product_step(node, at, 1.0)})};
}

}  // namespace

const std::vector<Operator>& product_operators() {
  static const std::vector<Operator> kTable = {
      {"Gemm", 2, 3, {"alpha", "beta", "transA", "transB"}, gemm},
      {"MatMul", 2, 2, {}, mat_mul},
  };
  return kTable;
}

}  // namespace opaline::network
