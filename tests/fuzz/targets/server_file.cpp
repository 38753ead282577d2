#include <compiled_model.pb.h>

#include <algorithm>

#include "fuzz/loose_frames.h"
#include "fuzz/sample_models.h"
#include "fuzz/targets/targets.h"
#include "opaline/model/client_spec_format.h"

namespace opaline::fuzz {
namespace {

std::vector<Bytes> seeds() {
  std::vector<Bytes> files;
  for (const CompiledModel& model : sample_models()) files.push_back(model.serialise());
  return files;
}

void use(const CompiledModel& model) {
  const ClientSpec& spec = model.client_spec();
  const CompiledModel without = model.dropping_unused();
  for (const std::int64_t x : {std::int64_t{0}, spec.encoding.maximum()}) {
    const std::vector<std::int64_t> inputs(spec.inputs, x);
    const std::vector<std::int64_t> answers = model.predict(inputs);
    require(answers.size() == spec.outputs, "there is an answer an output");
    require(std::all_of(answers.begin(), answers.end(),
                        [&](std::int64_t y) { return -spec.bound <= y && y <= spec.bound; }),
            "answers lie within the certificate");
    require(without.predict(inputs) == answers, "an unused input changes nothing");
  }
}

void run(ByteView input) {
  accepted(
      {ErrorKind::damaged, ErrorKind::unsupported_version, ErrorKind::too_large, ErrorKind::does_not_fit},
      [&] {
        const CompiledModel model = CompiledModel::parse(input, "input");
        const Bytes again = model.serialise();
        require(CompiledModel::parse(again, "again").serialise() == again,
                "a model is read as it was written");
        const Bytes spec = model.client_spec().serialise();
        require(ClientSpec::parse(spec, "spec").model_id == model.client_spec().model_id,
                "its client file belongs to it");
        use(model);
      });
}

// The bound and the id say what the weights are: with those that belong to these weights, if there are any.
Bytes with_id(const Bytes& file) {
  const auto frames = take_apart(file);
  if (!frames) return file;
  model::CompiledModel wire;
  const Bytes& payload = frames->front().payload;
  if (!wire.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) return file;
  try {
    return CompiledModel(client_spec_from_wire(wire.client_spec()),
                         {wire.weights().begin(), wire.weights().end()},
                         {wire.bias().begin(), wire.bias().end()})
        .serialise();
  } catch (const Error&) {
    return file;
  }
}

Bytes mutate(Bytes input, std::size_t limit, Mutator& mutator) {
  const Bytes changed = mutate_frames(std::move(input), limit, mutator);
  return mutator.one_in(2) ? with_id(changed) : changed;
}

}  // namespace

FuzzTarget server_file_target() { return {"server_file", seeds, run, mutate, 300}; }

}  // namespace opaline::fuzz
