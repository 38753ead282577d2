#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "node_builder.h"
#include "opaline/base/error.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;
using network::Shape;
using network::Tensor;

// Nodes that nobody wrote in good faith: they end in an Error, in little time and memory.
namespace {

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kHuge = std::int64_t{1} << 62;
constexpr std::int64_t kTooMany = (std::int64_t{1} << 26) + 1;

const Tensor kSix = numbers({2, 3}, {1, 2, 3, 4, 5, 6});
const Tensor kImage = numbers({1, 1, 3}, {1, 2, 3});
const Tensor kWeights = numbers({1, 1, 2}, {1, 1});

void refused(const std::function<void()>& action) { CHECK(kind_of(action) == ErrorKind::unsupported_model); }
void damaged(const std::function<void()>& action) { CHECK(kind_of(action) == ErrorKind::damaged); }

}  // namespace

TEST_CASE("results of absurd sizes are refused before they are made") {
  for (const std::int64_t size : {kHuge, kHighest, kTooMany, std::int64_t{-1}, kLowest}) {
    CAPTURE(size);
    refused([&] { Node("ConstantOfShape")(13, {row({size})}); });
    refused([&] { Node("Expand")(13, {numbers({1}, {1}), row({size})}); });
    refused([&] { Node("Tile")(13, {numbers({1}, {1}), row({size})}); });
    refused([&] { Node("Reshape")(13, {numbers({1}, {1}), row({size, 1, -1})}); });
    refused([&] { Node("Pad")(13, {numbers({1}, {1}), row({size, -1})}); });
    refused([&] { Node("Pad")(13, {numbers({1}, {1}), row({-1, size})}); });
  }
  refused([] { Node("ConstantOfShape")(13, {row({kHuge, 4})}); });
  refused([] { Node("ConstantOfShape")(13, {row({0, 1 << 20, 1 << 20})}); });
  refused([] { Node("ConstantOfShape")(13, {row(Integers(33, 1))}); });
  refused([] { Node("Range")(13, {integers({}, {kLowest}), integers({}, {kHighest}), integers({}, {1})}); });
  refused([] { Node("Range")(13, {integers({}, {0}), integers({}, {1}), integers({}, {0})}); });
  refused([] { Node("Range")(13, {numbers({}, {0}), numbers({}, {1e300}), numbers({}, {1e-300})}); });
  refused([] { Node("Range")(13, {numbers({}, {0}), numbers({}, {0}), numbers({}, {0})}); });
  // A column and a row that are small, their sum that is not.
  const Tensor column = numbers({1 << 14, 1}, Numbers(1 << 14));
  const Tensor line = numbers({1, 1 << 14}, Numbers(1 << 14));
  refused([&] { Node("Add")(13, {column, line}); });
  refused([&] { Node("MatMul")(13, {column, line}); });
  refused([&] { Node("Gemm")(13, {column, line}); });
  // No tensor that is too large itself is read.
  refused([] { Node("Shape")(13, {numbers({std::size_t{1} << 60, 0}, {})}); });
  refused([] { Node("Squeeze")(13, {numbers(Shape(1000, 1), {1})}); });
}

TEST_CASE("work that would never end is refused before it is begun") {
  // A window of 2^26 elements at 2^24 places.
  refused([] {
    Node("AveragePool")
        .with("kernel_shape", Integers{8192, 8192})
        .with("pads", Integers{8191, 8191, 4096, 4096})(11, {numbers({1, 1, 1, 1}, {1})});
  });
  refused([] {
    const std::size_t side = 1 << 13;
    const Tensor tall = numbers({side, 1025}, Numbers(side * 1025));
    Node("Gemm").with("transB", std::int64_t{1})(13, {tall, tall});
  });
}

