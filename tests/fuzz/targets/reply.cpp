#include <algorithm>

#include "fuzz/fixed_key.h"
#include "fuzz/loose_frames.h"
#include "fuzz/sample_messages.h"
#include "fuzz/sample_models.h"
#include "fuzz/targets/targets.h"
#include "opaline/inference/server.h"
#include "opaline/inference/spec_certificate.h"

namespace opaline::fuzz {
namespace {

const ClientSpec& spec() { return sample_model().client_spec(); }

const ReplyDecryptor& client() {
  static const ReplyDecryptor client(spec(), Decryptor(fixed_key()));
  return client;
}

std::vector<Bytes> seeds() {
  const Server server(sample_model());
  std::vector<Bytes> replies;
  for (const LayoutShape& layout : sample_layouts()) {
    replies.push_back(server.answer(sample_query(layout, layout.images + 1)));
  }
  return replies;
}

void run(ByteView input) {
  const std::initializer_list<ErrorKind> refusals = {ErrorKind::damaged,
                                                     ErrorKind::unsupported_version,
                                                     ErrorKind::too_large,
                                                     ErrorKind::wrong_key,
                                                     ErrorKind::wrong_model,
                                                     ErrorKind::does_not_fit,
                                                     ErrorKind::invalid_ciphertext,
                                                     ErrorKind::corrupt_reply};
  accepted(refusals, [&] {
    const std::vector<std::vector<std::int64_t>> answers = client().decrypt(input);
    FrameReader reader(input, "reply");
    require(answers.size() == read_reply_header(reader).images, "there is an answer an image");
    for (const std::vector<std::int64_t>& answer : answers) {
      require(answer.size() == spec().outputs, "an answer has all outputs");
      require(std::all_of(answer.begin(), answer.end(),
                          [](std::int64_t y) { return -spec().bound <= y && y <= spec().bound; }),
              "answers lie within the certificate");
    }
  });
}

// Plaintexts as a server makes them, or nearly.
Integer plaintext_for(const SlotLayout& layout, Mutator& mutator) {
  Integer plaintext = 0;
  for (std::size_t image = 0; image < layout.images(); ++image) {
    for (std::size_t k = 0; k < layout.shape().outputs; ++k) {
      const std::int64_t most = 2 * spec().bound + (mutator.one_in(32) ? 1 : 0);
      const std::int64_t biased =
          mutator.one_in(3) ? most : static_cast<std::int64_t>(mutator.below(200)) % most;
      plaintext += Integer(biased) << static_cast<unsigned>(layout.answer_bit(image, k));
    }
  }
  if (mutator.one_in(16)) plaintext += Integer(1) << static_cast<unsigned>(mutator.below(1000));
  if (mutator.one_in(32)) plaintext = -plaintext;
  return plaintext;
}

Bytes forged(const Bytes& input, Mutator& mutator) {
  static const std::vector<LayoutShape> layouts = sample_layouts();
  FrameReader reader(input, "reply");
  ReplyHeader header = read_reply_header(reader);
  header.key_id = short_id(fixed_key().public_key().fingerprint());
  header.model_id = short_id(spec().model_id);
  header.images = 1 + mutator.below(5);
  header.layout = mutator.one_of(layouts);
  const SlotLayout layout(header.layout, certificate_of(spec()), fixed_key().public_key().bits());
  std::vector<Integer> numbers;
  for (std::size_t i = 0; i < 3; ++i) {
    numbers.push_back(fixed_encryptor().encrypt(plaintext_for(layout, mutator)).value());
  }
  if (mutator.one_in(8)) numbers.push_back(mutator.one_of(telling_numbers()));
  if (mutator.one_in(4)) header.layout = changed(header.layout, mutator);
  return message_of(header, numbers);
}

Bytes mutate(Bytes input, std::size_t limit, Mutator& mutator) {
  return forge_or_mutate_frames(std::move(input), limit, mutator, forged);
}

}  // namespace

FuzzTarget reply_target() { return {"reply", seeds, run, mutate, 40}; }

}  // namespace opaline::fuzz
