#include <catch2/catch.hpp>

#include <cmath>
#include <functional>
#include <limits>

#include "network_builder.h"
#include "opaline/base/error.h"
#include "opaline/model/onnx_network.h"

using namespace opaline;
using opaline::test::NetworkBuilder;

namespace {

/// The error of an import, which has to be of that kind and open with the file's name.
std::string error_of(const Bytes& file, ErrorKind kind = ErrorKind::unsupported_model) {
  try {
    import_onnx(file, "net.onnx");
  } catch (const Error& error) {
    CHECK(error.kind() == kind);
    std::string text = error.what();
    CHECK(text.rfind("net.onnx: ", 0) == 0);
    CHECK(text.find('\n') == std::string::npos);
    return text;
  }
  FAIL_CHECK("accepted");
  return {};
}

std::string error_of(const NetworkBuilder& network, ErrorKind kind = ErrorKind::unsupported_model) {
  return error_of(network.bytes(), kind);
}

using Catch::Contains;

/// A field of a protobuf message with these contents.
Bytes wire_field(unsigned number, const Bytes& contents) {
  Bytes field;
  const auto varint = [&](std::size_t value) {
    for (; value >= 128; value >>= 7U) field.push_back(static_cast<std::uint8_t>(value | 128U));
    field.push_back(static_cast<std::uint8_t>(value));
  };
  varint(number << 3U | 2U);
  varint(contents.size());
  field.insert(field.end(), contents.begin(), contents.end());
  return field;
}

/// So many empty ones of a number below 16.
Bytes empty_fields(unsigned number, std::size_t count) {
  Bytes fields(2 * count);
  for (std::size_t i = 0; i < count; ++i) fields[2 * i] = static_cast<std::uint8_t>(number << 3U | 2U);
  return fields;
}

/// x (N x 2) through one node of two inputs, the second one a constant "c".
NetworkBuilder with_constant(const std::string& type, const std::vector<std::int64_t>& dims,
                             const std::vector<float>& values) {
  NetworkBuilder network({2});
  network.numbers("c", dims, values);
  network.node(type, {"x", "c"}, "y");
  return network;
}

}  // namespace

TEST_CASE("an activation in the middle is refused by node, operator and output, with what would help") {
  NetworkBuilder network({2});
  network.node("Relu", {"x"}, "hidden").set_name("act1");
  network.node("Identity", {"hidden"}, "y");
  const std::string text = error_of(network);
  CHECK_THAT(text, Contains("\"act1\"") && Contains("\"Relu\"") && Contains("\"hidden\""));
  CHECK_THAT(text, Contains("put the identity in its place and train the network again"));
}

TEST_CASE("an activation at the end is the client's to apply") {
  NetworkBuilder network({2});
  network.node("Identity", {"x"}, "h");
  network.node("Relu", {"h"}, "y");
  const std::string text = error_of(network);
  CHECK_THAT(text, Contains("node 2 ") && Contains("\"Relu\""));
  CHECK_THAT(text, Contains("let the client apply it"));
}

TEST_CASE("other operators are refused with what would help") {
  for (const auto& [type, help] :
       std::vector<std::pair<std::string, std::string>>{{"MaxPool", "AveragePool"},
                                                        {"LayerNormalization", "BatchNormalization"},
                                                        {"InstanceNormalization", "BatchNormalization"},
                                                        {"QLinearConv", "float network"},
                                                        {"QuantizeLinear", "float network"},
                                                        {"ReduceMax", "ReduceMean"},
                                                        {"If", "without"},
                                                        {"Loop", "without"},
                                                        {"Clip", "identity"},
                                                        {"LSTM", "recurrent"}}) {
    CAPTURE(type);
    NetworkBuilder network({2, 3, 3});
    network.node(type, {"x"}, "h");
    network.node("Identity", {"h"}, "y");
    CHECK_THAT(error_of(network), Contains(help) && Contains(type));
  }
}

TEST_CASE("a monotone node that is not the last one is refused") {
  for (const std::string type : {"Softmax", "LogSoftmax", "Sigmoid", "ArgMax"}) {
    CAPTURE(type);
    NetworkBuilder network({2});
    onnx::NodeProto& node = network.node(type, {"x"}, "hidden");
    if (type == "ArgMax") NetworkBuilder::attribute(node, "axis", std::int64_t{1});
    network.node("Sub", {"x", "hidden"}, "y");
    const std::string text = error_of(network);
    CHECK_THAT(text, Contains("last node") && Contains("\"" + type + "\"") && Contains("\"y\""));
  }
}

