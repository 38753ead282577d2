#include "opaline/paillier/ciphertext.h"

#include <cstddef>
#include <string>

#include "opaline/base/error.h"

namespace opaline {

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
  std::vector<Ciphertext> ciphertexts;
  ciphertexts.reserve(bytes.size() / width);
  Integer product = 1;
  for (std::size_t i = 0; i < bytes.size() / width; ++i) {
    Integer value = from_bytes(bytes.subspan(i * width, width));
    if (value == 0) refuse(i, "is 0");
    if (value >= key.n_squared()) refuse(i, "is not below n^2");
    product = product * (value % key.n()) % key.n();
    ciphertexts.push_back(Ciphertext(key, std::move(value)));
  }
  if (gcd_vartime(product, key.n()) != 1) {
    for (std::size_t i = 0; i < ciphertexts.size(); ++i) {
      if (gcd_vartime(ciphertexts[i].value(), key.n()) != 1) refuse(i, "is not a unit mod n^2");
    }
  }
  return ciphertexts;
}

}  // namespace opaline