TEST_CASE("attributes that contradict each other, or the operator, are refused") {
  const auto conv = [] { return Node("Conv"); };
  for (const std::string type : {"Conv", "ConvTranspose"}) {
    CAPTURE(type);
    for (const char* const name : {"strides", "dilations", "pads", "kernel_shape"}) {
      CAPTURE(name);
      for (const Integers& wrong :
           std::vector<Integers>{{}, {1, 1, 1}, {-1, -1}, {kLowest}, {kHighest}, {kHuge, kHuge}}) {
        damaged([&] { Node(type).with(name, wrong)(11, {kImage, kWeights}); });
      }
    }
    damaged([&] { Node(type).with("strides", Integers{0})(11, {kImage, kWeights}); });
    damaged([&] { Node(type).with("auto_pad", "SAME")(11, {kImage, kWeights}); });
    damaged([&] {
      Node(type).with("auto_pad", "VALID").with("pads", Integers{0, 1})(11, {kImage, kWeights});
    });
    for (const std::int64_t groups : {kLowest, std::int64_t{0}, std::int64_t{2}, kHighest}) {
      refused([&] { Node(type).with("group", groups)(11, {kImage, kWeights}); });
    }
    refused([&] { Node{type}(11, {kSix, kWeights}); });
    refused([&] { Node{type}(11, {kImage, kSix}); });
    refused([&] { Node{type}(11, {kImage, kWeights, numbers({2}, {1, 1})}); });
    refused([&] { Node{type}(11, {kImage, numbers({1, 1, 0}, {})}); });
    refused([&] { Node{type}(11, {row({1, 2}), kWeights}); });
  }
  refused([&] { conv()(11, {kImage, numbers({1, 1, 4}, {1, 1, 1, 1})}); });
  damaged([&] { conv().with("strides", std::int64_t{1})(11, {kImage, kWeights}); });
  damaged([&] {
    conv().with("group", std::int64_t{1}).with("group", std::int64_t{1})(11, {kImage, kWeights});
  });
  refused([&] { conv().with("activation", "Relu")(11, {kImage, kWeights}); });
  damaged([&] { Node("Concat")(13, {kSix, kSix}); });
  damaged([&] { Node("Transpose").with("perm", Integers{0, 0})(13, {kSix}); });
  refused([&] { Node("Transpose").with("perm", Integers{0, 2})(13, {kSix}); });
  refused([&] { Node("Transpose").with("perm", Integers{0})(13, {kSix}); });
}

TEST_CASE("axes, indices and steps outside their tensor are refused") {
  for (const std::int64_t axis : {std::int64_t{2}, std::int64_t{-3}, kLowest, kHighest}) {
    CAPTURE(axis);
    for (const std::string type : {"Gather", "GatherElements"}) {
      refused([&] { Node(type).with("axis", axis)(13, {kSix, integers({1, 1}, {0})}); });
    }
    for (const std::string type : {"Concat", "Split", "Softmax", "LogSoftmax", "ArgMax"}) {
      refused([&] { Node(type).with("axis", axis)(13, {kSix}); });
    }
    for (const std::string type : {"Squeeze", "ReduceSum"})
      refused([&] { Node{type}(13, {kSix, row({axis})}); });
  }
  for (const std::int64_t axis : {std::int64_t{3}, std::int64_t{-4}, kLowest, kHighest}) {
    refused([&] { Node("Unsqueeze")(13, {kSix, row({axis})}); });
    refused([&] { Node("Flatten").with("axis", axis)(13, {kSix}); });
  }
  refused([] { Node("Slice")(13, {kSix, row({0}), row({1}), row({0}), row({0})}); });
  damaged([] { Node("Slice")(13, {kSix, row({0}), row({1}), row({0, 1})}); });
  damaged([] { Node("Slice")(13, {kSix, row({0, 0}), row({1, 1}), row({1, -1})}); });
  damaged([] { Node("Slice")(13, {kSix, row({0, 0, 0}), row({1, 1, 1})}); });
  refused([] { Node("GatherND")(13, {kSix, integers({1, 3}, {0, 0, 0})}); });
  refused([] { Node("GatherND")(13, {kSix, integers({1, 1}, {2})}); });
  refused([] {
    Node("GatherND").with("batch_dims", std::int64_t{2})(13, {kSix, integers({2, 3, 1}, Integers(6))});
  });
  refused([] { Node("GatherND").with("batch_dims", kHighest)(13, {kSix, integers({1, 1}, {0})}); });
  refused([] { Node("GatherND")(13, {kSix, integers({}, {0})}); });
  refused([] { Node("GatherElements")(13, {kSix, integers({1, 4}, Integers(4))}); });
}

