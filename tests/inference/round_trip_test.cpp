// Encrypt, answer, decrypt: the integers are those of the model in the clear, every one of them.

#include <omp.h>

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "inference/parties.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

std::vector<std::vector<std::int64_t>> classify(const CompiledModel& model,
                                                const std::vector<EncodedInput>& inputs, LayoutChoice layout,
                                                Owner owner) {
  const ClientSpec& spec = model.client_spec();
  const Bytes query = encryptor_for(spec, alice(), owner).encrypt(inputs, layout);
  return decryptor_for(spec, alice()).decrypt(Server(model).answer(query));
}

void check_classifies(const CompiledModel& model, std::size_t images, LayoutChoice layout, Owner owner) {
  const std::vector<EncodedInput> inputs = make_inputs(model.client_spec(), images);
  CAPTURE(images, static_cast<int>(layout), static_cast<int>(owner));
  CHECK(classify(model, inputs, layout, owner) == predict(model, inputs));
}

LayoutShape shape_of(const Bytes& query) {
  FrameReader reader(query, "query");
  return read_query_header(reader).layout;
}

// Restores the number of threads.
class Threads {
 public:
  explicit Threads(int count) { omp_set_num_threads(count); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { omp_set_num_threads(before_); }

 private:
  int before_ = omp_get_max_threads();
};

}  // namespace

TEST_CASE("decrypted answers equal those in the clear, around every border of a chunk") {
  const CompiledModel model = small_model();
  const std::size_t slots =
      SlotLayout::batch(model.client_spec().bound, 255, alice().public_key().bits()).slots();
  REQUIRE(slots == 48);
  for (const Owner owner : {Owner::secret, Owner::everyone}) {
    for (const std::size_t images : {std::size_t{1}, std::size_t{2}, slots - 1, slots, slots + 1}) {
      check_classifies(model, images, LayoutChoice::batch, owner);
      check_classifies(model, images, LayoutChoice::automatic, owner);
    }
    for (const std::size_t images : {1U, 3U}) check_classifies(model, images, LayoutChoice::plain, owner);
  }
}

TEST_CASE("models at the ends of what can be compiled are answered exactly") {
  const std::int32_t most = (1 << 23) - 1;
  const std::int64_t large = (std::int64_t{1} << 61);
  const CompiledModel models[] = {
      make_model(1, 1, {1}, {0}),
      make_model(1, 1, {-1}, {0}),
      make_model(3, 8, {0, 0, 0}, {0}),               // nothing but zeros
      make_model(3, 8, {0, 0, 0, 0, 0, 0}, {-1, 1}),  // nothing but bias
      make_model(2, 16, {most, most, -most, -most, most, -most}, {0, 0, 0}),
      make_model(2, 16, {1, -1}, {large}),
      make_model(2, 16, {1, -1, 2, -2}, {-large, large}),
      make_model(4, 4, {-8, -8, -8, -8, 7, 7, 7, 7}, {-100, 100}),  // a power of two, negative only
      make_model(4, 4, {-2, -2, -2, -2}, {0}),
  };
  for (const CompiledModel& model : models) {
    CAPTURE(model.client_spec().bound);
    check_classifies(model, 5, LayoutChoice::batch, Owner::secret);
    check_classifies(model, 3, LayoutChoice::plain, Owner::everyone);
  }
}

TEST_CASE("the answers do not depend on the number of threads") {
  const CompiledModel model = small_model();
  const std::vector<EncodedInput> inputs = make_inputs(model.client_spec(), 50);
  for (const int threads : {1, 3}) {
    const Threads scope(threads);
    CHECK(classify(model, inputs, LayoutChoice::batch, Owner::secret) == predict(model, inputs));
  }
}

