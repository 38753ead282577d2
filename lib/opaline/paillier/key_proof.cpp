#include "opaline/paillier/key_proof.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "opaline/base/error.h"
#include "opaline/base/sha256.h"
#include "opaline/base/wiped_stack.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/bigint/integer.h"
#include "opaline/paillier/keys.h"

namespace opaline {
namespace {

/// Big-endian, as numbers stand in what is hashed.
using Counter = std::array<std::uint8_t, 4>;

Counter counter(std::size_t value) {
  Counter bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(value >> (8 * (bytes.size() - 1 - i)));
  }
  return bytes;
}

/// A number of as many bits as n has.
Integer hashed_number(ByteView n, std::size_t bits, std::size_t index, std::size_t attempt) {
  Bytes bytes;
  for (std::size_t block = 0; bytes.size() < n.size(); ++block) {
    const Digest digest = sha256(
        {as_bytes(kKeyProofName), counter(n.size()), n, counter(index), counter(attempt), counter(block)});
    bytes.insert(bytes.end(), digest.begin(), digest.end());
  }
  bytes.resize(n.size());
  return from_bytes(bytes) >> static_cast<unsigned>(8 * n.size() - bits);
}

std::size_t root_bytes(const PublicKey& key) { return (key.bits() + 7) / 8; }

/// y_1 … y_m; nothing if they cannot be that.
std::vector<Integer> parse_roots(const KeyProof& proof, const PublicKey& key) {
  const std::size_t width = root_bytes(key);
  if (proof.roots.size() != kKeyProofRoots * width) return {};
  std::vector<Integer> roots;
  for (std::size_t i = 0; i < kKeyProofRoots; ++i) {
    roots.push_back(from_bytes(ByteView(proof.roots).subspan(i * width, width)));
    if (roots.back() == 0 || roots.back() >= key.n()) return {};
  }
  return roots;
}

/// roots[i]^n mod n, the first halves of powers mod n².
std::vector<Integer> nth_powers_vartime(const std::vector<Integer>& roots, const PublicKey& key,
                                        const Backend& backend) {
  const auto arithmetic = uniform_arithmetic(backend, key.n());
  WordVector element(arithmetic->words());
  std::vector<Integer> powers;
  while (powers.size() < roots.size()) {
    std::vector<Integer> lanes(arithmetic->lanes());
    const std::size_t count = std::min(lanes.size(), roots.size() - powers.size());
    std::copy_n(roots.begin() + static_cast<std::ptrdiff_t>(powers.size()), count, lanes.begin());
    arithmetic->load(element.data(), lanes);
    pow_vartime(*arithmetic, element.data(), element.data(), key.n());
    auto halves = arithmetic->store_halves(element.data());
    for (std::size_t i = 0; i < count; ++i) powers.push_back(std::move(halves[i].a));
  }
  return powers;
}

/// x^(1/n) mod the prime p.
Integer root_mod_prime(const Integer& x, const Integer& n, const Integer& p) {
  const Integer order = p - 1;
  return pow_mod(x % p, invert_vartime(n % order, order), p);
}

/// y_1 … y_m. GMP leaves its working on the stack.
Bytes roots_of(const std::vector<Integer>& challenges, const SecretKey& key) {
  const Integer p = key.p().value();
  const Integer q = key.q().value();
  const Integer& n = key.public_key().n();
  const Integer p_inverse = invert_vartime(p, q);
  Bytes roots;
  for (const Integer& x : challenges) {
    const Integer y_p = root_mod_prime(x, n, p);
    const Integer y_q = root_mod_prime(x, n, q);
    const Integer y = y_p + floor_mod((y_q - y_p) * p_inverse, q) * p;
    const Bytes bytes = to_bytes(y, root_bytes(key.public_key()));
    roots.insert(roots.end(), bytes.begin(), bytes.end());
  }
  return roots;
}

}  // namespace

std::vector<Integer> key_proof_challenges_vartime(const PublicKey& key) {
  const Bytes n = to_bytes(key.n());
  std::vector<Integer> result;
  for (std::size_t i = 0; i < kKeyProofRoots; ++i) {
    std::size_t attempt = 0;  // drawn again with probability below a half: n has its uppermost bit
    Integer x = hashed_number(n, key.bits(), i, attempt);
    while (x >= key.n()) x = hashed_number(n, key.bits(), i, ++attempt);
    result.push_back(std::move(x));
  }
  return result;
}

KeyProof make_key_proof(const SecretKey& key) {
  const PublicKey& pub = key.public_key();
  const std::vector<Integer> challenges = key_proof_challenges_vartime(pub);
  KeyProof proof;
  run_in_secret_thread([&] { proof.roots = roots_of(challenges, key); });
  if (!proves_vartime(proof, pub)) {
    throw Error(ErrorKind::fault, "the proof of a key came out wrong and was thrown away");
  }
  return proof;
}

bool proves_vartime(const KeyProof& proof, const PublicKey& key, const Backend& backend) {
  const std::vector<Integer> roots = parse_roots(proof, key);
  if (roots.empty()) return false;
  const std::vector<Integer> expected = key_proof_challenges_vartime(key);
  const auto is_unit = [&](const Integer& x) { return gcd_vartime(x, key.n()) == 1; };
  if (!std::all_of(expected.begin(), expected.end(), is_unit)) return false;
  return nth_powers_vartime(roots, key, backend) == expected;
}

}  // namespace opaline
