#include <algorithm>
#include <cmath>
#include <limits>

#include "opaline/model/onnx/evaluate_call.h"
#include "opaline/model/onnx/evaluate_cast.h"
#include "opaline/model/onnx/strided.h"

/// Operators that treat every element alike.
namespace opaline::network::evaluation {
namespace {

[[noreturn]] void overflow(const Call& call) { call.refuse("a whole number does not fit 64 bits"); }

struct Plus {
  const Call& call;
  double operator()(double a, double b) const { return a + b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    std::int64_t sum = 0;
    if (__builtin_add_overflow(a, b, &sum)) overflow(call);
    return sum;
  }
};

struct Minus {
  const Call& call;
  double operator()(double a, double b) const { return a - b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    std::int64_t difference = 0;
    if (__builtin_sub_overflow(a, b, &difference)) overflow(call);
    return difference;
  }
};

struct Times {
  const Call& call;
  double operator()(double a, double b) const { return a * b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    std::int64_t product = 0;
    if (__builtin_mul_overflow(a, b, &product)) overflow(call);
    return product;
  }
};

/// Whole numbers are rounded towards zero.
struct Quotient {
  const Call& call;
  double operator()(double a, double b) const { return a / b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const {
    if (b == 0) call.refuse("it divides a whole number by zero");
    if (a == std::numeric_limits<std::int64_t>::min() && b == -1) overflow(call);
    return a / b;
  }
};

/// As NumPy, an undefined number makes the result undefined.
struct Least {
  const Call& call;
  double operator()(double a, double b) const { return a < b || std::isnan(a) ? a : b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return std::min(a, b); }
};

struct Greatest {
  const Call& call;
  double operator()(double a, double b) const { return a > b || std::isnan(a) ? a : b; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return std::max(a, b); }
};

struct Same {
  const Call& call;
  std::int64_t operator()(double a, double b) const { return a == b ? 1 : 0; }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return a == b ? 1 : 0; }
};

/// op on every pair of elements, which are both numbers or both whole numbers.
template <typename Op>
Tensor combine(const Call& call, const Tensor& a, const Tensor& b, const Op& op) {
  if (a.values.index() != b.values.index()) {
    call.refuse("its inputs are of different element types; insert a Cast");
  }
  const Shape shape = broadcast_shape(call, a.shape, b.shape);
  const Tensor left = broadcast(call, a, shape);
  const Tensor right = broadcast(call, b, shape);
  return std::visit(
      [&](const auto& x) -> Tensor {
        const auto& y = std::get<std::decay_t<decltype(x)>>(right.values);
        call.work({x.size()});
        std::vector<decltype(op(x[0], y[0]))> z(x.size());
        std::transform(x.begin(), x.end(), y.begin(), z.begin(), op);
        return {shape, std::move(z)};
      },
      left.values);
}

template <typename Op>
Outputs binary(const Call& call) {
  return one(combine(call, call.input(0), call.input(1), Op{call}));
}

template <typename Op>
Tensor fold(const Call& call) {
  Tensor total = call.input(0);
  for (std::size_t i = 1; i < call.inputs(); ++i) total = combine(call, total, call.input(i), Op{call});
  return total;
}

template <typename Op>
Outputs variadic(const Call& call) {
  return one(fold<Op>(call));
}

Outputs mean(const Call& call) {
  static_cast<void>(call.numbers(0));  // The mean of whole numbers is not defined.
  Tensor total = fold<Plus>(call);
  for (double& value : std::get<Numbers>(total.values)) value /= static_cast<double>(call.inputs());
  return one(std::move(total));
}

/// `function` on every number.
template <double (*function)(double)>
Outputs unary(const Call& call) {
  Numbers values = call.numbers(0);
  for (double& value : values) value = function(value);
  return one({call.input(0).shape, std::move(values)});
}

double floor_of(double x) { return std::floor(x); }
double ceil_of(double x) { return std::ceil(x); }
double square_root(double x) { return std::sqrt(x); }
double reciprocal_of(double x) { return 1.0 / x; }
double exponential(double x) { return std::exp(x); }
double sigmoid_of(double x) { return 1.0 / (1.0 + std::exp(-x)); }

Outputs negative(const Call& call) {
  const Tensor zero = std::holds_alternative<Numbers>(call.input(0).values) ? Tensor{{}, Numbers{-0.0}}
                                                                            : Tensor{{}, Integers{0}};
  return one(combine(call, zero, call.input(0), Minus{call}));
}

Outputs absolute(const Call& call) {
  const Tensor opposite = std::move(negative(call).front());
  return one(combine(call, call.input(0), opposite, Greatest{call}));
}

std::int64_t integer_power(const Call& call, std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) call.refuse("it raises a whole number to a negative power");
  const Times times{call};
  std::int64_t power = 1;
  for (;;) {
    if (exponent % 2 == 1) power = times(power, base);
    exponent /= 2;
    if (exponent == 0) return power;
    base = times(base, base);
  }
}

struct Power {
  const Call& call;
  double operator()(double a, double b) const { return std::pow(a, b); }
  std::int64_t operator()(std::int64_t a, std::int64_t b) const { return integer_power(call, a, b); }
};

/// Base and exponent may differ in type; the result is of the base's.
Outputs power(const Call& call) {
  const Tensor& base = call.input(0);
  const Tensor& exponent = call.input(1);
  if (base.values.index() == exponent.values.index()) return binary<Power>(call);
  Tensor result = combine(call, as_numbers(base), as_numbers(exponent), Power{call});
  return one(std::holds_alternative<Numbers>(base.values) ? std::move(result) : as_integers(call, result));
}

Outputs where(const Call& call) {
  const Tensor& condition = call.input(0);
  static_cast<void>(call.integers(0));
  if (call.input(1).values.index() != call.input(2).values.index()) {
    call.refuse("its inputs are of different element types; insert a Cast");
  }
  const Shape shape =
      broadcast_shape(call, broadcast_shape(call, condition.shape, call.input(1).shape), call.input(2).shape);
  const Tensor mask = broadcast(call, condition, shape);
  Tensor chosen = broadcast(call, call.input(1), shape);
  const Tensor other = broadcast(call, call.input(2), shape);
  const Integers& mask_values = std::get<Integers>(mask.values);
  std::visit(
      [&](auto& values) {
        const auto& others = std::get<std::decay_t<decltype(values)>>(other.values);
        for (std::size_t i = 0; i < values.size(); ++i) {
          if (mask_values[i] == 0) values[i] = others[i];
        }
      },
      chosen.values);
  return one(std::move(chosen));
}

Outputs identity(const Call& call) { return one(call.input(0)); }

/// In inference nothing is dropped: the mask is all ones.
Outputs dropout(const Call& call) {
  if (call.has_input(2)) {
    const Integers& training = call.row(2);
    if (training.size() != 1) call.refuse("training_mode has to be one truth value");
    if (training[0] != 0) call.refuse("it is in training mode; export the network for inference");
  }
  Outputs outputs = one(call.input(0));
  const Shape shape = outputs[0].shape;
  outputs.push_back({shape, Integers(call.count(shape), 1)});
  return outputs;
}

}  // namespace

