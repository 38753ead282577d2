// Run under valgrind's memcheck, which is told that secrets are undefined: it reports every branch and every
// address that depends on one. `taint_test NAME` does one thing; the names that begin with "leak" do what
// must be found.
#include <gmp.h>
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif

#include <array>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "opaline/base/constant_time.h"
#include "opaline/inference/client.h"
#include "opaline/inference/server.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "opaline/paillier/key_files.h"
#include "secret_random.h"

using namespace opaline;

namespace {

/// The file of a secret key whose numbers are secret.
SecretBytes secret_file(const SecretKey& key) {
  SecretBytes file = to_json(key);
  const std::string text(file.begin(), file.end());
  for (const char* const member :
       {"\"p\": \"", "\"q\": \"", "\"h_p\": \"", "\"h_q\": \"", "\"k_p\": \"", "\"k_q\": \""}) {
    const std::size_t at = text.find(member);
    if (at == std::string::npos) continue;
    const std::size_t first = at + std::string(member).size();
    mark_secret(file.data() + first, text.find('"', first) - first);
  }
  return file;
}

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "%s\n", what);
  std::exit(1);
}

/// That memcheck has not lost sight of it.
template <typename T>
void require_secret([[maybe_unused]] const T& words) {
#ifdef VALGRIND_GET_VBITS
  for (const auto& word : words) {
    Word undefined = 0;
    require(VALGRIND_GET_VBITS(&word, &undefined, sizeof(word)) == 1 && undefined != 0,
            "a secret is no longer taken for one");
  }
#endif
}

SecretKey fresh_key(std::size_t bits) {
  test::mark_randomness_secret(false);
  SecretKey key = SecretKey::generate(bits);
  test::mark_randomness_secret(true);
  return key;
}

SecretKey imported_key() {
  const SecretKey key = fresh_key(kSmallestKeyBits);
  const SecretKey without = SecretKey::from_primes(key.p().clone(), key.q().clone());
  return secret_key_from_json(secret_file(without), "imported.key");
}

SecretKey loaded_key(std::size_t bits = kSmallestKeyBits) {
  return secret_key_from_json(secret_file(fresh_key(bits)), "loaded.key");
}

/// Plaintexts whose words are secret; how many words they have is not.
std::vector<Integer> secret_plaintexts(const PublicKey& key) {
  std::vector<Integer> plaintexts = {1,
                                     -1,
                                     Integer(1) << 500U,
                                     -(Integer(1) << 500U),
                                     Integer((key.n() - 1) / 2),
                                     Integer(-((key.n() - 1) / 2)),
                                     123456789,
                                     0,
                                     7};
  for (Integer& plaintext : plaintexts) {
    const mpz_srcptr number = plaintext.backend().data();
    mark_secret(mpz_limbs_read(number), mpz_size(number) * sizeof(mp_limb_t));
  }
  return plaintexts;
}

void round_trip(const SecretKey& key, const Encryptor& encryptor) {
  require_secret(key.p().words());
  require_secret(key.q().words());
  const std::vector<Integer> plaintexts = secret_plaintexts(key.public_key());
  const std::vector<Integer> decrypted =
      Decryptor(key, backend("portable")).decrypt(encryptor.encrypt(plaintexts));
  for (std::size_t i = 0; i < plaintexts.size(); ++i) {
    const mpz_srcptr number = plaintexts[i].backend().data();
    declassify(mpz_limbs_read(number), mpz_size(number) * sizeof(mp_limb_t));
    require(decrypted[i] == plaintexts[i], "a wrong plaintext");
  }
}

/// What a client does from inputs to answers, in every sort of layout.
void ask(const SecretKey& key, const QueryEncryptor& client, const CompiledModel& model) {
  const ReplyDecryptor reader(model.client_spec(), Decryptor(key, backend("portable")));
  const std::int64_t most = model.client_spec().encoding.maximum();
  const std::vector<EncodedInput> inputs = {{0, 0, 0, 0, 0}, {most, most, most, most, most}, {1, 2, 3, 4, 5}};
  for (LayoutShape layout :
       {client.plain(), client.batch(3), LayoutShape{3, 2, 1, 1, 0}, LayoutShape{2, 3, 3, 2, 0}}) {
    layout.slot_bits = SlotLayout::slot_bits(layout, certificate_of(model.client_spec()));
    test::mark_randomness_secret(false);
    const QueryHeader header = client.header(inputs.size(), layout);
    test::mark_randomness_secret(true);
    Bytes query = to_frame(header);
    const auto secret_input = [&](std::size_t i) {
      EncodedInput input = inputs[i];
      mark_secret(std::span<const std::int64_t>(input));
      return input;
    };
    const auto append = [&](ByteView frame) { query.insert(query.end(), frame.begin(), frame.end()); };
    client.encrypt(header, 0, secret_input, append, [](std::size_t) {});
    test::mark_randomness_secret(false);  // a server's, which has secrets of its own
    const Bytes reply = Server(model).answer(query);
    test::mark_randomness_secret(true);
    std::vector<std::vector<std::int64_t>> answers = reader.decrypt(reply);
    require(answers.size() == inputs.size(), "an answer for every input");
    for (std::size_t i = 0; i < answers.size(); ++i) {
      require_secret(answers[i]);
      declassify(std::span<const std::int64_t>(answers[i]));
      require(answers[i] == model.predict(inputs[i]), "a wrong answer");
    }
  }
}