TEST_CASE("operators nobody knows are refused with the list of those known") {
  NetworkBuilder network({2});
  network.node("Wavelet", {"x"}, "y");
  CHECK_THAT(error_of(network), Contains("\"Wavelet\"") && Contains("Gemm, "));
  NetworkBuilder pooled({1, 2, 2});
  pooled.node("MaxPool", {"x"}, "y");
  CHECK_THAT(error_of(pooled), Contains("average in place of the maximum"));
  NetworkBuilder custom({2});
  custom.node("Add", {"x", "x"}, "y").set_domain("com.example");
  CHECK_THAT(error_of(custom), Contains("com.example"));
}

TEST_CASE("products of two tensors are not affine") {
  for (const std::string type : {"Mul", "Div", "MatMul", "Gemm"}) {
    CAPTURE(type);
    NetworkBuilder network({2});
    network.node(type, {"x", "x"}, "y");
    CHECK_THAT(error_of(network), Contains("not affine"));
  }
  NetworkBuilder reciprocal({2});
  reciprocal.numbers("c", {}, {1});
  reciprocal.node("Div", {"c", "x"}, "y");
  CHECK_THAT(error_of(reciprocal), Contains("not affine"));
}

TEST_CASE("what mixes the images of a batch is refused") {
  SECTION("Gemm with transA, whose weights fit no image") {
    NetworkBuilder network = with_constant("Gemm", {2, 2}, {1, 2, 3, 4});
    NetworkBuilder::attribute(*network.graph().mutable_node(0), "transA", std::int64_t{1});
    CHECK_THAT(error_of(network), Contains("do not fit"));
  }
  SECTION("MatMul with the constant on the left, which fits no image") {
    NetworkBuilder network({2});
    network.numbers("c", {2, 2}, {1, 2, 3, 4});
    network.node("MatMul", {"c", "x"}, "y");
    CHECK_THAT(error_of(network), Contains("do not fit"));
  }
  for (const std::int64_t axis : {0, -2}) {
    for (const std::string type : {"Softmax", "ArgMax"}) {
      CAPTURE(type, axis);
      NetworkBuilder network({2});
      NetworkBuilder::attribute(network.node(type, {"x"}, "y"), "axis", axis);
      CHECK_THAT(error_of(network), Contains("batch"));
    }
  }
  SECTION("ArgMax, whose default axis is 0") {
    NetworkBuilder network({2});
    network.node("ArgMax", {"x"}, "y");
    CHECK_THAT(error_of(network), Contains("batch"));
  }
  for (const std::vector<std::int64_t>& shape :
       std::vector<std::vector<std::int64_t>>{{2, 0},
                                              {-1, -1},
                                              {0, -1, -1},
                                              {0, 3},
                                              {0, 1},
                                              {},
                                              {0, -2},
                                              {0, 2, 0, 0},
                                              {0, std::numeric_limits<std::int64_t>::max(), 2}}) {
    CAPTURE(shape);
    NetworkBuilder network({2});
    network.integers("shape", shape);
    network.node("Reshape", {"x", "shape"}, "y");
    CHECK_THAT(error_of(network), Contains("number of elements"));
  }
}

TEST_CASE("shapes that do not fit are refused") {
  CHECK_THAT(error_of(with_constant("Gemm", {3, 2}, {1, 2, 3, 4, 5, 6})), Contains("do not fit"));
  CHECK_THAT(error_of(with_constant("Gemm", {2}, {1, 2})), Contains("two dimensions"));
  CHECK_THAT(error_of(with_constant("Gemm", {2, 0}, {})), Contains("no elements"));
  CHECK_THAT(error_of(with_constant("MatMul", {3, 1}, {1, 2, 3})), Contains("do not fit"));
  CHECK_THAT(error_of(with_constant("MatMul", {2, 0}, {})), Contains("no elements"));
  CHECK_THAT(error_of(with_constant("Add", {3}, {1, 2, 3})), Contains("cannot be spread"));
  CHECK_THAT(error_of(with_constant("Add", {0}, {})), Contains("cannot be spread"));
  NetworkBuilder branches({2});
  branches.numbers("w", {2, 3}, {1, 2, 3, 4, 5, 6});
  branches.node("MatMul", {"x", "w"}, "a");
  branches.node("Add", {"a", "x"}, "y");
  CHECK_THAT(error_of(branches), Contains("1x3 and 1x2"));
}

