#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <random>

#include "node_builder.h"
#include "opaline/base/error.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;
using network::Opsets;
using network::Shape;
using network::Tensor;

// What ONNX's own tests (onnx_conformance_test.cpp) leave out, worked out by hand from the definitions: older
// and newer operator sets, ai.onnx.ml, corners.
namespace {

const Tensor kSix = numbers({2, 3}, {1, 2, 3, 4, 5, 6});

void check(const Tensor& found, const Tensor& expected) {
  CHECK(found.shape == expected.shape);
  CHECK(found.values == expected.values);
}

void check_near(const Tensor& found, const Shape& shape, const Numbers& expected) {
  CHECK(found.shape == shape);
  const Numbers& values = std::get<Numbers>(found.values);
  REQUIRE(values.size() == expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) CHECK(values[i] == Approx(expected[i]).margin(1e-12));
}

}  // namespace

TEST_CASE("whole numbers are divided towards zero, as ONNX says, and stay whole") {
  check(Node("Div")(14, {integers({4}, {7, -7, 7, -7}), integers({4}, {2, 2, -2, -2})}),
        integers({4}, {3, -3, -3, 3}));
  check(Node("Neg")(13, {integers({2}, {3, -4})}), integers({2}, {-3, 4}));
  check(Node("Abs")(13, {integers({2}, {3, -4})}), integers({2}, {3, 4}));
  check(Node("Pow")(13, {integers({3}, {2, -3, 0}), integers({3}, {10, 3, 0})}),
        integers({3}, {1024, -27, 1}));
  check(Node("MatMul")(13, {integers({1, 2}, {3, 4}), integers({2, 1}, {5, 6})}), integers({1, 1}, {39}));
}

TEST_CASE("inputs broadcast in both directions") {
  check(Node("Sub")(7, {numbers({2, 1}, {10, 20}), numbers({3}, {1, 2, 3})}),
        numbers({2, 3}, {9, 8, 7, 19, 18, 17}));
  check(Node("Sum")(13, {numbers({2, 1}, {10, 20}), numbers({3}, {1, 2, 3}), numbers({}, {100})}),
        numbers({2, 3}, {111, 112, 113, 121, 122, 123}));
  check(Node("Mean")(13, {numbers({2}, {1, 2}), numbers({1}, {3})}), numbers({2}, {2, 2.5}));
  check(Node("Add")(14, {numbers({0, 1}, {}), numbers({3}, {1, 2, 3})}), numbers({0, 3}, {}));
  check(Node("Where")(9, {integers({2, 1}, {1, 0}), numbers({2}, {1, 2}), numbers({}, {9})}),
        numbers({2, 2}, {1, 2, 9, 9}));
}

TEST_CASE("casts go towards zero, to truth values by being zero") {
  const Tensor x = numbers({4}, {-1.9, 0.0, 0.5, 2.9});
  check(Node("Cast").with("to", std::int64_t{onnx::TensorProto::INT64})(13, {x}),
        integers({4}, {-1, 0, 0, 2}));
  check(Node("Cast").with("to", std::int64_t{onnx::TensorProto::BOOL})(13, {x}), integers({4}, {1, 0, 1, 1}));
  check(Node("Cast").with("to", std::int64_t{onnx::TensorProto::FLOAT})(13, {integers({1}, {3})}),
        numbers({1}, {3}));
  check(Node("CastLike")(15, {x, row({7})}), integers({4}, {-1, 0, 0, 2}));
  check(Node("CastLike")(15, {numbers({2}, {0, 1}), row({1})}), integers({2}, {0, 1}));
  CHECK(kind_of([&] { Node("CastLike")(15, {x, row({1})}); }) == ErrorKind::unsupported_model);
}