TEST_CASE("whole numbers never wrap around") {
  const auto pair = [](const char* type, std::int64_t a, std::int64_t b) {
    Node{type}(13, {integers({}, {a}), integers({}, {b})});
  };
  refused([&] { pair("Add", kHighest, 1); });
  refused([&] { pair("Sub", kLowest, 1); });
  refused([&] { pair("Mul", kHuge, 2); });
  refused([&] { pair("Div", kLowest, -1); });
  refused([&] { pair("Div", 1, 0); });
  refused([&] { pair("Pow", 3, kHighest); });
  refused([&] { pair("Pow", 2, -1); });
  refused([] { Node("Neg")(13, {integers({}, {kLowest})}); });
  refused([] { Node("Abs")(13, {integers({}, {kLowest})}); });
  refused([] { Node("ReduceSum")(13, {row({kHighest, 1})}); });
  refused([] { Node("MatMul")(13, {row({kHuge, kHuge}), row({1, 1})}); });
  const Node cast = Node("Cast").with("to", std::int64_t{onnx::TensorProto::INT64});
  for (const double wrong : {0x1p63, -0x1.1p63, HUGE_VAL, std::nan("")}) {
    refused([&] { cast(13, {numbers({}, {wrong})}); });
  }
  CHECK(std::get<Integers>(cast(13, {numbers({}, {-0x1p63})}).values) == Integers{kLowest});
  refused([] { Node("Cast").with("to", std::int64_t{onnx::TensorProto::UINT8})(13, {row({256})}); });
  refused([] { Node("Cast").with("to", std::int64_t{onnx::TensorProto::STRING})(13, {row({1})}); });
  damaged([] { Node("Cast")(13, {row({1})}); });
}

TEST_CASE("inputs that are missing, too many or of another type are refused") {
  refused([] { Node("Add")(13, {kSix}); });
  refused([] { Node("Add")(13, {kSix, Node::left_out()}); });
  refused([] { Node("Neg")(13, {kSix, kSix}); });
  refused([] { Node("Add")(13, {kSix, row({1})}); });
  refused([] { Node("Sqrt")(13, {row({1})}); });
  refused([] { Node("Concat").with("axis", std::int64_t{0})(13, {numbers({1}, {1}), row({1})}); });
  refused([] { Node("Reshape")(13, {kSix, integers({1, 1}, {6})}); });
  refused([] { Node("Reshape")(13, {kSix, numbers({1}, {6})}); });
  refused([] { Node("Where")(13, {kSix, kSix, kSix}); });
  refused([] { Node("Identity", "com.example")(13, {kSix}); });
  refused([] { Node("Scaler")(13, {kSix}); });
  Node silent("Identity");
  silent.proto.clear_output();
  refused([&] { silent.all(13, {kSix}); });
}

TEST_CASE("errors name the node, its operator and its output") {
  Node node("Add");
  node.proto.set_name("sum\n1");
  const auto error = error_of([&] { node(13, {kSix, numbers({4}, Numbers(4))}); });
  REQUIRE(error);
  const std::string text = error->what();
  CHECK_THAT(text, Catch::Contains("\"sum?1\"") && Catch::Contains("\"Add\"") && Catch::Contains("\"y\"") &&
                       Catch::Contains("2x3") && Catch::Contains("4"));
  CHECK(text.find('\n') == std::string::npos);
}

