// Encrypt, answer, decrypt: the integers are those of the model in the clear, every one of them.

#include <omp.h>

#include <atomic>
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
                                                const std::vector<EncodedInput>& inputs, Packing packing,
                                                Owner owner) {
  const ClientSpec& spec = model.client_spec();
  const Bytes query =
      encryptor_for(spec, alice(), owner).encrypt(inputs, layout_for(spec, packing, inputs.size()));
  return decryptor_for(spec, alice()).decrypt(Server(model).answer(query));
}

void check_classifies(const CompiledModel& model, std::size_t images, Packing packing, Owner owner) {
  const std::vector<EncodedInput> inputs = make_inputs(model.client_spec(), images);
  CAPTURE(images, static_cast<int>(packing), static_cast<int>(owner));
  CHECK(classify(model, inputs, packing, owner) == predict(model, inputs));
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
      SlotLayout::batch(certificate_of(model.client_spec()), alice().public_key().bits()).images();
  REQUIRE(slots == 54);
  for (const Owner owner : {Owner::secret, Owner::everyone}) {
    for (const std::size_t images : {std::size_t{1}, std::size_t{2}, slots - 1, slots, slots + 1}) {
      check_classifies(model, images, Packing::batch, owner);
    }
    for (const std::size_t images : {1U, 2U, 7U}) {
      for (const Packing packing : kPackings) check_classifies(model, images, packing, owner);
    }
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
    for (const Packing packing : kPackings) {
      check_classifies(model, 5, packing, Owner::secret);
      check_classifies(model, 3, packing, Owner::everyone);
    }
  }
}

TEST_CASE("inputs that a model does not look at are not sent") {
  const CompiledModel model =
      make_model(6, 8, {3, 0, -120, 0, 5, 0, 0, 0, 127, 0, -9, 0}, {10, -10}).dropping_unused();
  REQUIRE(model.client_spec().sent() == 3);
  for (const Packing packing : kPackings) check_classifies(model, 5, packing, Owner::secret);
  const Bytes query =
      encryptor_for(model.client_spec(), alice()).encrypt(make_inputs(model.client_spec(), 2));
  CHECK(query.size() < 5 * alice().public_key().ciphertext_bytes());
}

TEST_CASE("the answers do not depend on the number of threads") {
  const CompiledModel model = small_model();
  const std::vector<EncodedInput> inputs = make_inputs(model.client_spec(), 50);
  for (const int threads : {1, 3}) {
    const Threads scope(threads);
    CHECK(classify(model, inputs, Packing::batch, Owner::secret) == predict(model, inputs));
  }
}

TEST_CASE("a query's layout is as wide as its images fill it") {
  const CompiledModel model = small_model();
  const QueryEncryptor client = encryptor_for(model.client_spec(), alice());
  const unsigned bits = client.plain().slot_bits;
  CHECK(client.plain() == LayoutShape{1, 1, 1, 1, bits});
  CHECK(client.batch(1) == LayoutShape{1, 1, 1, 1, bits});
  CHECK(client.batch(2) == LayoutShape{1, 1, 1, 2, bits});
  CHECK(client.batch(55) == LayoutShape{1, 1, 1, 54, bits});
  CHECK(shape_of(client.encrypt(make_inputs(model.client_spec(), 3))) == client.batch(3));
}

TEST_CASE("messages are streamed in lots of chunks, and progress counts their images") {
  // 130 images of a single input each make chunks of 130 ciphertexts a side, more than one lot of 1024.
  const CompiledModel model = make_model(130, 2, std::vector<std::int32_t>(130, 1), {7});
  const ClientSpec& spec = model.client_spec();
  const std::vector<EncodedInput> inputs = make_inputs(spec, 10);
  const std::vector<std::size_t> client_progress = {7, 10};

  std::vector<Bytes> query;
  std::vector<std::size_t> progress;
  std::size_t asked = 0;
  const auto count = [&](std::size_t done) { progress.push_back(done); };
  const QueryEncryptor client = encryptor_for(spec, alice());
  const QueryHeader header = client.header(inputs.size(), client.plain());
  client.encrypt(
      header, 0,
      [&](std::size_t i) {
        CHECK(i == asked++);
        CHECK(query.size() == (i < 7 ? 0 : 7));  // what came before is out already
        return inputs[i];
      },
      [&](ByteView frame) { query.emplace_back(frame.begin(), frame.end()); }, count);
  CHECK(query == frames_of(join(query)));
  CHECK(query.size() == 10);
  CHECK(progress == client_progress);
  query.insert(query.begin(), to_frame(header));

  std::vector<Bytes> reply;
  progress.clear();
  const Bytes whole_query = join(query);
  FrameReader query_reader(whole_query, "query");
  Server(model).answer(
      query_reader, 0, [&](ByteView frame) { reply.emplace_back(frame.begin(), frame.end()); }, count);
  CHECK(reply.size() == 11);
  CHECK(progress.back() == 10);

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
  CHECK(received == 10);
  CHECK(progress.back() == 10);
}