const std::vector<Operator>& elementwise_operators() {
  static const std::vector<Operator> table{
      {"Add", 2, 2, {}, binary<Plus>},
      {"Sub", 2, 2, {}, binary<Minus>},
      {"Mul", 2, 2, {}, binary<Times>},
      {"Div", 2, 2, {}, binary<Quotient>},
      {"Equal", 2, 2, {}, binary<Same>},
      {"Pow", 2, 2, {}, power},
      {"Sum", 1, kAnyNumber, {}, variadic<Plus>},
      {"Min", 1, kAnyNumber, {}, variadic<Least>},
      {"Max", 1, kAnyNumber, {}, variadic<Greatest>},
      {"Mean", 1, kAnyNumber, {}, mean},
      {"Neg", 1, 1, {}, negative},
      {"Abs", 1, 1, {}, absolute},
      {"Floor", 1, 1, {}, unary<floor_of>},
      {"Ceil", 1, 1, {}, unary<ceil_of>},
      {"Sqrt", 1, 1, {}, unary<square_root>},
      {"Reciprocal", 1, 1, {}, unary<reciprocal_of>},
      {"Exp", 1, 1, {}, unary<exponential>},
      {"Sigmoid", 1, 1, {}, unary<sigmoid_of>},
      {"Where", 3, 3, {}, where},
      {"Identity", 1, 1, {}, identity},
      {"Dropout", 1, 3, {"ratio", "seed"}, dropout},
  };
  return table;
}

}  // namespace opaline::network::evaluation