TEST_CASE("numbers that cannot be computed with are refused") {
  CHECK_THAT(error_of(with_constant("Div", {2}, {1, 0})), Contains("zero"));
  CHECK_THAT(error_of(with_constant("Add", {2}, {1, std::nanf("")})), Contains("undefined"));
  CHECK_THAT(error_of(with_constant("Add", {2}, {1, std::numeric_limits<float>::infinity()})),
             Contains("infinite"));
  SECTION("overflow on the way") {
    NetworkBuilder network({1});
    onnx::TensorProto& tensor = network.numbers("c", {}, {});
    tensor.set_data_type(onnx::TensorProto::DOUBLE);
    tensor.add_double_data(1e300);
    network.node("Mul", {"x", "c"}, "a");
    network.node("Mul", {"a", "c"}, "y");
    CHECK_THAT(error_of(network), Contains("overflow"));
  }
}

TEST_CASE("tensors that contradict themselves are damaged, of other kinds unsupported") {
  NetworkBuilder network = with_constant("Add", {2}, {1, 2});
  onnx::TensorProto& tensor = *network.graph().mutable_initializer(0);
  ErrorKind kind = ErrorKind::damaged;
  SECTION("too few numbers") { tensor.mutable_float_data()->RemoveLast(); }
  SECTION("too many numbers") { tensor.add_float_data(3); }
  SECTION("both forms") { tensor.set_raw_data(std::string(8, '\0')); }
  SECTION("raw bytes of a wrong size") {
    tensor.clear_float_data();
    tensor.set_raw_data(std::string(7, '\0'));
  }
  SECTION("a negative dimension") { tensor.set_dims(0, -2); }
  SECTION("dimensions whose product overflows to the right number") {
    tensor.set_dims(0, std::int64_t{1} << 33);
    tensor.add_dims((std::int64_t{1} << 31) + 1);
  }
  SECTION("more elements than any file can hold") { tensor.set_dims(0, std::int64_t{1} << 40); }
  SECTION("data in another file") {
    tensor.set_data_location(onnx::TensorProto::EXTERNAL);
    kind = ErrorKind::unsupported_model;
  }
  SECTION("the name of another file") {
    tensor.add_external_data()->set_key("location");
    kind = ErrorKind::unsupported_model;
  }
  SECTION("segments") {
    tensor.mutable_segment()->set_begin(0);
    kind = ErrorKind::unsupported_model;
  }
  SECTION("complex numbers") {
    tensor.set_data_type(onnx::TensorProto::COMPLEX64);
    kind = ErrorKind::unsupported_model;
  }
  SECTION("whole numbers as weights") {
    tensor.clear_float_data();
    tensor.set_data_type(onnx::TensorProto::INT64);
    tensor.add_int64_data(1);
    tensor.add_int64_data(2);
    kind = ErrorKind::unsupported_model;
  }
  error_of(network, kind);
}

