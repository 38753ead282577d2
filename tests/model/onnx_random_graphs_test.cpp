#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "collapse_check.h"
#include "opaline/model/onnx/evaluate.h"
#include "opaline/model/training/seeded_random.h"

using namespace opaline;
using opaline::test::NetworkBuilder;

namespace {

using Integers = std::vector<std::int64_t>;

/// A chain of random operators on a tensor 1 x channels x rows x columns, drawn from a seed.
class RandomNetwork {
 public:
  explicit RandomNetwork(std::uint64_t seed)
      : random_(seed),
        shape_{1, below(3) + 1, below(5) + 2, below(5) + 2},
        network_({shape_[1], shape_[2], shape_[3]}) {
    const std::int64_t length = 2 + below(8);
    for (std::int64_t i = 0; i < length; ++i) add_node();
    network_.node("Flatten", {last_}, "y");
    if (below(2) == 0) network_.input_shape().mutable_dim(0)->set_dim_value(1);
  }

  const NetworkBuilder& network() const { return network_; }
  const std::string& text() const { return text_; }

 private:
  std::int64_t below(std::int64_t count) {
    return static_cast<std::int64_t>(random_.below(static_cast<std::size_t>(count)));
  }

  static std::int64_t product(const Integers& dims) {
    std::int64_t count = 1;
    for (const std::int64_t size : dims) count *= size;
    return count;
  }

