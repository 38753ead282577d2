// An attack that does succeed: whoever may ask a linear model often enough has it (tools/examples).

#include <catch2/catch.hpp>

#include "examples/model_extraction.h"
#include "hostile/attacks/attacked_server.h"
#include "inference/parties.h"

using namespace opaline;
using namespace opaline::examples;
using namespace opaline::test;

namespace {

std::vector<CompiledModel> models() {
  return {tiny_model(), small_model(), random_model(300, 3, 5),  // more than one large input
          make_model(3, 1, {0, 0, 0}, {0}),
          make_model(5, 16, {0, 1, 0, -1, 7, 0, 3, 0, 2, 0}, {-9, 9}).dropping_unused()};
}

void check(const Extraction& found, const CompiledModel& model) {
  CHECK(
      std::equal(found.weights.begin(), found.weights.end(), model.weights().begin(), model.weights().end()));
  CHECK(std::equal(found.bias.begin(), found.bias.end(), model.bias().begin(), model.bias().end()));
  CHECK(CompiledModel(model.client_spec(), found.weights, found.bias).serialise() == model.serialise());
}

}  // namespace

TEST_CASE("known to succeed: a key holder extracts a model with one query more than it has inputs") {
  for (const CompiledModel& model : models()) {
    CAPTURE(model.client_spec().inputs);
    const Server server(model);
    const Extraction found = extract_by_rules(model.client_spec(), alice(),
                                              [&](const Bytes& query) { return server.answer(query); });
    check(found, model);
    CHECK(found.inputs_asked == model.client_spec().sent() + 1);
  }
}

TEST_CASE(
    "known to succeed: with inputs out of range it takes one for as many weights as a plaintext holds") {
  for (const CompiledModel& model : models()) {
    CAPTURE(model.client_spec().inputs);
    const Server server(model);
    const Extraction found = extract_by_large_inputs(
        model.client_spec(), alice(), [&](const Bytes& query) { return server.answer(query); });
    check(found, model);
    const std::size_t at_once = weights_a_large_input(model.client_spec(), kSmallestKeyBits);
    CHECK(found.inputs_asked == (model.client_spec().sent() + at_once - 1) / at_once);
  }
}