TEST_CASE("graphs that hang together wrongly are refused") {
  NetworkBuilder network({2});
  SECTION("an unknown name") {
    network.node("Add", {"x", "nowhere"}, "y");
    CHECK_THAT(error_of(network), Contains("\"nowhere\""));
  }
  SECTION("unsorted") {
    network.node("Identity", {"a"}, "y");
    network.node("Identity", {"x"}, "a");
    CHECK_THAT(error_of(network), Contains("unsorted"));
  }
  SECTION("cyclic") {
    network.node("Add", {"x", "b"}, "a");
    network.node("Identity", {"a"}, "b");
    network.node("Identity", {"b"}, "y");
    CHECK_THAT(error_of(network), Contains("cyclic"));
  }
  SECTION("a name twice") {
    network.node("Identity", {"x"}, "y");
    network.node("Identity", {"x"}, "y");
    CHECK_THAT(error_of(network), Contains("two tensors"));
  }
  SECTION("a node that overwrites a weight") {
    network.numbers("c", {}, {1});
    network.node("Identity", {"x"}, "c");
    CHECK_THAT(error_of(network), Contains("two tensors"));
  }
  SECTION("an initialiser twice") {
    network.numbers("c", {}, {1});
    network.numbers("c", {}, {2});
    network.node("Add", {"x", "c"}, "y");
    CHECK_THAT(error_of(network), Contains("twice"));
  }
  SECTION("no node makes the output") {
    network.node("Identity", {"x"}, "z");
    CHECK_THAT(error_of(network), Contains("no node makes the output"));
  }
  SECTION("a constant output") {
    network.numbers("c", {}, {1});
    network.node("Identity", {"c"}, "y");
    CHECK_THAT(error_of(network), Contains("does not depend"));
  }
  SECTION("a node without output") {
    network.node("Identity", {"x"}, "y").clear_output();
    CHECK_THAT(error_of(network), Contains("no node makes"));
  }
  SECTION("too few inputs") {
    network.node("Gemm", {"x"}, "y");
    CHECK_THAT(error_of(network), Contains("1 inputs"));
  }
  SECTION("a missing input") {
    network.node("Identity", {""}, "y");
    CHECK_THAT(error_of(network), Contains("lacks input 0"));
  }
  SECTION("an attribute of another operator") {
    NetworkBuilder::attribute(network.node("Identity", {"x"}, "y"), "alpha", 2.0F);
    CHECK_THAT(error_of(network), Contains("\"alpha\""));
  }
  SECTION("an attribute of another type") {
    network.numbers("c", {2, 2}, {1, 2, 3, 4});
    NetworkBuilder::attribute(network.node("Gemm", {"x", "c"}, "y"), "transB", 1.0F);
    CHECK_THAT(error_of(network), Contains("whole number"));
  }
  SECTION("a sparse weight") {
    network.graph().add_sparse_initializer();
    network.node("Identity", {"x"}, "y");
    CHECK_THAT(error_of(network), Contains("sparse"));
  }
  SECTION("Dropout in training mode") {
    network.numbers("ratio", {}, {0.5F});
    network.integers("training", {1});
    network.node("Dropout", {"x", "ratio", "training"}, "y");
    CHECK_THAT(error_of(network), Contains("inference"));
  }
  SECTION("a cast that rounds") {
    NetworkBuilder::attribute(network.node("Cast", {"x"}, "y"), "to", std::int64_t{onnx::TensorProto::INT64});
    CHECK_THAT(error_of(network),
               Contains("casts") && Contains("INT64") && Contains("not affine") && Contains("client"));
  }
  SECTION("a product of what depends on the input") {
    network.node("Neg", {"x"}, "m");
    for (const char* const type : {"Mul", "Div"}) {
      CAPTURE(type);
      onnx::NodeProto& product = network.node(type, {"x", "m"}, "y");
      CHECK_THAT(error_of(network), Contains("not affine") && Contains("public feature map"));
      product.clear_output();
      network.graph().mutable_node()->RemoveLast();
    }
    network.node("MatMul", {"x", "m"}, "y");
    CHECK_THAT(error_of(network), Contains("not affine") && Contains("public feature map"));
  }
  SECTION("decisions") {
    network.numbers("zero", {}, {0});
    for (const char* const type : {"Greater", "LessOrEqual"}) {
      CAPTURE(type);
      network.node(type, {"x", "zero"}, "y");
      CHECK_THAT(error_of(network), Contains(type) && Contains("not affine") &&
                                        Contains("let the client decide") && Contains("identity"));
      network.graph().mutable_node()->RemoveLast();
    }
    network.node("ArgMin", {"x"}, "y");
    CHECK_THAT(error_of(network), Contains("let the client decide"));
  }
}