TEST_CASE("a Constant has every form of number") {
  check(Node("Constant").with("value_float", 1.5)(13, {}), numbers({}, {1.5}));
  check(Node("Constant").with("value_floats", Numbers{1.5, 2})(13, {}), numbers({2}, {1.5, 2}));
  check(Node("Constant").with("value_int", std::int64_t{-3})(13, {}), integers({}, {-3}));
  check(Node("Constant").with("value_ints", Integers{1, 2, 3})(13, {}), integers({3}, {1, 2, 3}));
  Node tensor("Constant");
  onnx::AttributeProto& value = *tensor.proto.add_attribute();
  value.set_name("value");
  value.set_type(onnx::AttributeProto::TENSOR);
  value.mutable_t()->set_data_type(onnx::TensorProto::FLOAT16);
  value.mutable_t()->add_dims(5);
  // 1, -2, the smallest number, the smallest normal number, the largest one
  for (const std::int32_t bits : {0x3C00, 0xC000, 0x0001, 0x0400, 0x7BFF})
    value.mutable_t()->add_int32_data(bits);
  check(tensor(13, {}), numbers({5}, {1, -2, 0x1p-24, 0x1p-14, 65504}));
  CHECK(kind_of([] { Node("Constant")(13, {}); }) == ErrorKind::damaged);
  CHECK(kind_of([&] { tensor.with("value_int", std::int64_t{1})(13, {}); }) == ErrorKind::damaged);
}

TEST_CASE("Shape takes a part of the dimensions from operator set 15 on") {
  const Tensor x = numbers({2, 3, 1}, {1, 2, 3, 4, 5, 6});
  check(Node("Shape")(7, {x}), row({2, 3, 1}));
  check(Node("Shape").with("start", std::int64_t{-2})(15, {x}), row({3, 1}));
  check(Node("Shape").with("start", std::int64_t{1}).with("end", std::int64_t{-9})(15, {x}), row({}));
  CHECK(kind_of([&] { Node("Shape").with("start", std::int64_t{1})(13, {x}); }) == ErrorKind::damaged);
}

TEST_CASE("Range counts in both types, up and down") {
  const auto range = [](Integers v) {
    return Node("Range")(11, {integers({}, {v[0]}), integers({}, {v[1]}), integers({}, {v[2]})});
  };
  constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
  check(range({5, -2, -3}), row({5, 2, -1}));
  check(range({1, 1, 1}), row({}));
  check(range({kLowest, kHighest, kHighest}), row({kLowest, -1, kHighest - 1}));
  check(range({kHighest, kLowest, kLowest}), row({kHighest, -1}));
  check_near(Node("Range")(11, {numbers({}, {1}), numbers({}, {2}), numbers({}, {0.3})}), {4},
             {1, 1.3, 1.6, 1.9});
}

