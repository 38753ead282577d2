#include "opaline/model/compiled_model.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <set>

#include "opaline/base/error.h"
#include "opaline/base/frame.h"
#include "sample_model.h"
#include "support/error_kind.h"

using namespace opaline;
using opaline::test::sample_model;
using opaline::test::sample_spec;

namespace {

bool same(const ClientSpec& a, const ClientSpec& b) {
  return a.model_id == b.model_id && a.name == b.name && a.input_shape == b.input_shape &&
         a.inputs == b.inputs && a.outputs == b.outputs && a.pixels.scale == b.pixels.scale &&
         a.pixels.mean == b.pixels.mean && a.pixels.deviation == b.pixels.deviation &&
         a.encoding.range(0).lowest == b.encoding.range(0).lowest &&
         a.encoding.range(0).highest == b.encoding.range(0).highest && a.encoding.bits == b.encoding.bits &&
         a.labels == b.labels && a.activation == b.activation && a.output_scales == b.output_scales &&
         a.bound == b.bound;
}

}  // namespace

TEST_CASE("a compiled model computes W x + b exactly") {
  const CompiledModel model = sample_model();
  CHECK(model.predict(std::vector<std::int64_t>{1, 2, 3, 4}) == std::vector<std::int64_t>{13, -19, 98});
  CHECK(model.predict(std::vector<std::int64_t>{0, 0, 0, 0}) == std::vector<std::int64_t>{1, -7, 100});
  CHECK_THROWS_AS(model.predict(std::vector<std::int64_t>{1, 2, 3}), Error);
  for (const std::int64_t bad :
       {std::int64_t{-1}, std::int64_t{16}, std::numeric_limits<std::int64_t>::min()}) {
    CHECK_THROWS_AS(model.predict(std::vector<std::int64_t>{bad, 0, 0, 0}), Error);
  }
}

TEST_CASE("the certificate is the largest sum of weights and bias there can be") {
  CHECK(sample_model().client_spec().bound == 190);
  SECTION("and is reached") {
    ClientSpec spec = sample_spec();
    spec.outputs = 1;
    spec.labels = {"only"};
    const CompiledModel model(spec, {-3, 0, -5, 0}, {-100});
    CHECK(model.client_spec().bound == 220);
    CHECK(model.predict(std::vector<std::int64_t>{15, 15, 15, 15}) == std::vector<std::int64_t>{-220});
  }
  SECTION("and holds for every input of a small model") {
    ClientSpec spec = sample_spec();
    spec.encoding.bits = 1;
    const CompiledModel model(spec, {1, 2, -3, 4, 0, -6, 0, 0, 5, -5, 1, 0}, {1, -7, 3});
    for (unsigned inputs = 0; inputs < 16; ++inputs) {
      std::vector<std::int64_t> x;
      for (unsigned j = 0; j < 4; ++j) x.push_back(inputs >> j & 1U);
      for (const std::int64_t y : model.predict(x)) CHECK(std::abs(y) <= model.client_spec().bound);
    }
  }
}

