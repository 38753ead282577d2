#include "sample_keys.h"

#include "opaline/bigint/primes.h"

namespace opaline::test {

const SecretKey& sample_key() {
  static const SecretKey key = SecretKey::generate(kSmallestKeyBits);
  return key;
}

const SecretKey& other_key() {
  static const SecretKey key = SecretKey::generate(kSmallestKeyBits);
  return key;
}

const SecretKey& third_key() {
  static const SecretKey key = SecretKey::generate(kSmallestKeyBits);
  return key;
}

const SecretKey& imported_key() {
  static const SecretKey key = SecretKey::from_primes(SecretInteger(sample_key().p().value()),
                                                      SecretInteger(sample_key().q().value()));
  return key;
}

Integer centred(const Integer& x, const PublicKey& key) {
  const Integer residue = floor_mod(x, key.n());
  return residue > key.n() / 2 ? Integer(residue - key.n()) : residue;
}

Integer prime_from(const Integer& x) {
  Integer prime = x | 1;
  while (!is_probable_prime_vartime(prime)) prime += 2;
  return prime;
}

std::vector<Integer> sample_plaintexts(const PublicKey& key, std::size_t count) {
  const Integer largest = (key.n() - 1) / 2;
  std::vector<Integer> plaintexts = {0, 1, -1, largest, -largest, largest - 1, 1 - largest};
  while (plaintexts.size() < count) plaintexts.push_back(centred(random_below(key.n()), key));
  plaintexts.resize(count);
  return plaintexts;
}

}  // namespace opaline::test