TEST_CASE("axes, parts and bounds are attributes in old operator sets and inputs in new ones") {
  const Tensor x = numbers({1, 2, 1}, {3, 4});
  check(Node("Squeeze").with("axes", Integers{0})(11, {x}), numbers({2, 1}, {3, 4}));
  check(Node("Squeeze")(13, {x, row({-1})}), numbers({1, 2}, {3, 4}));
  check(Node("Squeeze")(13, {x}), numbers({2}, {3, 4}));
  check(Node("Unsqueeze").with("axes", Integers{0, 3})(11, {kSix}),
        numbers({1, 2, 3, 1}, {1, 2, 3, 4, 5, 6}));
  check(Node("Unsqueeze")(13, {kSix, row({-1, 0})}), numbers({1, 2, 3, 1}, {1, 2, 3, 4, 5, 6}));
  check(Node("ReduceSum").with("axes", Integers{1}).with("keepdims", std::int64_t{0})(11, {kSix}),
        numbers({2}, {6, 15}));
  check(Node("ReduceSum")(13, {kSix, row({-2})}), numbers({1, 3}, {5, 7, 9}));
  check(Node("ReduceMean").with("axes", Integers{1})(17, {kSix}), numbers({2, 1}, {2, 5}));
  check(Node("ReduceMean")(18, {kSix, row({1})}), numbers({2, 1}, {2, 5}));
  check(Node("ReduceMean")(18, {kSix}), numbers({1, 1}, {3.5}));
  check(Node("ReduceMean").with("noop_with_empty_axes", std::int64_t{1})(18, {kSix}), kSix);
  check(Node("Slice")
            .with("starts", Integers{1})
            .with("ends", Integers{99})
            .with("axes", Integers{1})(9, {kSix}),
        numbers({2, 2}, {2, 3, 5, 6}));
  check(Node("Slice")(10, {kSix, row({1}), row({99}), row({1})}), numbers({2, 2}, {2, 3, 5, 6}));
  check(Node("Pad").with("pads", Integers{0, 1, 0, -1}).with("value", 9.0)(7, {kSix}),
        numbers({2, 3}, {9, 1, 2, 9, 4, 5}));
  check(Node("Pad")(11, {kSix, row({0, 1, 0, -1}), numbers({}, {9})}), numbers({2, 3}, {9, 1, 2, 9, 4, 5}));
  check(Node("Pad")(18, {kSix, row({1, -1}), Node::left_out(), row({-1})}),
        numbers({2, 3}, {0, 1, 2, 0, 4, 5}));

  for (const auto& wrong : std::vector<std::function<void()>>{
           [&] { Node("Squeeze").with("axes", Integers{0})(13, {x}); },
           [&] {
             Node("Squeeze")(11, {x, row({0})});
           },
           [&] {
             Node("ReduceMean")(17, {kSix, row({1})});
           },
           [&] { Node("ReduceMean").with("axes", Integers{1})(18, {kSix}); },
           [&] { Node("Slice").with("starts", Integers{1}).with("ends", Integers{2})(10, {kSix}); },
           [&] {
             Node("Pad").with("pads", Integers{0, 1, 0, 1})(11, {kSix});
           },
           [&] {
             Node("Pad")(17, {kSix, row({1, 1}), Node::left_out(), row({1})});
           },
           [&] {
             Node("ReduceSum")(13, {kSix, row({0, -2})});
           }}) {
    CHECK(kind_of(wrong) == ErrorKind::damaged);
  }
}

TEST_CASE("Split shares out by sizes, equally, or with what is left at the end") {
  const Tensor x = numbers({5}, {1, 2, 3, 4, 5});
  const auto parts = [](const Node& node, std::int64_t opset, const std::vector<Tensor>& inputs) {
    std::vector<Numbers> values;
    for (const Tensor& part : node.all(opset, inputs)) values.push_back(std::get<Numbers>(part.values));
    return values;
  };
  Node split("Split");
  split.and_output("z");
  CHECK(parts(Node(split).with("split", Integers{1, 4}), 11, {x}) == std::vector<Numbers>{{1}, {2, 3, 4, 5}});
  CHECK(parts(split, 13, {x, row({5, 0})}) == std::vector<Numbers>{{1, 2, 3, 4, 5}, {}});
  CHECK(parts(Node(split).with("axis", std::int64_t{-2}), 13, {kSix}) ==
        std::vector<Numbers>{{1, 2, 3}, {4, 5, 6}});
  CHECK(parts(Node(split).with("num_outputs", std::int64_t{2}), 18, {x}) ==
        std::vector<Numbers>{{1, 2, 3}, {4, 5}});
  CHECK(kind_of([&] { split.all(13, {x}); }) == ErrorKind::unsupported_model);
  CHECK(kind_of([&] { split.all(13, {x, row({1, 1})}); }) == ErrorKind::unsupported_model);
  CHECK(kind_of([&] { split.all(18, {x}); }) == ErrorKind::damaged);
  CHECK(kind_of([&] { Node(split).with("num_outputs", std::int64_t{3}).all(18, {x}); }) ==
        ErrorKind::damaged);
}