TEST_CASE("the largest numbers of all are certified without overflow") {
  constexpr std::int32_t kLargest = (1 << 23) - 1;
  ClientSpec spec = sample_spec();
  spec.input_shape = {std::size_t{1} << 20};
  spec.inputs = std::size_t{1} << 20;
  spec.outputs = 1;
  spec.labels = {"only"};
  spec.encoding.bits = 16;
  // 2^20 · (2^23 − 1) · (2^16 − 1), worked out apart from the program.
  constexpr std::int64_t kSum = 576451887491973120;
  const CompiledModel model(spec, std::vector<std::int32_t>(spec.inputs, -kLargest), {-1});
  CHECK(model.client_spec().bound == kSum + 1);
  CHECK(model.client_spec().weight_bits == 24);
  CHECK(model.predict(std::vector<std::int64_t>(spec.inputs, 65535)) == std::vector<std::int64_t>{-kSum - 1});
  CHECK(CompiledModel::parse(model.serialise(), "large").client_spec().bound == kSum + 1);
  const auto with_bias = [&](std::int64_t bias) {
    return CompiledModel(spec, std::vector<std::int32_t>(spec.inputs, kLargest), {bias});
  };
  CHECK(with_bias((std::int64_t{1} << 62) - kSum - 1).client_spec().bound == (std::int64_t{1} << 62) - 1);
  try {
    with_bias((std::int64_t{1} << 62) - kSum);
    FAIL_CHECK("accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::does_not_fit);
  }
}

TEST_CASE("inputs without a weight need not be sent") {
  const CompiledModel all(sample_spec(), {1, 0, -3, 0, 0, 0, 0, 0, 5, 0, 1, 0}, {1, -7, 100});
  CHECK(all.client_spec().sent() == 4);
  const CompiledModel model = all.dropping_unused();
  const ClientSpec& spec = model.client_spec();
  CHECK(spec.unused == std::vector<std::uint32_t>{1, 3});
  CHECK(spec.sent() == 2);
  CHECK(spec.bound == all.client_spec().bound);
  CHECK(spec.model_id != all.client_spec().model_id);
  const std::vector<std::int64_t> x = {1, 2, 3, 4};
  CHECK(spec.without_unused<std::int64_t>(x) == std::vector<std::int64_t>{1, 3});
  CHECK(model.sent_weights() == std::vector<std::int32_t>{1, -3, 0, 0, 5, 1});
  CHECK(model.predict(x) == all.predict(x));
  CHECK(CompiledModel::parse(model.serialise(), "m").client_spec().unused == spec.unused);
  CHECK(ClientSpec::parse(spec.serialise(), "m").unused == spec.unused);
  // Something is sent even to a model that looks at nothing.
  const CompiledModel blind(sample_spec(), std::vector<std::int32_t>(12), {1, 2, 3});
  CHECK(blind.dropping_unused().client_spec().sent() == 1);

  const auto refused = [](const std::vector<std::uint32_t>& unused) {
    return test::kind_of([&] {
             ClientSpec claimed = sample_spec();
             claimed.unused = unused;
             CompiledModel(claimed, {1, 0, -3, 0, 0, 0, 0, 0, 5, 0, 1, 0}, {1, -7, 100});
           }) == ErrorKind::invalid_argument;
  };
  CHECK_FALSE(refused({3}));
  CHECK(refused({0}));
  CHECK(refused({1, 2}));
  CHECK(refused({3, 1}));
  CHECK(refused({1, 1}));
  CHECK(refused({4}));
  CHECK(refused({0, 1, 2, 3}));
}

TEST_CASE("weight bits count the sign") {
  const auto bits = [](std::int32_t weight) {
    ClientSpec spec = sample_spec();
    spec.outputs = 1;
    spec.labels = {"only"};
    return CompiledModel(spec, {0, 0, weight, 0}, {0}).client_spec().weight_bits;
  };
  CHECK(bits(0) == 2);
  CHECK(bits(-1) == 2);
  CHECK(bits(1) == 2);
  CHECK(bits(-2) == 3);
  CHECK(bits(127) == 8);
  CHECK(bits(-128) == 9);
  CHECK(bits(128) == 9);
}

TEST_CASE("models that make no sense are refused") {
  const std::vector<std::int32_t> weights(12, 1);
  const std::vector<std::int64_t> bias(3, 1);
  const auto refused = [&](const std::function<void(ClientSpec&)>& change) {
    ClientSpec spec = sample_spec();
    change(spec);
    CHECK_THROWS_AS(CompiledModel(spec, weights, bias), Error);
  };
  const double infinite = std::numeric_limits<double>::infinity();
  CHECK_NOTHROW(CompiledModel(sample_spec(), weights, bias));
  refused([](ClientSpec& s) { s.name = std::string(""); });
  refused([](ClientSpec& s) { s.name = std::string("two\nlines"); });
  refused([](ClientSpec& s) { s.name = std::string(257, 'a'); });
  refused([](ClientSpec& s) { s.labels[1] = std::string("\xff"); });
  refused([](ClientSpec& s) { s.labels[1] = std::string(""); });
  refused([](ClientSpec& s) { s.labels.pop_back(); });
  refused([](ClientSpec& s) { s.input_shape = {2, 3}; });
  refused([](ClientSpec& s) { s.input_shape = {}; });
  refused([](ClientSpec& s) { s.input_shape = {4, 0}; });
  refused([](ClientSpec& s) { s.input_shape = {std::size_t{1} << 63, 2, 4}; });
  refused([](ClientSpec& s) { s.input_shape = {4, 1, 1, 1, 1, 1, 1, 1, 1}; });
  refused([](ClientSpec& s) { s.inputs = 5; });
  refused([](ClientSpec& s) { s.outputs = 2; });
  refused([](ClientSpec& s) { s.outputs = 0; });
  refused([](ClientSpec& s) { s.encoding.bits = 0; });
  refused([](ClientSpec& s) { s.encoding.bits = 17; });
  refused([](ClientSpec& s) { s.encoding.bits = 64; });
  refused([](ClientSpec& s) { s.encoding.ranges = {{0.5, 0.5}}; });
  refused([&](ClientSpec& s) { s.encoding.ranges = {{0.0, infinite}}; });
  refused([](ClientSpec& s) { s.encoding.ranges = {{-1.7e308, 1.7e308}}; });
  refused([](ClientSpec& s) { s.encoding.ranges = {{0.0, 5e-324}}; });
  refused([](ClientSpec& s) { s.pixels.deviation = 0.0; });
  refused([&](ClientSpec& s) { s.pixels.mean = -infinite; });
  refused([](ClientSpec& s) { s.output_scales = {0.0}; });
  refused([&](ClientSpec& s) { s.output_scales = {infinite}; });
  refused([](ClientSpec& s) { s.output_scales = {0x1p961}; });

  CHECK_THROWS_AS(CompiledModel(sample_spec(), std::vector<std::int32_t>(11, 1), bias), Error);
  CHECK_THROWS_AS(CompiledModel(sample_spec(), weights, {1, 2}), Error);
  CHECK_THROWS_AS(CompiledModel(sample_spec(), std::vector<std::int32_t>(12, 1 << 23), bias), Error);
  CHECK_THROWS_AS(CompiledModel(sample_spec(), std::vector<std::int32_t>(12, -(1 << 23)), bias), Error);
  CHECK_THROWS_AS(CompiledModel(sample_spec(), weights, {0, 0, std::numeric_limits<std::int64_t>::min()}),
                  Error);
}

TEST_CASE("server and client files give back what was written") {
  const CompiledModel model = sample_model();
  const CompiledModel read = CompiledModel::parse(model.serialise(), "sample.server");
  CHECK(same(read.client_spec(), model.client_spec()));
  CHECK(std::equal(read.weights().begin(), read.weights().end(), model.weights().begin(),
                   model.weights().end()));
  CHECK(std::equal(read.bias().begin(), read.bias().end(), model.bias().begin(), model.bias().end()));
  CHECK(same(ClientSpec::parse(model.client_spec().serialise(), "sample.client"), model.client_spec()));
  for (const auto activation : {OutputActivation::none, OutputActivation::log_softmax,
                                OutputActivation::sigmoid, OutputActivation::argmax}) {
    ClientSpec spec = model.client_spec();
    spec.activation = activation;
    CHECK(ClientSpec::parse(spec.serialise(), "spec").activation == activation);
  }
}

TEST_CASE("the client's file tells nothing of the weights but the id and the bound") {
  const CompiledModel model = sample_model();
  const CompiledModel other(sample_spec(), {5, -5, 1, 0, 4, -3, 2, 1, 0, 0, -6, 5}, {100, 7, -2});
  REQUIRE(other.client_spec().bound == model.client_spec().bound);
  ClientSpec spec = other.client_spec();
  CHECK(spec.model_id != model.client_spec().model_id);
  spec.model_id = model.client_spec().model_id;
  CHECK(spec.serialise() == model.client_spec().serialise());
  CHECK(other.client_spec().serialise().size() == model.client_spec().serialise().size());
}

TEST_CASE("the model id changes with everything that matters and with nothing else") {
  std::set<Digest> ids;
  const auto add = [&](const std::function<void(ClientSpec&)>& change) {
    ClientSpec spec = sample_spec();
    change(spec);
    ids.insert(
        CompiledModel(spec, {1, 2, -3, 4, 0, -6, 0, 0, 5, -5, 1, 0}, {1, -7, 100}).client_spec().model_id);
  };
  add([](ClientSpec&) {});
  CHECK(ids.count(sample_model().client_spec().model_id) == 1);
  add([](ClientSpec& s) { s.name = std::string("another name"); });
  add([](ClientSpec& s) { s.bound = 12345; });
  add([](ClientSpec& s) { s.weight_bits = 17; });
  add([](ClientSpec& s) { s.model_id.fill(7); });
  CHECK(ids.size() == 1);
  add([](ClientSpec& s) { s.input_shape = {4}; });
  add([](ClientSpec& s) { s.pixels.scale = 1.0; });
  add([](ClientSpec& s) { s.pixels.mean = 0.5; });
  add([](ClientSpec& s) { s.pixels.deviation = 0.5; });
  add([](ClientSpec& s) { s.encoding.ranges = {{-1.0, 1.0}}; });
  add([](ClientSpec& s) { s.encoding.ranges = {{0.0, 2.0}}; });
  add([](ClientSpec& s) { s.encoding.bits = 5; });
  add([](ClientSpec& s) { s.mask_bits = 0; });
  add([](ClientSpec& s) { s.labels[0] = std::string("cow"); });
  add([](ClientSpec& s) { s.labels = {"c", "atdog", "b\xc3\xa4r"}; });
  add([](ClientSpec& s) { s.activation = OutputActivation::argmax; });
  add([](ClientSpec& s) { s.output_scales = {0.5}; });
  add([](ClientSpec& s) { s.output_scales = {0.25, 0.25, 0.25}; });
  add([](ClientSpec& s) { s.output_offset = 1; });
  add([](ClientSpec& s) { s.encoding.ranges.assign(4, {0.0, 1.0}); });
  add([](ClientSpec& s) { s.encoding.beyond = Beyond::clipped; });
  add([](ClientSpec& s) { s.columns = {"a", "b", "c", "d"}; });
  add([](ClientSpec& s) { s.answers = {"a"}; });
  add([](ClientSpec& s) { s.task = Task::regression; });
  CHECK(ids.size() == 20);
  ids.insert(CompiledModel(sample_spec(), {2, 2, -3, 4, 0, -6, 0, 0, 5, -5, 1, 0}, {1, -7, 100})
                 .client_spec()
                 .model_id);
  ids.insert(CompiledModel(sample_spec(), {1, 2, -3, 4, 0, -6, 0, 0, 5, -5, 1, 0}, {1, -7, 101})
                 .client_spec()
                 .model_id);
  CHECK(ids.size() == 22);
}
