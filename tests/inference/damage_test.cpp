// Queries and replies cut, altered, reordered: always an Error, never a crash, never a wrong answer.

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "inference/parties.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

// A message and whoever reads it.
struct Case {
  std::string name;
  Bytes message;
  std::function<void(ByteView)> read;

  std::optional<ErrorKind> refusal(const Bytes& changed) const {
    const std::optional<Error> error = error_of([&] { read(changed); });
    if (!error) return std::nullopt;
    CHECK(std::string(error->what()).rfind(name + ": ", 0) == 0);
    return error->kind();
  }
};

// A query and its reply, one chunk an image.
std::vector<Case> cases(std::size_t images) {
  const CompiledModel model = make_model(1, 4, {-3}, {7});
  const ClientSpec& spec = model.client_spec();
  const Bytes query = encryptor_for(spec, alice())
                          .encrypt(make_inputs(spec, images), layout_for(spec, Packing::plain, images));
  const auto server = std::make_shared<const Server>(model);
  const auto client = std::make_shared<const ReplyDecryptor>(decryptor_for(spec, alice()));
  const Bytes reply = server->answer(query);
  return {{"query", query, [server](ByteView message) { server->answer(message); }},
          {"reply", reply, [client](ByteView message) { client->decrypt(message); }}};
}

}  // namespace

TEST_CASE("a message cut at any place is refused") {
  for (const Case& one : cases(1)) {
    REQUIRE_FALSE(one.refusal(one.message));
    for (std::size_t length = 0; length < one.message.size(); ++length) {
      const Bytes cut(one.message.begin(), one.message.begin() + static_cast<std::ptrdiff_t>(length));
      if (one.refusal(cut) != ErrorKind::damaged) FAIL(one.name << " of " << length << " bytes was read");
    }
  }
}

TEST_CASE("a message with any byte altered is refused") {
  for (const Case& one : cases(1)) {
    for (std::size_t i = 0; i < one.message.size(); ++i) {
      Bytes altered = one.message;
      altered[i] = static_cast<std::uint8_t>(altered[i] ^ (1U << (i % 8)));
      if (!one.refusal(altered)) FAIL(one.name << " with byte " << i << " altered was read");
    }
  }
}

TEST_CASE("altered bytes are refused even where every checksum is made right again") {
  for (const Case& one : cases(1)) {
    const std::vector<Bytes> frames = frames_of(one.message);
    REQUIRE(frames.size() == 2);
    const Digest digest = sha256(frames[0]);
    for (std::size_t f = 0; f < frames.size(); ++f) {
      const Bytes payload = payload_of(frames[f]);
      // A query's ciphertexts are any units there are: of the chunk, all that stands before them.
      const std::size_t end = f > 0 && one.name == "query"
                                  ? payload.size() - alice().public_key().ciphertext_bytes()
                                  : payload.size();
      for (std::size_t i = 0; i < end; ++i) {
        std::vector<Bytes> changed = frames;
        Bytes altered = payload;
        altered[i] ^= 0x40U;
        changed[f] = with_payload(frames[f], altered, f == 0 ? ByteView() : ByteView(digest));
        if (!one.refusal(join(changed))) {
          FAIL(one.name << " with byte " << i << " of payload " << f << " altered was read");
        }
      }
    }
  }
}

TEST_CASE("chunks swapped, repeated, left out or added are refused") {
  for (const Case& one : cases(2)) {
    const std::vector<Bytes> frames = frames_of(one.message);
    const Bytes& header = frames[0];
    const std::vector<std::vector<Bytes>> wrong = {{header, frames[2], frames[1]},
                                                   {header, frames[1], frames[1]},
                                                   {header, frames[2], frames[2]},
                                                   {header, frames[1]},
                                                   {header, frames[2]},
                                                   {header},
                                                   {header, frames[1], frames[2], frames[2]},
                                                   {header, header, frames[1], frames[2]},
                                                   {frames[1], frames[2]},
                                                   {header, frames[1], frames[2], {0}}};
    for (const std::vector<Bytes>& parts : wrong) CHECK(one.refusal(join(parts)) == ErrorKind::damaged);
  }
}

TEST_CASE("a message of the other direction is refused") {
  const std::vector<Case> both = cases(2);
  CHECK(both[0].refusal(both[1].message) == ErrorKind::damaged);
  CHECK(both[1].refusal(both[0].message) == ErrorKind::damaged);
}

TEST_CASE("chunks of a message with another header are refused") {
  const CompiledModel model = tiny_model();
  const ClientSpec spec = model.client_spec();
  const QueryEncryptor client = encryptor_for(spec, alice());
  const std::vector<Bytes> two = frames_of(client.encrypt(make_inputs(spec, 2), client.plain()));
  const std::vector<Bytes> three = frames_of(client.encrypt(make_inputs(spec, 3), client.plain()));
  CHECK(kind_of([&] { Server(model).answer(join({two[0], two[1], three[2]})); }) == ErrorKind::damaged);
  // Even where the headers differ in nothing but their nonce.
  const std::vector<Bytes> again = frames_of(client.encrypt(make_inputs(spec, 2), client.plain()));
  CHECK(kind_of([&] { Server(model).answer(join({two[0], two[1], again[2]})); }) == ErrorKind::damaged);
}

TEST_CASE("nothing of a damaged reply is handed out") {
  const Case reply = cases(2)[1];
  const CompiledModel model = make_model(1, 4, {-3}, {7});
  Bytes trailing = reply.message;
  trailing.push_back(0);
  FrameReader reader(trailing, "reply");
  std::size_t received = 0;
  CHECK(kind_of([&] {
          decryptor_for(model.client_spec(), alice())
              .decrypt(
                  reader, [&](std::size_t, const std::vector<std::int64_t>&) { ++received; },
                  [](std::size_t) {});
        }) == ErrorKind::damaged);
  CHECK(received == 0);
}