TEST_CASE("Slice walks backwards, and bounds beyond the end are the end") {
  const Tensor x = numbers({5}, {0, 1, 2, 3, 4});
  constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
  const auto slice = [&](std::int64_t start, std::int64_t end, std::int64_t step) {
    return std::get<Numbers>(Node("Slice")(13, {x, row({start}), row({end}), row({0}), row({step})}).values);
  };
  CHECK(slice(-1, kLowest, -1) == Numbers{4, 3, 2, 1, 0});
  CHECK(slice(kHighest, 0, -2) == Numbers{4, 2});
  CHECK(slice(3, -5, -2) == Numbers{3, 1});
  CHECK(slice(kLowest, kHighest, kHighest) == Numbers{0});
  CHECK(slice(kHighest, kLowest, kLowest) == Numbers{4});
  CHECK(slice(1, kHighest, 3) == Numbers{1, 4});
  CHECK(slice(3, 3, 1) == Numbers{});
  CHECK(slice(2, 4, -1) == Numbers{});
}

TEST_CASE("Reshape copies, infers and, if told to, keeps zeros") {
  check(Node("Reshape")(13, {kSix, row({0, -1, 1})}), numbers({2, 3, 1}, {1, 2, 3, 4, 5, 6}));
  check(Node("Reshape")(7, {kSix, row({-1})}), numbers({6}, {1, 2, 3, 4, 5, 6}));
  check(Node("Reshape").with("allowzero", std::int64_t{1})(14, {numbers({0, 3}, {}), row({7, 0})}),
        numbers({7, 0}, {}));
  check(Node("Reshape")(14, {numbers({1}, {8}), row({})}), numbers({}, {8}));
  for (const Integers& wrong :
       std::vector<Integers>{{-1, -1}, {4, -1}, {0, 0, 0}, {-2, -3}, {7}, {std::int64_t{1} << 62, 4}}) {
    CHECK(kind_of([&] { Node("Reshape")(13, {kSix, row(wrong)}); }) == ErrorKind::unsupported_model);
  }
}

TEST_CASE("Flatten counts axes from either end, and one past the last") {
  const Tensor x = numbers({1, 2, 3}, {1, 2, 3, 4, 5, 6});
  const auto shape = [&](std::int64_t axis) { return Node("Flatten").with("axis", axis)(13, {x}).shape; };
  CHECK(shape(0) == Shape{1, 6});
  CHECK(shape(2) == Shape{2, 3});
  CHECK(shape(3) == Shape{6, 1});
  CHECK(shape(-1) == Shape{2, 3});
}

TEST_CASE("matrix products take vectors and stacks as NumPy does") {
  check(Node("MatMul")(13, {numbers({3}, {1, 2, 3}), numbers({3}, {4, 5, 6})}), numbers({}, {32}));
  check(Node("MatMul")(13, {kSix, numbers({3}, {1, 0, 2})}), numbers({2}, {7, 16}));
  check(Node("MatMul")(13, {numbers({2}, {1, 10}), kSix}), numbers({3}, {41, 52, 63}));
  check(Node("MatMul")(13, {numbers({2, 1, 1, 2}, {1, 2, 3, 4}), numbers({2, 2, 1}, {1, 1, 10, 20})}),
        numbers({2, 2, 1, 1}, {3, 50, 7, 110}));
  check(Node("Gemm")
            .with("alpha", 2.0)
            .with("beta", 0.5)
            .with("transA", std::int64_t{1})(11, {kSix, numbers({2, 1}, {1, 10}), numbers({}, {4})}),
        numbers({3, 1}, {84, 106, 128}));
  CHECK(kind_of([] { Node("MatMul")(13, {kSix, kSix}); }) == ErrorKind::unsupported_model);
  CHECK(kind_of([] {
          Node("Gemm")(13, {kSix, numbers({3, 1}, {1, 1, 1}), numbers({3}, {1, 1, 1})});
        }) == ErrorKind::unsupported_model);
}

