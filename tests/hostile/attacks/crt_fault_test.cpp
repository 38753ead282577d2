// A fault in one half of a computation by Chinese remainders: the result is right mod q and wrong mod p, and
// its distance from the right one has q in common with n (Boneh, DeMillo, Lipton 1997; for any decryption or
// signature that is put together of halves).

#include <array>
#include <catch2/catch.hpp>
#include <optional>
#include <random>

#include "inference/parties.h"
#include "support/error_kind.h"
#include "support/faulty_backend.h"
#include "support/supported_backends.h"
#include "support/threads.h"

using namespace opaline;
using namespace opaline::test;

namespace {

/// A factor of n, from a result and what it ought to have been.
std::optional<Integer> factor_from(const Integer& result, const Integer& right, const PublicKey& key) {
  const Integer common = gcd_vartime(result - right, key.n());
  if (common == 1 || common == key.n()) return std::nullopt;
  return common;
}

/// A weakened copy of decryption: by halves as Decryptor does it, but nothing is checked. Bit `bit` of the
/// ciphertext mod p², or mod q², is turned over once it has been loaded.
Integer decrypt_unchecked(const SecretKey& key, const Integer& ciphertext, std::size_t faulty_half,
                          unsigned bit) {
  const std::array<Integer, 2> primes = {key.p().value(), key.q().value()};
  std::array<Integer, 2> residues;
  for (std::size_t half = 0; half < 2; ++half) {
    const Integer& p = primes.at(half);
    Integer x = ciphertext % (p * p);
    if (half == faulty_half) bit_flip(x, bit);
    const Integer logarithm = (pow_mod_vartime(x, p - 1, p * p) - 1) / p;
    residues.at(half) = floor_mod(-logarithm * invert_vartime(primes.at(1 - half), p), p);
  }
  const Integer step = invert_vartime(primes[0], primes[1]);
  return residues[0] + floor_mod((residues[1] - residues[0]) * step, primes[1]) * primes[0];
}

}  // namespace

TEST_CASE("one bit in one half of an unchecked decryption factors n") {
  const PublicKey& key = alice().public_key();
  const Integer m = 123456789;
  const Integer c = Encryptor(key).encrypt(m).value();
  REQUIRE(decrypt_unchecked(alice(), c, 2, 0) == m);
  for (const unsigned bit : {0U, 1U, 63U, 511U, 512U, 700U, 1000U}) {
    CHECK(factor_from(decrypt_unchecked(alice(), c, 0, bit), m, key) == alice().q().value());
    CHECK(factor_from(decrypt_unchecked(alice(), c, 1, bit), m, key) == alice().p().value());
  }
}

namespace {

/// Turns over bits of results that `action` calculates with a faulty backend, the last ones and others, one
/// at a time. Each time it has to end with Error(fault) or with what `is_right`, as where the bit was in a
/// lane or an entry of a table that nothing is made of.
template <typename Make, typename Action, typename IsRight>
void check_faults(const Make& make, const Action& action, const IsRight& is_right) {
  const Threads threads(1);
  std::mt19937_64 random(7);
  for (const Backend* const backend : supported_backends()) {
    FaultyBackend faulty(*backend);
    const auto party = make(faulty.backend());
    faulty.calm();
    REQUIRE(is_right(action(party)));
    const std::size_t results = faulty.results();
    std::size_t refused = 0;
    constexpr std::size_t kFaults = 200;
    for (std::size_t i = 0; i < kFaults; ++i) {
      const std::size_t result = i < 20 ? results - 1 - i : random() % results;
      const std::size_t bit = random() % (std::size_t{1} << 20U);
      CAPTURE(backend->name(), backend->lanes(), result, bit);
      faulty.strike(result, bit);
      bool released = false;
      bool right = true;
      const auto kind = kind_of([&] {
        const auto values = action(party);
        released = true;
        right = is_right(values);
      });
      CHECK(faulty.has_struck());
      CHECK(released == !kind);
      if (kind) {
        CHECK(kind == ErrorKind::fault);
        ++refused;
      } else {
        CHECK(right);
      }
    }
    CHECK(refused > kFaults / 4);
  }
}

const std::vector<Integer> kPlaintexts = {123456789, -1, 0};

}  // namespace

TEST_CASE("one bit anywhere in the product's decryption gives nothing to factor n with") {
  const std::vector<Ciphertext> ciphertexts = Encryptor(alice().public_key()).encrypt(kPlaintexts);
  check_faults([](const Backend& backend) { return Decryptor(alice(), backend); },
               [&](const Decryptor& decryptor) { return decryptor.decrypt(ciphertexts); },
               [](const std::vector<Integer>& plaintexts) { return plaintexts == kPlaintexts; });
}

TEST_CASE("one bit anywhere in the product's encryption by the owner gives nothing to factor n with") {
  const Decryptor decryptor(alice());
  check_faults([](const Backend& backend) { return Encryptor(alice(), backend); },
               [](const Encryptor& encryptor) { return encryptor.encrypt(kPlaintexts); },
               [&](const std::vector<Ciphertext>& sent) { return decryptor.decrypt(sent) == kPlaintexts; });
}
