#include "opaline/model/onnx/parsed_size.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <iterator>

#include "opaline/model/wire_walk.h"

namespace opaline::network {
namespace {

// What the largest of the messages takes; an empty text; a number.
constexpr std::size_t kMessageBytes = 256;
constexpr std::size_t kTextBytes = 64;
constexpr std::size_t kNumberBytes = 8;
constexpr int kDeepest = 100;  // as deep as protobuf goes

enum class Kind {
  model,
  training,
  function,
  graph,
  node,
  attribute,
  value,
  type,
  tensor_type,
  sequence_type,
  map_type,
  shape,
  tensor,
  sparse,
  annotation,
  leaf,     // a message of texts and numbers
  numbers,  // packed
  text      // and everything that is not in the table
};

struct Inside {
  Kind in;
  int field;
  Kind is;
};

constexpr Inside kInside[] = {
    {Kind::model, onnx::ModelProto::kGraphFieldNumber, Kind::graph},
    {Kind::model, onnx::ModelProto::kOpsetImportFieldNumber, Kind::leaf},
    {Kind::model, onnx::ModelProto::kMetadataPropsFieldNumber, Kind::leaf},
    {Kind::model, onnx::ModelProto::kTrainingInfoFieldNumber, Kind::training},
    {Kind::model, onnx::ModelProto::kFunctionsFieldNumber, Kind::function},
    {Kind::training, onnx::TrainingInfoProto::kInitializationFieldNumber, Kind::graph},
    {Kind::training, onnx::TrainingInfoProto::kAlgorithmFieldNumber, Kind::graph},
    {Kind::training, onnx::TrainingInfoProto::kInitializationBindingFieldNumber, Kind::leaf},
    {Kind::training, onnx::TrainingInfoProto::kUpdateBindingFieldNumber, Kind::leaf},
    {Kind::function, onnx::FunctionProto::kNodeFieldNumber, Kind::node},
    {Kind::function, onnx::FunctionProto::kOpsetImportFieldNumber, Kind::leaf},
    {Kind::graph, onnx::GraphProto::kNodeFieldNumber, Kind::node},
    {Kind::graph, onnx::GraphProto::kInitializerFieldNumber, Kind::tensor},
    {Kind::graph, onnx::GraphProto::kSparseInitializerFieldNumber, Kind::sparse},
    {Kind::graph, onnx::GraphProto::kInputFieldNumber, Kind::value},
    {Kind::graph, onnx::GraphProto::kOutputFieldNumber, Kind::value},
    {Kind::graph, onnx::GraphProto::kValueInfoFieldNumber, Kind::value},
    {Kind::graph, onnx::GraphProto::kQuantizationAnnotationFieldNumber, Kind::annotation},
    {Kind::node, onnx::NodeProto::kAttributeFieldNumber, Kind::attribute},
    {Kind::attribute, onnx::AttributeProto::kTFieldNumber, Kind::tensor},
    {Kind::attribute, onnx::AttributeProto::kTensorsFieldNumber, Kind::tensor},
    {Kind::attribute, onnx::AttributeProto::kGFieldNumber, Kind::graph},
    {Kind::attribute, onnx::AttributeProto::kGraphsFieldNumber, Kind::graph},
    {Kind::attribute, onnx::AttributeProto::kSparseTensorFieldNumber, Kind::sparse},
    {Kind::attribute, onnx::AttributeProto::kSparseTensorsFieldNumber, Kind::sparse},
    {Kind::attribute, onnx::AttributeProto::kTpFieldNumber, Kind::type},
    {Kind::attribute, onnx::AttributeProto::kTypeProtosFieldNumber, Kind::type},
    {Kind::attribute, onnx::AttributeProto::kIntsFieldNumber, Kind::numbers},
    {Kind::value, onnx::ValueInfoProto::kTypeFieldNumber, Kind::type},
    {Kind::type, onnx::TypeProto::kTensorTypeFieldNumber, Kind::tensor_type},
    {Kind::type, onnx::TypeProto::kSparseTensorTypeFieldNumber, Kind::tensor_type},
    {Kind::type, onnx::TypeProto::kSequenceTypeFieldNumber, Kind::sequence_type},
    {Kind::type, onnx::TypeProto::kOptionalTypeFieldNumber, Kind::sequence_type},
    {Kind::type, onnx::TypeProto::kMapTypeFieldNumber, Kind::map_type},
    {Kind::type, onnx::TypeProto::kOpaqueTypeFieldNumber, Kind::leaf},
    {Kind::tensor_type, onnx::TypeProto_Tensor::kShapeFieldNumber, Kind::shape},
    {Kind::sequence_type, onnx::TypeProto_Sequence::kElemTypeFieldNumber, Kind::type},
    {Kind::map_type, onnx::TypeProto_Map::kValueTypeFieldNumber, Kind::type},
    {Kind::shape, onnx::TensorShapeProto::kDimFieldNumber, Kind::leaf},
    {Kind::tensor, onnx::TensorProto::kSegmentFieldNumber, Kind::leaf},
    {Kind::tensor, onnx::TensorProto::kExternalDataFieldNumber, Kind::leaf},
    {Kind::tensor, onnx::TensorProto::kDimsFieldNumber, Kind::numbers},
    {Kind::tensor, onnx::TensorProto::kInt32DataFieldNumber, Kind::numbers},
    {Kind::tensor, onnx::TensorProto::kInt64DataFieldNumber, Kind::numbers},
    {Kind::tensor, onnx::TensorProto::kUint64DataFieldNumber, Kind::numbers},
    {Kind::sparse, onnx::SparseTensorProto::kValuesFieldNumber, Kind::tensor},
    {Kind::sparse, onnx::SparseTensorProto::kIndicesFieldNumber, Kind::tensor},
    {Kind::sparse, onnx::SparseTensorProto::kDimsFieldNumber, Kind::numbers},
    {Kind::annotation, onnx::TensorAnnotation::kQuantParameterTensorNamesFieldNumber, Kind::leaf}};

Kind kind_of(Kind in, int field) {
  const auto* const found = std::find_if(std::begin(kInside), std::end(kInside), [&](const Inside& inside) {
    return inside.in == in && inside.field == field;
  });
  return found == std::end(kInside) ? Kind::text : found->is;
}

class Sum {
 public:
  explicit Sum(std::size_t most) : most_(most) {}

  std::size_t bytes() const { return bytes_; }

  /// Whether it is a message, as far as it has been looked at.
  bool add(ByteView message, Kind kind, int depth) {
    if (depth > kDeepest) return false;
    bool sound = true;
    const bool whole = walk_wire(message, [&](const WireField& field) {
      sound = sound && add_field(field, kind_of(kind, field.number), depth);
      return sound && bytes_ <= most_;
    });
    return sound && (whole || bytes_ > most_);
  }

 private:
  bool add_field(const WireField& field, Kind kind, int depth) {
    if (field.type == WireField::Type::fixed) return true;
    if (field.type == WireField::Type::varint) {
      bytes_ += kNumberBytes;
    } else if (kind == Kind::numbers) {
      bytes_ += kNumberBytes * packed_numbers(field.contents);
    } else if (kind == Kind::text) {
      bytes_ += kTextBytes;
    } else {
      bytes_ += kMessageBytes;
      return add(field.contents, kind, depth + 1);
    }
    return true;
  }

  std::size_t most_;
  std::size_t bytes_ = 0;
};

}  // namespace

std::optional<std::size_t> parsed_size(ByteView model, std::size_t most) {
  Sum sum(most);
  if (!sum.add(model, Kind::model, 0)) return std::nullopt;
  return sum.bytes();
}

}  // namespace opaline::network