TEST_CASE("a convolution of groups, steps, gaps and uneven pads") {
  // Two channels that have nothing to do with each other.
  const Tensor x = numbers({1, 2, 4}, {1, 2, 3, 4, 10, 20, 30, 40});
  const Tensor w = numbers({2, 1, 2}, {1, -1, 2, 1});
  check(Node("Conv")
            .with("group", std::int64_t{2})
            .with("strides", Integers{2})
            .with("pads", Integers{1, 0})(11, {x, w, numbers({2}, {100, 0})}),
        numbers({1, 2, 2}, {99, 99, 10, 70}));
  check(Node("Conv").with("group", std::int64_t{2}).with("dilations", Integers{3})(11, {x, w}),
        numbers({1, 2, 1}, {-3, 60}));
  const auto same = [&](const char* where) {
    return Node("Conv").with("auto_pad", where)(11,
                                                {numbers({1, 1, 3}, {1, 2, 3}), numbers({1, 1, 2}, {1, 1})});
  };
  check(same("SAME_UPPER"), numbers({1, 1, 3}, {3, 5, 3}));
  check(same("SAME_LOWER"), numbers({1, 1, 3}, {1, 3, 5}));
  check(same("VALID"), numbers({1, 1, 2}, {3, 5}));
}

TEST_CASE("a transposed convolution of a size that is asked for cuts an odd rest where the definition says") {
  const Tensor x = numbers({1, 1, 2}, {1, 2});
  const Tensor w = numbers({1, 1, 3}, {1, 10, 100});
  // Whole: 1 10 102 20 200
  const auto sized = [&](const char* where) {
    return Node("ConvTranspose")
        .with("strides", Integers{2})
        .with("output_shape", Integers{4})
        .with("auto_pad", where)(11, {x, w});
  };
  check(Node("ConvTranspose").with("strides", Integers{2})(11, {x, w}),
        numbers({1, 1, 5}, {1, 10, 102, 20, 200}));
  check(sized("NOTSET"), numbers({1, 1, 4}, {10, 102, 20, 200}));
  check(sized("SAME_LOWER"), numbers({1, 1, 4}, {10, 102, 20, 200}));
  check(sized("SAME_UPPER"), numbers({1, 1, 4}, {1, 10, 102, 20}));
  check(Node("ConvTranspose")
            .with("strides", Integers{2})
            .with("output_padding", Integers{1})
            .with("pads", Integers{1, 1})(11, {x, w, numbers({1}, {0.5})}),
        numbers({1, 1, 4}, {10.5, 102.5, 20.5, 200.5}));
}

TEST_CASE("a transposed convolution is the transpose of the convolution") {
  // <Conv(x), y> = <x, ConvTranspose(y)> for all steps, gaps, pads and groups.
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same cases every time
  std::uniform_real_distribution<double> uniform(-1.0, 1.0);
  const auto drawn = [&](Shape shape) {
    Numbers values(network::element_count(shape));
    for (double& value : values) value = uniform(random);
    return numbers(std::move(shape), std::move(values));
  };
  const auto inner = [](const Tensor& a, const Tensor& b) {
    REQUIRE(a.shape == b.shape);
    const Numbers& x = std::get<Numbers>(a.values);
    const Numbers& y = std::get<Numbers>(b.values);
    return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
  };
  const auto up_to = [&](std::int64_t most) { return static_cast<std::int64_t>(random()) % most + 1; };
  for (int round = 0; round < 50; ++round) {
    const std::int64_t groups = up_to(3);
    const Integers strides{up_to(3), up_to(3)};
    const Integers dilations{up_to(2), up_to(2)};
    const Integers pads{up_to(3) - 1, up_to(3) - 1, up_to(3) - 1, up_to(3) - 1};
    const auto size = [](std::int64_t n) { return static_cast<std::size_t>(n); };
    const Tensor x = drawn({2, size(2 * groups), size(6 + up_to(4)), size(6 + up_to(4))});
    const Tensor w = drawn({size(3 * groups), 2, size(up_to(3)), size(up_to(3))});
    const auto with_all = [&](Node node) {
      return node.with("group", groups)
          .with("strides", strides)
          .with("dilations", dilations)
          .with("pads", pads);
    };
    const Tensor image = with_all(Node("Conv"))(11, {x, w});
    const Tensor y = drawn(image.shape);
    // What the last step of the convolution leaves over comes back as output padding.
    Integers rest;
    for (std::size_t axis = 0; axis < 2; ++axis) {
      const auto whole = static_cast<std::int64_t>(x.shape[2 + axis]) + pads[axis] + pads[2 + axis];
      const auto window = (static_cast<std::int64_t>(w.shape[2 + axis]) - 1) * dilations[axis] + 1;
      rest.push_back((whole - window) % strides[axis]);
    }
    const Tensor back = with_all(Node("ConvTranspose")).with("output_padding", rest)(11, {y, w});
    CHECK(inner(image, y) == Approx(inner(x, back)).margin(1e-9));
  }
}