  std::string constant(const Integers& dims) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < product(dims); ++i)
      values.push_back(static_cast<float>(random_.uniform(0.5, 2.0) * (below(2) == 0 ? 1 : -1)));
    const std::string name = "c" + std::to_string(++constants_);
    network_.numbers(name, dims, values);
    return name;
  }

  std::string row(const Integers& values) {
    const std::string name = "i" + std::to_string(++constants_);
    network_.integers(name, values);
    return name;
  }

  onnx::NodeProto& node(const std::string& type, const std::vector<std::string>& inputs) {
    last_ = "t" + std::to_string(++nodes_);
    text_ += type + " ";
    return network_.node(type, inputs, last_);
  }

  /// A shape that broadcasts over the tensor's.
  Integers smaller() {
    Integers dims(shape_.begin() + 1 + below(3), shape_.end());
    for (std::int64_t& size : dims) size = below(3) == 0 ? 1 : size;
    return dims;
  }

  void add_node() {
    constexpr std::int64_t kLargest = 400;
    const std::string x = last_;
    const bool may_grow = product(shape_) < kLargest;
    switch (below(18)) {
      case 0:
        node("Add", {x, constant(smaller())});
        break;
      case 1:
        node("Sub", {constant(smaller()), x});
        break;
      case 2:
        node("Mul", {constant(smaller()), x});
        break;
      case 3:
        node("Div", {x, constant(smaller())});
        break;
      case 4:
        NetworkBuilder::attribute(node("Transpose", {x}), "perm", Integers{0, 2, 3, 1});
        shape_ = {1, shape_[2], shape_[3], shape_[1]};
        break;
      case 5: {
        const std::int64_t columns = 1 + below(4);
        node("MatMul", {x, constant({shape_[3], columns})});
        shape_[3] = columns;
        break;
      }
      case 6: {
        const std::int64_t rows = 1 + below(4);
        node("MatMul", {constant({shape_[1], rows, shape_[2]}), x});
        shape_[2] = rows;
        break;
      }
      case 7: {
        const std::int64_t rows = 1 + below(std::min<std::int64_t>(shape_[2], 3));
        const std::int64_t columns = 1 + below(std::min<std::int64_t>(shape_[3], 3));
        const std::int64_t channels = 1 + below(3);
        const Integers pads = {below(2), below(2), below(2), below(2)};
        onnx::NodeProto& conv =
            node("Conv", {x, constant({channels, shape_[1], rows, columns}), constant({channels})});
        NetworkBuilder::attribute(conv, "pads", pads);
        const std::int64_t stride = 1 + below(2);
        NetworkBuilder::attribute(conv, "strides", Integers{stride, 1});
        shape_ = {1, channels, (shape_[2] + pads[0] + pads[2] - rows) / stride + 1,
                  shape_[3] + pads[1] + pads[3] - columns + 1};
        break;
      }
      case 8: {
        if (!may_grow) break;
        onnx::NodeProto& conv = node("ConvTranspose", {x, constant({shape_[1], 2, 2, 1})});
        NetworkBuilder::attribute(conv, "strides", Integers{2, 1});
        shape_ = {1, 2, 2 * shape_[2], shape_[3]};
        break;
      }
      case 9: {
        onnx::NodeProto& pool = node("AveragePool", {x});
        NetworkBuilder::attribute(pool, "kernel_shape", Integers{1, std::min<std::int64_t>(shape_[3], 2)});
        NetworkBuilder::attribute(pool, "auto_pad", std::string("SAME_UPPER"));
        break;
      }
      case 10:
        node("Slice", {x, row({-1}), row({-1000}), row({2 + below(2)}), row({-1})});
        break;
      case 11: {
        if (!may_grow) break;
        const std::string sign = last_;
        node("Neg", {x});
        NetworkBuilder::attribute(node("Concat", {sign, last_, x}), "axis", std::int64_t{2});
        shape_[2] *= 3;
        break;
      }
      case 12:
        if (!may_grow) break;
        node("Pad", {x, row({0, 0, 1, 0, 0, 1, 0, 2}), constant({})});
        shape_[1] += 1;
        shape_[2] += 1;
        shape_[3] += 2;
        break;
      case 13: {
        const std::int64_t axis = 1 + below(3);
        node("ReduceSum", {x, row({axis})});
        shape_[static_cast<std::size_t>(axis)] = 1;
        break;
      }
      case 14:
        if (!may_grow) break;
        node("Tile", {x, row({1, 1, 2, 1})});
        shape_[2] *= 2;
        break;
      case 15: {
        NetworkBuilder::attribute(node("Gather", {x, row({below(shape_[3]), -1})}), "axis", std::int64_t{3});
        shape_[3] = 2;
        break;
      }
      case 16: {
        const std::string own = last_;
        NetworkBuilder::attribute(node("ReduceMean", {x}), "axes", Integers{2, 3});
        node("Sum", {own, last_, constant({1})});
        break;
      }
      default: {
        node("Reshape", {x, row({0, -1, 1, shape_[3]})});
        shape_ = {1, shape_[1] * shape_[2], 1, shape_[3]};
        break;
      }
    }
  }

  SeededRandom random_;
  Integers shape_;
  NetworkBuilder network_;
  std::string last_ = "x";
  std::string text_;
  int constants_ = 0;
  int nodes_ = 0;
};

}  // namespace

TEST_CASE("random chains of operators collapse to what they compute") {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const RandomNetwork random(seed);
    CAPTURE(seed, random.text());
    const ImportedNetwork imported = import_onnx(random.network().bytes(), "random");
    REQUIRE(imported.largest_difference);
    CHECK(*imported.largest_difference <= 1e-9);

    network::Shape shape = imported.input_shape;
    shape.insert(shape.begin(), 1);
    SeededRandom numbers(seed + 1000);
    std::vector<double> x(imported.map.inputs);
    for (double& each : x) each = numbers.uniform(-3.0, 3.0);
    const auto tensors =
        network::evaluate_graph(random.network().model.graph(), {13, 0}, "x", {shape, x}, "y");
    const auto& expected = std::get<std::vector<double>>(tensors.at("y")->values);
    const std::vector<double> found = imported.map(x);
    REQUIRE(found.size() == expected.size());
    double largest = 0.0;
    double difference = 0.0;
    for (std::size_t k = 0; k < found.size(); ++k) {
      largest = std::max(largest, std::abs(expected[k]));
      difference = std::max(difference, std::abs(expected[k] - found[k]));
    }
    CHECK(difference <= 1e-9 * largest);
  }
}