TEST_CASE("inputs and outputs have to be one each, of known size") {
  NetworkBuilder network({2});
  network.node("Identity", {"x"}, "y");
  onnx::GraphProto& graph = network.graph();
  onnx::TensorShapeProto& shape = network.input_shape();
  SECTION("two inputs") { graph.add_input()->set_name("x2"); }
  SECTION("no input") { graph.clear_input(); }
  SECTION("an output nobody makes") { graph.add_output()->set_name("z"); }
  SECTION("no output") { graph.clear_output(); }
  SECTION("an open dimension") { shape.mutable_dim(1)->set_dim_param("K"); }
  SECTION("an empty dimension") { shape.mutable_dim(1)->set_dim_value(0); }
  SECTION("a negative dimension") { shape.mutable_dim(1)->set_dim_value(-2); }
  SECTION("nothing but an open batch") { shape.mutable_dim()->RemoveLast(); }
  SECTION("no shape") { shape.clear_dim(); }
  SECTION("a batch of 64") { shape.mutable_dim(0)->set_dim_value(64); }
  SECTION("too many dimensions") {
    for (int i = 0; i < 8; ++i) shape.add_dim()->set_dim_value(1);
  }
  SECTION("too many elements") { shape.mutable_dim(1)->set_dim_value((std::int64_t{1} << 20) + 1); }
  SECTION("a product that overflows") {
    shape.mutable_dim(1)->set_dim_value(std::int64_t{1} << 62);
    shape.add_dim()->set_dim_value(4);
  }
  SECTION("bytes") {
    graph.mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(onnx::TensorProto::UINT8);
  }
  error_of(network);
}

TEST_CASE("networks too large to hold are refused before memory is taken") {
  SECTION("more outputs than a compiled model has") {
    NetworkBuilder network({4097});
    network.node("Identity", {"x"}, "y");
    CHECK_THAT(error_of(network), Contains("4097 outputs"));
  }
  SECTION("a small file whose tensors grow without end") {
    NetworkBuilder network({1 << 20, 1});
    network.numbers("w", {1, 1024}, std::vector<float>(1024, 1));
    network.node("MatMul", {"x", "w"}, "y");
    CHECK_THAT(error_of(network), Contains("too large"));
  }
  SECTION("a small file whose matrices would grow without end") {
    NetworkBuilder network({256, 1});
    network.numbers("w", {1, 1 << 16}, std::vector<float>(1 << 16, 1));
    network.numbers("v", {1 << 16, 1}, std::vector<float>(1 << 16, 1));
    network.node("MatMul", {"x", "w"}, "a");
    network.node("MatMul", {"a", "v"}, "y");
    CHECK_THAT(error_of(network), Contains("MiB"));
  }
  SECTION("a small file that would compute without end") {
    NetworkBuilder network({1024, 1});
    network.numbers("w", {1, 1 << 16}, std::vector<float>(1 << 16, 1));
    network.numbers("v", {1 << 16, 4}, std::vector<float>(1 << 18, 1));
    network.node("MatMul", {"x", "w"}, "a");
    network.node("MatMul", {"a", "v"}, "y");
    CHECK_THAT(error_of(network), Contains("multiplications"));
  }
}

TEST_CASE("operator sets from 7 to 21 are read, no others") {
  NetworkBuilder network({2});
  network.node("Identity", {"x"}, "y");
  for (const std::int64_t version : {7, 13, 21}) {
    network.opset(version);
    CHECK_NOTHROW(import_onnx(network.bytes(), "net.onnx"));
  }
  for (const std::int64_t version : {-1, 0, 6, 22}) {
    CAPTURE(version);
    network.opset(version);
    CHECK_THAT(error_of(network), Contains("operator set"));
  }
  network.model.add_opset_import()->set_version(13);
  CHECK_THAT(error_of(network), Contains("twice"));
  network.model.clear_opset_import();
  network.model.add_opset_import()->set_domain("com.example");
  CHECK_THAT(error_of(network), Contains("operator set"));
}

TEST_CASE("IR versions from 3 to 10 are read, no others") {
  NetworkBuilder network({2});
  network.node("Identity", {"x"}, "y");
  for (const std::int64_t version : {3, 10}) {
    network.model.set_ir_version(version);
    CHECK_NOTHROW(import_onnx(network.bytes(), "net.onnx"));
  }
  for (const std::int64_t version : {-1, 0, 2, 11}) {
    CAPTURE(version);
    network.model.set_ir_version(version);
    CHECK_THAT(error_of(network), Contains("IR version"));
  }
}