TEST_CASE("averages count pads if told to, and never what lies beyond them") {
  const Tensor x = numbers({1, 1, 4}, {1, 2, 3, 4});
  const auto pool = [](std::int64_t kernel, std::int64_t stride) {
    return Node("AveragePool").with("kernel_shape", Integers{kernel}).with("strides", Integers{stride});
  };
  check(pool(3, 2).with("ceil_mode", std::int64_t{1})(10, {x}), numbers({1, 1, 2}, {2, 3.5}));
  check_near(pool(3, 3).with("pads", Integers{1, 1}).with("count_include_pad", std::int64_t{1})(7, {x}),
             {1, 1, 2}, {1, 7.0 / 3});
  check(pool(3, 3).with("pads", Integers{1, 1})(7, {x}), numbers({1, 1, 2}, {1.5, 3.5}));
  // 0 1 2 3 and 3 4 0: the second window reaches one beyond the pads.
  check(pool(4, 3)
            .with("pads", Integers{1, 1})
            .with("count_include_pad", std::int64_t{1})
            .with("ceil_mode", std::int64_t{1})(10, {x}),
        numbers({1, 1, 2}, {1.5, 7.0 / 3}));
  // A last window that would begin in the pads is left away.
  check(pool(1, 4).with("pads", Integers{0, 1}).with("ceil_mode", std::int64_t{1})(10, {x}),
        numbers({1, 1, 1}, {1}));
  check(Node("AveragePool").with("kernel_shape", Integers{2}).with("dilations", Integers{2})(19, {x}),
        numbers({1, 1, 2}, {2, 3}));
  CHECK(kind_of([&] { pool(2, 1).with("dilations", Integers{2})(18, {x}); }) == ErrorKind::damaged);
  CHECK(kind_of([&] { pool(1, 1).with("pads", Integers{1, 0})(11, {x}); }) == ErrorKind::unsupported_model);
  check(Node("GlobalAveragePool")(7, {numbers({1, 2, 2, 1}, {1, 2, 3, 5})}), numbers({1, 2, 1, 1}, {1.5, 4}));
}

TEST_CASE("normalisation is by channel") {
  const std::vector<Tensor> inputs{numbers({1, 2, 2}, {1, 2, 3, 4}), numbers({2}, {2, 3}),
                                   numbers({2}, {10, 20}), numbers({2}, {1, 1}), numbers({2}, {3, 8})};
  check(Node("BatchNormalization").with("epsilon", 1.0)(9, inputs), numbers({1, 2, 2}, {10, 11, 22, 23}));
  CHECK(kind_of([&] { Node("BatchNormalization").with("training_mode", std::int64_t{1})(14, inputs); }) ==
        ErrorKind::unsupported_model);
  CHECK(kind_of([&] { Node("BatchNormalization").with("spatial", std::int64_t{0})(7, inputs); }) ==
        ErrorKind::unsupported_model);
  CHECK(kind_of([&] { Node("BatchNormalization").and_output("mean")(7, inputs); }) ==
        ErrorKind::unsupported_model);
}

