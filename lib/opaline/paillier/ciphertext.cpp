#include "opaline/paillier/ciphertext.h"

#include <cstddef>
#include <string>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"

namespace opaline {
namespace {

/// Ciphertexts that are read together.
constexpr std::size_t kShare = 128;

}  // namespace

std::vector<Ciphertext> parse_ciphertexts(const PublicKey& key, ByteView bytes) {
  const std::size_t width = key.ciphertext_bytes();
  if (bytes.size() % width != 0) {
    throw Error(ErrorKind::invalid_ciphertext, "ciphertexts of this key have " + std::to_string(width) +
                                                   " bytes each; " + std::to_string(bytes.size()) +
                                                   " bytes are no whole number of them");
  }
  const auto refuse = [](std::size_t i, const char* why) {
    throw Error(ErrorKind::invalid_ciphertext, "ciphertext " + std::to_string(i) + " " + why);
  };
  const std::size_t count = bytes.size() / width;
  std::vector<Integer> values(count);
  const std::vector<Share> shares = even_shares(count, kShare);
  std::vector<Integer> products(shares.size(), 1);
  parallel_for(shares.size(), [&](std::size_t share) {
    Integer& product = products[share];
    for (std::size_t i = shares[share].first; i < shares[share].first + shares[share].count; ++i) {
      values[i] = from_bytes(bytes.subspan(i * width, width));
      product = product * (values[i] % key.n()) % key.n();
    }
  });
  Integer product = 1;
  for (const Integer& one : products) product = product * one % key.n();
  const bool units = gcd_vartime(product, key.n()) == 1;
  std::vector<Ciphertext> ciphertexts;
  ciphertexts.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (values[i] == 0) refuse(i, "is 0");
    if (values[i] >= key.n_squared()) refuse(i, "is not below n^2");
    if (!units && gcd_vartime(values[i], key.n()) != 1) refuse(i, "is not a unit mod n^2");
    ciphertexts.push_back(Ciphertext(key, std::move(values[i])));
  }
  return ciphertexts;
}

}  // namespace opaline
