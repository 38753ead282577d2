#include <type_traits>

#include "opaline/model/onnx/evaluate_call.h"
#include "opaline/model/onnx/strided.h"

/// Products of matrices.
namespace opaline::network::evaluation {
namespace {

struct Sizes {
  std::size_t rows;
  std::size_t inner;
  std::size_t columns;
};

void multiply_add(const Call& /*call*/, double a, double b, double& sum) { sum += a * b; }

void multiply_add(const Call& call, std::int64_t a, std::int64_t b, std::int64_t& sum) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || __builtin_add_overflow(sum, product, &sum)) {
    call.refuse("a whole number does not fit 64 bits");
  }
}

/// c += a · b, all row by row.
template <typename Number>
void multiply(const Call& call, const Sizes& sizes, const Number* a, const Number* b, Number* c) {
  for (std::size_t i = 0; i < sizes.rows; ++i) {
    for (std::size_t k = 0; k < sizes.inner; ++k) {
      const Number factor = a[i * sizes.inner + k];
      for (std::size_t j = 0; j < sizes.columns; ++j) {
        multiply_add(call, factor, b[k * sizes.columns + j], c[i * sizes.columns + j]);
      }
    }
  }
}

Tensor matrix(const Call& call, std::size_t place, std::int64_t transposed) {
  const Tensor& tensor = call.input(place);
  static_cast<void>(call.numbers(place));
  if (tensor.shape.size() != 2) call.refuse("input " + std::to_string(place) + " has to be a matrix");
  if (transposed == 0) return tensor;
  return pick(call, tensor, {tensor.shape[1], tensor.shape[0]}, {1, to_signed(tensor.shape[1])});
}

/// alpha · A · B + beta · C, where C broadcasts.
Outputs gemm(const Call& call) {
  const Tensor a = matrix(call, 0, call.integer("transA", 0));
  const Tensor b = matrix(call, 1, call.integer("transB", 0));
  if (a.shape[1] != b.shape[0]) {
    call.refuse("matrices " + to_string(a.shape) + " and " + to_string(b.shape) + " do not fit together");
  }
  const Shape shape{a.shape[0], b.shape[1]};
  call.work({shape[0], a.shape[1], shape[1]});
  Numbers product(call.count(shape));
  multiply(call, {shape[0], a.shape[1], shape[1]}, std::get<Numbers>(a.values).data(),
           std::get<Numbers>(b.values).data(), product.data());
  const double alpha = call.number("alpha", 1.0);
  for (double& value : product) value *= alpha;
  if (call.has_input(2)) {
    static_cast<void>(call.numbers(2));
    if (broadcast_shape(call, shape, call.input(2).shape) != shape) call.refuse("C does not fit its product");
    const Tensor c = broadcast(call, call.input(2), shape);
    const double beta = call.number("beta", 1.0);
    const Numbers& addend = std::get<Numbers>(c.values);
    for (std::size_t i = 0; i < product.size(); ++i) product[i] += beta * addend[i];
  }
  return one({shape, std::move(product)});
}

/// Where the matrices of a stack that broadcasts over `stack` begin.
std::vector<std::size_t> starts(const Shape& from, const Shape& stack, std::size_t matrix) {
  std::vector<std::size_t> starts;
  walk(stack, broadcast_strides(from, stack), 0,
       [&](std::size_t offset) { starts.push_back(offset * matrix); });
  return starts;
}

/// As NumPy: stacks of matrices broadcast; a vector on the left is a row, one on the right a column, and the
/// dimension that this adds is taken away again.
Outputs matmul(const Call& call) {
  Shape left = call.input(0).shape;
  Shape right = call.input(1).shape;
  if (left.empty() || right.empty()) call.refuse("it multiplies scalars; use Mul");
  const bool row = left.size() == 1;
  const bool column = right.size() == 1;
  if (row) left.insert(left.begin(), 1);
  if (column) right.push_back(1);
  const Sizes sizes{left[left.size() - 2], left.back(), right.back()};
  if (right[right.size() - 2] != sizes.inner ||
      call.input(0).values.index() != call.input(1).values.index()) {
    call.refuse("inputs of shape " + to_string(call.input(0).shape) + " and " +
                to_string(call.input(1).shape) + ", or their element types, do not fit together");
  }
  left.resize(left.size() - 2);
  right.resize(right.size() - 2);
  const Shape stack = broadcast_shape(call, left, right);
  Shape shape = stack;
  if (!row) shape.push_back(sizes.rows);
  if (!column) shape.push_back(sizes.columns);
  const std::size_t count = call.count(shape);
  call.work({element_count(stack), sizes.rows, sizes.inner, sizes.columns});
  call.work({element_count(stack), sizes.rows, sizes.inner});  // Even if there are no columns.
  const auto left_starts = starts(left, stack, sizes.rows * sizes.inner);
  const auto right_starts = starts(right, stack, sizes.inner * sizes.columns);
  return std::visit(
      [&](const auto& a) {
        using Values = std::decay_t<decltype(a)>;
        const Values& b = std::get<Values>(call.input(1).values);
        Values c(count);
        for (std::size_t i = 0; i < left_starts.size(); ++i) {
          multiply(call, sizes, a.data() + left_starts[i], b.data() + right_starts[i],
                   c.data() + i * sizes.rows * sizes.columns);
        }
        return one({shape, std::move(c)});
      },
      call.input(0).values);
}

}  // namespace

const std::vector<Operator>& product_operators() {
  static const std::vector<Operator> table{
      {"Gemm", 2, 3, {"alpha", "beta", "transA", "transB"}, gemm},
      {"MatMul", 2, 2, {}, matmul},
  };
  return table;
}

}  // namespace opaline::network::evaluation