TEST_CASE("a query's layout is as wide as its images fill it") {
  const CompiledModel model = small_model();
  const QueryEncryptor client = encryptor_for(model.client_spec(), alice());
  const auto shape = [&](std::size_t images, LayoutChoice layout) {
    return shape_of(client.encrypt(make_inputs(model.client_spec(), images), layout));
  };
  CHECK(shape(1, LayoutChoice::automatic) == LayoutShape{1, 21});
  CHECK(shape(1, LayoutChoice::batch) == LayoutShape{1, 21});
  CHECK(shape(2, LayoutChoice::automatic) == LayoutShape{2, 21});
  CHECK(shape(2, LayoutChoice::plain) == LayoutShape{1, 21});
  CHECK(shape(49, LayoutChoice::automatic) == LayoutShape{48, 21});
}

TEST_CASE("messages are streamed chunk by chunk, and progress counts their images") {
  const CompiledModel model = small_model();
  const ClientSpec& spec = model.client_spec();
  const std::vector<EncodedInput> inputs = make_inputs(spec, 50);
  const std::vector<std::size_t> expected_progress = {48, 50};

  std::vector<Bytes> query;
  std::vector<std::size_t> progress;
  std::size_t asked = 0;
  const auto count = [&](std::size_t done) { progress.push_back(done); };
  encryptor_for(spec, alice())
      .encrypt(
          inputs.size(),
          [&](std::size_t i) {
            CHECK(i == asked++);
            CHECK(query.size() == (i < 48 ? 1 : 2));  // what came before is out already
            return inputs[i];
          },
          LayoutChoice::batch, [&](ByteView frame) { query.emplace_back(frame.begin(), frame.end()); },
          count);
  CHECK(query == frames_of(join(query)));
  CHECK(query.size() == 3);
  CHECK(progress == expected_progress);

  std::vector<Bytes> reply;
  progress.clear();
  const Bytes whole_query = join(query);
  FrameReader query_reader(whole_query, "query");
  Server(model).answer(
      query_reader, [&](ByteView frame) { reply.emplace_back(frame.begin(), frame.end()); }, count);
  CHECK(reply.size() == 3);
  CHECK(progress == expected_progress);

  progress.clear();
  std::size_t received = 0;
  const Bytes whole_reply = join(reply);
  FrameReader reply_reader(whole_reply, "reply");
  decryptor_for(spec, alice())
      .decrypt(
          reply_reader,
          [&](std::size_t i, const std::vector<std::int64_t>& answer) {
            CHECK(i == received++);
            CHECK(answer == model.predict(inputs[i]));
          },
          count);
  CHECK(received == 50);
  CHECK(progress == expected_progress);
}

TEST_CASE("inputs a model does not take are refused by their number and value") {
  const CompiledModel model = tiny_model();
  const QueryEncryptor client = encryptor_for(model.client_spec(), alice());
  const auto refusal = [&](const std::vector<EncodedInput>& inputs) {
    return error_of([&] { client.encrypt(inputs); });
  };
  const auto above = refusal({{0, 15}, {16, 0}});
  REQUIRE(above);
  CHECK(above->kind() == ErrorKind::out_of_range);
  CHECK(std::string(above->what()).find("input 1 holds 16") != std::string::npos);
  const auto below = refusal({{0, -1}});
  REQUIRE(below);
  CHECK(below->kind() == ErrorKind::out_of_range);
  CHECK(std::string(below->what()).find("input 0 holds -1") != std::string::npos);
  for (const std::size_t size : {0U, 1U, 3U}) {
    const auto wrong = refusal({{1, 2}, EncodedInput(size, 0)});
    REQUIRE(wrong);
    CHECK(wrong->kind() == ErrorKind::invalid_argument);
    CHECK(std::string(wrong->what()).find("input 1 has " + std::to_string(size)) != std::string::npos);
  }
}

TEST_CASE("a query of no image or of too many is not begun") {
  const QueryEncryptor client = encryptor_for(tiny_model().client_spec(), alice());
  for (const std::size_t images :
       {std::size_t{0}, kLargestQuery + 1, std::numeric_limits<std::size_t>::max()}) {
    CHECK(kind_of([&] {
            client.encrypt(
                images, [](std::size_t) -> EncodedInput { throw std::logic_error("asked for an input"); },
                LayoutChoice::automatic, [](ByteView) { throw std::logic_error("wrote something"); },
                [](std::size_t) {});
          }) == ErrorKind::invalid_argument);
  }
}
