#include "fuzz/sample_models.h"

#include "opaline/model/features/features.h"

namespace opaline::fuzz {
namespace {

ClientSpec spec_of(std::string name, std::vector<std::size_t> shape, std::vector<std::string> labels) {
  ClientSpec spec;
  spec.name = std::move(name);
  spec.inputs = 1;
  for (const std::size_t size : shape) spec.inputs *= size;
  spec.input_shape = std::move(shape);
  spec.outputs = labels.size();
  spec.labels = std::move(labels);
  spec.encoding.bits = 4;
  return spec;
}

CompiledModel classes() {
  ClientSpec spec = spec_of("classes", {5}, {"a", "b", "c"});
  spec.activation = OutputActivation::softmax;
  spec.output_scales = {0.25};
  return {spec, {1, 2, -3, 4, 0, -6, 0, 0, 5, -5, 1, 0, 7, 7, -7}, {1, -7, 100}};
}

CompiledModel image() {
  ClientSpec spec = spec_of("image", {1, 2, 2}, {"dark", "bright"});
  spec.pixels = {1.0 / 255, 0.5, 0.25};
  spec.encoding.ranges = {{-2, 2}};
  spec.unused = {1};
  spec.mask_bits = 20;
  return {spec, {3, 0, 3, 3, -3, 0, -3, -3}, {0, 20}};
}

CompiledModel table() {
  ClientSpec spec = spec_of("table", {2}, {"price"});
  spec.task = Task::regression;
  spec.columns = {"size", "age"};
  spec.answers = {"price"};
  spec.encoding.ranges = {{0, 200}, {-10, 10}};
  spec.encoding.beyond = Beyond::clipped;
  spec.output_offset = 4000;
  return {spec, {100, -8'388'607}, {123'456'789}};
}

CompiledModel sigmoid() {
  ClientSpec spec = spec_of("sigmoid", {3}, {"yes"});
  spec.labels = {"no", "yes"};
  spec.outputs = 1;
  spec.activation = OutputActivation::sigmoid;
  spec.encoding.bits = 16;
  return {spec, {1, -1, 2}, {0}};
}

}  // namespace

const std::vector<CompiledModel>& sample_models() {
  static const std::vector<CompiledModel> all = {classes(), image(), table(), sigmoid()};
  return all;
}

const CompiledModel& sample_model() { return sample_models().front(); }

}  // namespace opaline::fuzz