CompiledModel served_model() {
  ClientSpec spec;
  spec.name = "taint";
  spec.input_shape = {5};
  spec.inputs = 5;
  spec.outputs = 3;
  spec.encoding.bits = 4;
  spec.labels = {"a", "b", "c"};
  return {spec, {1, -2, 3, -4, 5, 7, 0, -7, 0, 7, -1, -1, -1, -1, -1}, {10, -20, 0}};
}

volatile int sink = 0;

const std::map<std::string, std::function<void()>> kCases = {
    {"key_loading",
     [] {
       const SecretKey key = loaded_key();
       require_secret(key.p().words());
       require_secret(key.generator_q()->h.words());
     }},
    {"key_import", [] { require_secret(imported_key().q().words()); }},
    {"owners_tables",
     [] {
       const SecretKey key = loaded_key();
       round_trip(key, Encryptor(key, backend("portable")));
     }},
    // Long enough for Karatsuba's identity in products mod n and p².
    {"owners_tables_2048",
     [] {
       const SecretKey key = loaded_key(2048);
       round_trip(key, Encryptor(key, backend("portable")));
     }},
    {"owners_ready_noise",
     [] {
       const SecretKey key = loaded_key();
       const Encryptor encryptor(key, backend("portable"), {PublicNoiseKind::full_length, 4});
       while (encryptor.ready() < 4) std::this_thread::yield();
       round_trip(key, encryptor);
     }},
    {"owners_powers",
     [] {
       const SecretKey key = imported_key();
       round_trip(key, Encryptor(key, backend("portable")));
     }},
    {"public_key",
     [] {
       const SecretKey key = loaded_key();
       round_trip(key, Encryptor(key.public_key(), backend("portable")));
     }},
    {"public_key_djn",
     [] {
       const SecretKey key = loaded_key();
       round_trip(key, Encryptor(key.public_key(), backend("portable"), {PublicNoiseKind::djn, 0}));
     }},
    {"client_with_its_key",
     [] {
       const SecretKey key = loaded_key();
       const CompiledModel model = served_model();
       ask(key, {model.client_spec(), Encryptor(key, backend("portable"))}, model);
     }},
    {"client_with_a_public_key",
     [] {
       const SecretKey key = loaded_key();
       const CompiledModel model = served_model();
       ask(key, {model.client_spec(), Encryptor(key.public_key(), backend("portable"))}, model);
     }},
    {"leak_by_a_branch",
     [] {
       int secret = 3;
       mark_secret(&secret, sizeof(secret));
       if (secret == 3) sink = 1;
     }},
    {"leak_by_an_address",
     [] {
       std::array<int, 16> table{};
       std::size_t secret = 3;
       mark_secret(&secret, sizeof(secret));
       sink = static_cast<volatile int*>(table.data())[secret];
     }},
    {"leak_by_division",
     [] {
       SecretInteger divisor(Integer("340282366920938463463374607431768211297"));
       const WordVector words(divisor.words().begin(), divisor.words().end());
       mark_secret(words.data(), words.size() * sizeof(Word));
       WordVector number(4, 12345);
       WordVector quotient(2);
       mpn_tdiv_qr(quotient.data(), number.data() + 2, 0, number.data(), 2, words.data(), 2);
     }},
};

}  // namespace

int main(int argc, char** argv) {
  const auto found = kCases.find(argc == 2 ? argv[1] : "");
  if (found == kCases.end()) {
    std::fprintf(stderr, "usage: valgrind taint_test NAME\n");
    for (const auto& [name, run] : kCases) std::fprintf(stderr, "  %s\n", name.c_str());
    return 2;
  }
  found->second();
  return 0;
}