TEST_CASE("interrupted messages are continued with any chunk, and their whole chunks are recognised") {
  const CompiledModel model = small_model();
  const ClientSpec& spec = model.client_spec();
  const std::vector<EncodedInput> inputs = make_inputs(spec, 6);
  const QueryEncryptor client = encryptor_for(spec, alice());
  const Server server(model);
  const QueryHeader header = client.header(inputs.size(), layout_for(spec, Packing::all_in_one, 2));
  REQUIRE(header.chunks() > 2);
  const std::size_t query_chunk = spec.inputs / header.layout.features * header.key.ciphertext_bytes();
  Bytes first = to_frame(header);
  client.encrypt(
      header, 0, [&](std::size_t i) { return inputs[i]; },
      [&](ByteView frame) { first.insert(first.end(), frame.begin(), frame.end()); }, [](std::size_t) {});
  const std::vector<Bytes> frames = frames_of(first);
  for (std::size_t kept = 1; kept < header.chunks(); ++kept) {
    // Kept chunks, and a piece of the next one.
    Bytes query = join({frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(1 + kept)});
    const std::size_t whole_bytes = query.size();
    query.insert(query.end(), frames[1 + kept].begin(), frames[1 + kept].end() - 1);
    FrameReader left(query, "query");
    const QueryHeader again = read_query_header(left);
    const WholeChunks whole = read_whole_chunks(left, ChunkKind::query, message_digest(again), query_chunk);
    CHECK(whole.count == kept);
    CHECK(to_frame(again).size() + whole.bytes == whole_bytes);
    query.resize(whole_bytes);
    client.encrypt(
        again, kept, [&](std::size_t i) { return inputs[i]; },
        [&](ByteView frame) { query.insert(query.end(), frame.begin(), frame.end()); }, [](std::size_t) {});

    const std::vector<Bytes> reply_frames = frames_of(server.answer(query));
    Bytes reply = join({reply_frames.begin(), reply_frames.begin() + static_cast<std::ptrdiff_t>(1 + kept)});
    FrameReader reader(query, "query");
    server.answer(
        reader, kept, [&](ByteView frame) { reply.insert(reply.end(), frame.begin(), frame.end()); },
        [](std::size_t) {});
    CHECK(decryptor_for(spec, alice()).decrypt(reply) == predict(model, inputs));
  }
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
    CHECK(kind_of([&] { client.header(images, client.plain()); }) == ErrorKind::invalid_argument);
  }
}

TEST_CASE("encoding ahead gives the same inputs from anywhere, each encoded once") {
  constexpr std::size_t kCount = 2500;
  for (const std::size_t first : {std::size_t{0}, std::size_t{1023}, std::size_t{2499}}) {
    std::vector<std::atomic<int>> times(kCount);
    const InputSource source = encoding_ahead(kCount, [&](std::size_t i) {
      ++times.at(i);
      return EncodedInput{static_cast<std::int64_t>(i)};
    });
    for (std::size_t i = first; i < kCount; ++i)
      CHECK(source(i) == EncodedInput{static_cast<std::int64_t>(i)});
    for (std::size_t i = 0; i < kCount; ++i) CHECK(times[i] == (i < first ? 0 : 1));
  }
  const InputSource failing = encoding_ahead(10, [](std::size_t i) -> EncodedInput {
    if (i == 7) throw Error(ErrorKind::out_of_range, "input 7");
    return {};
  });
  CHECK_THROWS_AS(failing(0), Error);
}

TEST_CASE("how large a reply can be is known from its query") {
  const CompiledModel model = small_model();
  const ClientSpec& spec = model.client_spec();
  const Server server(model);
  for (const Packing packing : kPackings) {
    for (const std::size_t images : {std::size_t{1}, std::size_t{2}, std::size_t{9}, std::size_t{40}}) {
      CAPTURE(static_cast<int>(packing), images);
      const Bytes query =
          encryptor_for(spec, alice()).encrypt(make_inputs(spec, images), layout_for(spec, packing, images));
      FrameReader reader(query, "query");
      const QueryHeader header = read_query_header(reader);
      const std::uint64_t most = most_reply_bytes(header, spec);
      const std::uint64_t has = server.answer(query).size();
      CHECK(has <= most);
      CHECK(most - has <= header.chunks() * kChunkFields);
    }
  }
}