TEST_CASE("ai.onnx.ml from 1 to 4 is read, no others, and only if the file says that it is used") {
  NetworkBuilder network({2});
  network.node("Scaler", {"x"}, "y").set_domain("ai.onnx.ml");
  CHECK_THAT(error_of(network), Contains("ai.onnx.ml"));
  network.machine_learning(1);
  for (const std::int64_t version : {1, 4}) {
    network.model.mutable_opset_import(1)->set_version(version);
    CHECK_NOTHROW(import_onnx(network.bytes(), "net.onnx"));
  }
  for (const std::int64_t version : {0, 5}) {
    CAPTURE(version);
    network.model.mutable_opset_import(1)->set_version(version);
    CHECK_THAT(error_of(network), Contains("ai.onnx.ml"));
  }
}

TEST_CASE("what is no ONNX file is damaged, however long it is") {
  error_of(Bytes{}, ErrorKind::damaged);
  error_of(Bytes(100, 0xff), ErrorKind::damaged);
  const std::string text = "OPALCLNT is not ONNX";
  error_of(Bytes(text.begin(), text.end()), ErrorKind::damaged);
  error_of(Bytes(kOnnxLimit + 1, 0), ErrorKind::too_large);
}

TEST_CASE("a file that protobuf would make a hundred times larger is refused before it does") {
  constexpr std::size_t kMany = std::size_t{5} << 20;
  using onnx::AttributeProto;
  using onnx::GraphProto;
  using onnx::ModelProto;
  using onnx::NodeProto;
  using onnx::TensorProto;
  const auto graph = [](const Bytes& contents) {
    Bytes file = NetworkBuilder({2}).bytes();
    const Bytes more = wire_field(ModelProto::kGraphFieldNumber, contents);
    file.insert(file.end(), more.begin(), more.end());
    return file;
  };
  const auto attribute = [&](const Bytes& contents) {
    return graph(
        wire_field(GraphProto::kNodeFieldNumber, wire_field(NodeProto::kAttributeFieldNumber, contents)));
  };
  const auto refused = [](const Bytes& file) {
    CHECK_THAT(error_of(file, ErrorKind::too_large), Contains("memory"));
  };
  refused(graph(empty_fields(GraphProto::kNodeFieldNumber, kMany)));
  refused(graph(empty_fields(GraphProto::kInitializerFieldNumber, kMany)));
  refused(graph(empty_fields(GraphProto::kValueInfoFieldNumber, kMany)));
  refused(empty_fields(ModelProto::kMetadataPropsFieldNumber, kMany));
  refused(graph(wire_field(GraphProto::kNodeFieldNumber, empty_fields(NodeProto::kInputFieldNumber, kMany))));
  refused(attribute(empty_fields(AttributeProto::kStringsFieldNumber, kMany)));
  // Graphs in graphs, and whole numbers that take one byte of the file.
  refused(attribute(
      wire_field(AttributeProto::kGFieldNumber, empty_fields(GraphProto::kNodeFieldNumber, kMany))));
  const Bytes numbers = wire_field(TensorProto::kInt64DataFieldNumber, Bytes(7 * kMany, 1));
  refused(graph(wire_field(GraphProto::kInitializerFieldNumber, numbers)));
  refused(attribute(wire_field(AttributeProto::kIntsFieldNumber, Bytes(7 * kMany, 1))));
  // Where numbers stand in the file as in memory, there may be so many.
  const Bytes floats = wire_field(TensorProto::kRawDataFieldNumber, Bytes(7 * kMany, 1));
  error_of(graph(wire_field(GraphProto::kInitializerFieldNumber, floats)));
  // Not that many: refused by their number.
  CHECK_THAT(error_of(graph(empty_fields(GraphProto::kNodeFieldNumber, 65537))), Contains("65537 nodes"));
  // Truncated inside, before or behind that many.
  Bytes cut = graph(empty_fields(GraphProto::kNodeFieldNumber, 3));
  cut.back() = 1;
  error_of(cut, ErrorKind::damaged);
}

TEST_CASE("names in error texts stay on one line, short and printable") {
  NetworkBuilder network({2});
  network.node("Relu", {"x"}, "y").set_name("two\nlines \x1b[31m" + std::string(5000, 'a'));
  const std::string text = error_of(network);
  CHECK(text.size() < 400);
  CHECK(text.find('\x1b') == std::string::npos);
}