TEST_CASE("Dropout drops nothing in inference") {
  const std::vector<Tensor> outputs = Node("Dropout").and_output("mask").all(13, {kSix});
  check(outputs.at(0), kSix);
  check(outputs.at(1), integers({2, 3}, {1, 1, 1, 1, 1, 1}));
  CHECK(kind_of([] {
          Node("Dropout")(13, {kSix, numbers({}, {0.5}), integers({}, {1})});
        }) == ErrorKind::unsupported_model);
  check(Node("Dropout")(13, {kSix, numbers({}, {0.5}), integers({}, {0})}), kSix);
}

TEST_CASE("Softmax took all axes behind its own together before operator set 13") {
  const Tensor x = numbers({1, 2, 2}, {0, 0, 0, std::log(5.0)});
  check_near(Node("Softmax")(12, {x}), {1, 2, 2}, {0.125, 0.125, 0.125, 0.625});
  check_near(Node("Softmax")(13, {x}), {1, 2, 2}, {0.5, 0.5, 1.0 / 6, 5.0 / 6});
  check_near(Node("LogSoftmax").with("axis", std::int64_t{1})(13, {numbers({1, 2}, {1000, 1000})}), {1, 2},
             {-std::log(2.0), -std::log(2.0)});
  check(Node("ArgMax")
            .with("axis", std::int64_t{1})
            .with("keepdims", std::int64_t{0})(13, {numbers({2, 3}, {1, 7, 7, 3, 2, 1})}),
        integers({2}, {1, 0}));
}

TEST_CASE("gathers count from either end") {
  check(Node("Gather").with("axis", std::int64_t{1})(11, {kSix, integers({1, 2}, {-1, 0})}),
        numbers({2, 1, 2}, {3, 1, 6, 4}));
  check(Node("Gather")(11, {kSix, integers({}, {1})}), numbers({3}, {4, 5, 6}));
  check(Node("GatherElements").with("axis", std::int64_t{1})(11, {kSix, integers({2, 1}, {-1, 1})}),
        numbers({2, 1}, {3, 5}));
  check(Node("GatherND")(11, {kSix, integers({2, 2}, {0, 2, -1, 0})}), numbers({2}, {3, 4}));
  check(Node("GatherND").with("batch_dims", std::int64_t{1})(12, {kSix, integers({2, 1}, {2, 0})}),
        numbers({2}, {3, 4}));
  for (const std::int64_t outside :
       {std::int64_t{3}, std::int64_t{-4}, std::numeric_limits<std::int64_t>::min()}) {
    CHECK(kind_of([&] {
            Node("Gather").with("axis", std::int64_t{1})(11, {kSix, row({outside})});
          }) == ErrorKind::unsupported_model);
  }
}

TEST_CASE("scalers and linear models of ai.onnx.ml") {
  const std::string domain = "ai.onnx.ml";
  check(Node("Scaler", domain).with("offset", Numbers{1, 2, 3}).with("scale", Numbers{2})(13, {kSix}),
        numbers({2, 3}, {0, 0, 0, 6, 6, 6}));
  const Node regressor = Node("LinearRegressor", domain)
                             .with("coefficients", Numbers{1, 2, 3, 0, 0, 1})
                             .with("targets", std::int64_t{2});
  check(regressor(13, {kSix}), numbers({2, 2}, {14, 3, 32, 6}));
  check(Node(regressor).with("intercepts", Numbers{100, 200})(13, {integers({3}, {1, 2, 3})}),
        numbers({1, 2}, {114, 203}));

  // The scores as they are before post_transform, and where the largest is.
  const auto three = Node("LinearClassifier", domain)
                         .with("coefficients", Numbers{1, 0, 0, 0, 1, 0, 0, 0, 1})
                         .with("intercepts", Numbers{0, 10, 2})
                         .with("classlabels_ints", Integers{7, 8, 9})
                         .with("post_transform", "SOFTMAX")
                         .and_output("scores")
                         .all(13, {kSix});
  check(three.at(0), integers({2}, {1, 1}));
  check(three.at(1), numbers({2, 3}, {1, 12, 5, 4, 15, 8}));
  const auto two = Node("LinearClassifier", domain)
                       .with("coefficients", Numbers{1, 0, 0})
                       .with("intercepts", Numbers{-2})
                       .with("classlabels_ints", Integers{0, 1})
                       .with("post_transform", "LOGISTIC")
                       .and_output("scores")
                       .all(13, {kSix});
  check(two.at(0), integers({2}, {0, 1}));
  check(two.at(1), numbers({2, 1}, {-1, 2}));
  CHECK(kind_of([&] {
          Node("LinearRegressor", domain).with("coefficients", Numbers{1, 2})(13, {kSix});
        }) == ErrorKind::damaged);
  CHECK(kind_of([&] { Node(regressor).with("post_transform", "PROBIT")(13, {kSix}); }) ==
        ErrorKind::unsupported_model);
}