namespace {

/// A node with inputs that fit it.
struct Sample {
  Node node;
  std::int64_t opset;
  std::vector<Tensor> inputs;
};

std::vector<Sample> samples() {
  const Tensor image = numbers({1, 2, 3, 3}, Numbers(18, 1.0));
  const Tensor weights = numbers({2, 2, 2, 2}, Numbers(16, 1.0));
  const Node window = Node("")
                          .with("strides", Integers{1, 2})
                          .with("pads", Integers{1, 0, 1, 0})
                          .with("dilations", Integers{1, 1})
                          .with("kernel_shape", Integers{2, 2});
  const auto sliding = [&](const char* type) {
    Node node = window;
    node.proto.set_op_type(type);
    return node;
  };
  Node split("Split");
  split.and_output("z");
  return {
      {sliding("Conv").with("group", std::int64_t{1}), 11, {image, weights, numbers({2}, {1, 2})}},
      {sliding("ConvTranspose").with("output_padding", Integers{0, 1}), 11, {image, weights}},
      {sliding("ConvTranspose").with("output_shape", Integers{4, 5}), 11, {image, weights}},
      {sliding("AveragePool").with("ceil_mode", std::int64_t{1}), 19, {image}},
      {Node("Slice"), 13, {image, row({0, 1}), row({2, 3}), row({1, -1}), row({1, -2})}},
      {Node("Slice").with("starts", Integers{1, 0}).with("ends", Integers{2, 2}), 9, {image}},
      {Node("Pad"), 18, {image, row({1, -1, 0, 1}), numbers({}, {3}), row({2, 3})}},
      {Node("Reshape").with("allowzero", std::int64_t{0}), 14, {image, row({0, -1, 3})}},
      {Node("Squeeze"), 13, {image, row({0})}},
      {Node("Unsqueeze"), 13, {image, row({0, 2})}},
      {Node("Transpose").with("perm", Integers{3, 1, 0, 2}), 13, {image}},
      {Node("Expand"), 13, {numbers({3, 1}, {1, 2, 3}), row({2, 3, 4})}},
      {Node("Tile"), 13, {image, row({1, 2, 1, 0})}},
      {Node("Concat").with("axis", std::int64_t{1}), 13, {image, image}},
      {Node(split).with("axis", std::int64_t{2}), 13, {image, row({1, 2})}},
      {Node(split).with("axis", std::int64_t{1}).with("num_outputs", std::int64_t{2}), 18, {image}},
      {Node("Gather").with("axis", std::int64_t{2}), 13, {image, integers({2, 1}, {0, -1})}},
      {Node("GatherElements").with("axis", std::int64_t{1}),
       13,
       {image, integers({1, 1, 2, 2}, {0, 1, 0, 1})}},
      {Node("GatherND").with("batch_dims", std::int64_t{1}), 13, {image, integers({1, 2, 2}, {0, 1, 1, 2})}},
      {Node("Flatten").with("axis", std::int64_t{2}), 13, {image}},
      {Node("Shape").with("start", std::int64_t{1}).with("end", std::int64_t{-1}), 15, {image}},
      {Node("ConstantOfShape"), 13, {row({2, 0, 3})}},
      {Node("Range"), 13, {integers({}, {0}), integers({}, {10}), integers({}, {3})}},
      {Node("ReduceSum").with("keepdims", std::int64_t{0}), 13, {image, row({1, 3})}},
      {Node("ReduceMean").with("axes", Integers{2, 3}), 13, {image}},
      {Node("Softmax").with("axis", std::int64_t{1}), 11, {image}},
      {Node("ArgMax").with("axis", std::int64_t{3}), 13, {image}},
      {Node("Gemm").with("transB", std::int64_t{1}), 13, {kSix, kSix}},
  };
}

std::int64_t small_or_absurd(std::mt19937& random) {
  constexpr std::int64_t kAbsurd[] = {kLowest, kLowest + 1, -kHuge, kHuge, kHighest, 1LL << 31};
  if (random() % 4 == 0) return kAbsurd[random() % std::size(kAbsurd)];
  return static_cast<std::int64_t>(random() % 9) - 4;
}

/// Replaces one whole number of the attributes or inputs, or a dimension of an input (emptying it if need
/// be).
void spoil(Sample& sample, std::mt19937& random) {
  const auto attributes = static_cast<std::size_t>(sample.node.proto.attribute_size());
  const std::size_t target = random() % (attributes + sample.inputs.size());
  if (target < attributes) {
    onnx::AttributeProto& attribute = *sample.node.proto.mutable_attribute(static_cast<int>(target));
    if (attribute.ints_size() > 0) {
      attribute.set_ints(static_cast<int>(random() % static_cast<unsigned>(attribute.ints_size())),
                         small_or_absurd(random));
    } else {
      attribute.set_i(small_or_absurd(random));
    }
    return;
  }
  Tensor& input = sample.inputs[target - attributes];
  if (auto* const values = std::get_if<Integers>(&input.values); values != nullptr && !values->empty()) {
    (*values)[random() % values->size()] = small_or_absurd(random);
  } else if (!input.shape.empty()) {
    input.shape[random() % input.shape.size()] = random() % 4;
    std::get<Numbers>(input.values).resize(network::element_count(input.shape));
  }
}

}  // namespace

TEST_CASE("the nodes that the damage is done to are sound") {
  for (const Sample& sample : samples()) {
    CAPTURE(sample.node.proto.op_type());
    CHECK_NOTHROW(sample.node.all(sample.opset, sample.inputs));
  }
}

TEST_CASE("nodes with small or absurd numbers in the wrong places are computed or refused, never worse") {
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same damage every time
  std::size_t refusals = 0;
  std::size_t results = 0;
  for (int round = 0; round < 2000; ++round) {
    for (Sample sample : samples()) {
      const std::size_t changes = 1 + random() % 2;
      for (std::size_t i = 0; i < changes; ++i) spoil(sample, random);
      try {
        for (const Tensor& output : sample.node.all(sample.opset, sample.inputs)) {
          const std::size_t count = std::visit([](const auto& v) { return v.size(); }, output.values);
          if (count != network::element_count(output.shape)) FAIL(sample.node.proto.ShortDebugString());
        }
        ++results;
      } catch (const Error&) {
        ++refusals;
      }
    }
  }
  CHECK(refusals > 10000);
  CHECK(results > 10000);
}
