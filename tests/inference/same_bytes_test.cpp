// A whole inference with the system's randomness replaced by a repeatable sequence
// (support/fixed_random.cpp): query, reply and answers are the same on every backend, byte for byte. One
// thread: with several, which ciphertext gets which part of the sequence is open.

#include <catch2/catch.hpp>

#include "inference/parties.h"
#include "support/fixed_random.h"
#include "support/supported_backends.h"
#include "support/threads.h"

using namespace opaline;
using namespace opaline::test;

namespace {

struct Inference {
  Bytes query;
  Bytes first_reply;
  Bytes second_reply;
  std::vector<std::vector<std::int64_t>> answers;
};

Inference infer(const CompiledModel& model, const std::vector<EncodedInput>& inputs,
                const LayoutShape& layout, Owner owner, const Backend& backend) {
  const SecretKey& key = alice();
  const ClientSpec& spec = model.client_spec();
  restart_random(11);
  Encryptor encryptor =
      owner == Owner::secret ? Encryptor(key, backend) : Encryptor(key.public_key(), backend);
  Inference inference;
  inference.query = QueryEncryptor(spec, std::move(encryptor)).encrypt(inputs, layout);
  restart_random(12);  // what is drawn beyond need for the lanes of a backend is drawn before this
  const Server server(model, backend);
  inference.first_reply = server.answer(inference.query);
  inference.second_reply = server.answer(inference.query);  // with noise left over from the first
  inference.answers = ReplyDecryptor(spec, Decryptor(key, backend)).decrypt(inference.second_reply);
  return inference;
}

}  // namespace

TEST_CASE("a whole inference gives the same bytes on every backend") {
  const Threads threads(1);
  const CompiledModel model = small_model();
  REQUIRE(backend("avx512ifma").supported());
  for (const Packing packing : kPackings) {
    for (const Owner owner : {Owner::secret, Owner::everyone}) {
      for (const std::size_t images : {1U, 3U, 50U}) {
        if (packing != Packing::batch && images == 50) continue;
        const LayoutShape layout = layout_for(model.client_spec(), packing, images);
        CAPTURE(static_cast<int>(packing), static_cast<int>(owner), images);
        const std::vector<EncodedInput> inputs = make_inputs(model.client_spec(), images);
        const Inference portable = infer(model, inputs, layout, owner, backend("portable"));
        const Inference ifma = infer(model, inputs, layout, owner, backend("avx512ifma"));
        CHECK((portable.query == ifma.query));
        CHECK((portable.first_reply == ifma.first_reply));
        // Masks of a second reply come after noise for the lanes of the first.
        if (layout.features == 1) CHECK((portable.second_reply == ifma.second_reply));
        CHECK((portable.first_reply != portable.second_reply));
        CHECK(portable.answers == predict(model, inputs));
        CHECK(ifma.answers == predict(model, inputs));
      }
    }
  }
}