namespace {

/// x → Neg → n → Add c → a → Shape → s → Mystery → m
onnx::GraphProto chain() {
  onnx::GraphProto graph;
  onnx::TensorProto& c = *graph.add_initializer();
  c.set_name("c");
  c.set_data_type(onnx::TensorProto::FLOAT);
  c.add_dims(1);
  c.add_float_data(0.5F);
  const auto node = [&](const char* type, const std::vector<std::string>& inputs, const char* output) {
    onnx::NodeProto& added = *graph.add_node();
    added.set_op_type(type);
    for (const std::string& input : inputs) added.add_input(input);
    added.add_output(output);
  };
  node("Neg", {"x"}, "n");
  node("Add", {"n", "c"}, "a");
  node("Shape", {"a"}, "s");
  node("Mystery", {"s"}, "m");
  return graph;
}

}  // namespace

TEST_CASE("a graph is evaluated up to the tensor that is asked for") {
  const Opsets opsets{13, 0};
  const onnx::GraphProto graph = chain();
  const auto known = network::evaluate_graph(graph, opsets, "x", kSix, "s");
  check(*known.at("a"), numbers({2, 3}, {-0.5, -1.5, -2.5, -3.5, -4.5, -5.5}));
  check(*known.at("s"), row({2, 3}));
  CHECK(known.size() == 5);
  CHECK(network::evaluate_graph(graph, opsets, "x", kSix, "x").size() == 1);
  const auto error = error_of([&] { network::evaluate_graph(graph, opsets, "x", kSix, "m"); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::unsupported_model);
  CHECK_THAT(error->what(), Catch::Contains("\"Mystery\"") && Catch::Contains("\"m\""));
}

TEST_CASE("a graph that uses what is not there, or makes a tensor twice, is refused") {
  const Opsets opsets{13, 0};
  const auto kind = [&](const onnx::GraphProto& graph) {
    return kind_of([&] { network::evaluate_graph(graph, opsets, "x", kSix, "s"); });
  };
  onnx::GraphProto unsorted = chain();
  unsorted.mutable_node()->SwapElements(0, 1);
  CHECK(kind(unsorted) == ErrorKind::unsupported_model);
  onnx::GraphProto twice = chain();
  twice.mutable_node(1)->set_output(0, "n");
  CHECK(kind(twice) == ErrorKind::damaged);
  onnx::GraphProto over_initialiser = chain();
  over_initialiser.mutable_node(0)->set_output(0, "c");
  CHECK(kind(over_initialiser) == ErrorKind::damaged);
  CHECK(kind_of([&] {
          network::evaluate_graph(chain(), {6, 0}, "x", kSix, "s");
        }) == ErrorKind::unsupported_model);
  CHECK(kind_of([&] {
          network::evaluate_graph(chain(), {22, 0}, "x", kSix, "s");
        }) == ErrorKind::unsupported_model);
}
