#include <algorithm>
#include <cmath>

#include "fuzz/loose_frames.h"
#include "fuzz/sample_models.h"
#include "fuzz/targets/targets.h"

namespace opaline::fuzz {
namespace {

constexpr std::size_t kFewInputs = 4096;

std::vector<Bytes> seeds() {
  std::vector<Bytes> files;
  for (const CompiledModel& model : sample_models()) files.push_back(model.client_spec().serialise());
  return files;
}

void use(const ClientSpec& spec) {
  std::vector<double> lowest;
  for (std::size_t i = 0; i < spec.inputs; ++i) lowest.push_back(spec.encoding.range(i).lowest);
  const std::vector<std::int64_t> encoded = spec.encode(lowest);
  require(std::all_of(encoded.begin(), encoded.end(), [](std::int64_t x) { return x == 0; }),
          "the lowest inputs become 0");
  accepted({ErrorKind::out_of_range, ErrorKind::invalid_argument}, [&] {
    const std::vector<std::uint8_t> image(spec.image_size(), 255);
    for (const std::int64_t x : spec.encode_pixels(image)) {
      require(x >= 0 && x <= spec.encoding.maximum(), "an input becomes an integer of its width");
    }
  });
  for (const std::int64_t answer : {std::int64_t{0}, spec.bound, -spec.bound}) {
    const std::vector<std::int64_t> answers(spec.outputs, answer);
    require(spec.scores(answers).size() == spec.outputs, "there is a score an output");
    for (const double probability : spec.probabilities(answers)) {
      require(probability >= 0 && probability <= 1, "a probability is one");
    }
    accepted({ErrorKind::invalid_argument},
             [&] { require(spec.classify(answers) < spec.classes(), "a class is one that there is"); });
  }
}

void run(ByteView input) {
  accepted({ErrorKind::damaged, ErrorKind::unsupported_version, ErrorKind::too_large}, [&] {
    const ClientSpec spec = ClientSpec::parse(input, "input");
    const Bytes again = spec.serialise();
    require(ClientSpec::parse(again, "again").serialise() == again, "a spec is read as it was written");
    if (spec.inputs <= kFewInputs) use(spec);
  });
}

}  // namespace

FuzzTarget client_file_target() { return {"client_file", seeds, run, mutate_frames, 300}; }

}  // namespace opaline::fuzz
