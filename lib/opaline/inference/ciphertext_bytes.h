#pragma once

#include <span>

#include "opaline/base/bytes.h"
#include "opaline/paillier/ciphertext.h"

namespace opaline {

/// The ciphertexts of a chunk: fixed width, one after the other. parse_ciphertexts reads them again.
inline Bytes ciphertext_bytes(std::span<const Ciphertext> ciphertexts) {
  Bytes bytes;
  if (!ciphertexts.empty()) bytes.reserve(ciphertexts.size() * ciphertexts.front().key().ciphertext_bytes());
  for (const Ciphertext& ciphertext : ciphertexts) {
    const Bytes one = ciphertext.to_bytes();
    bytes.insert(bytes.end(), one.begin(), one.end());
  }
  return bytes;
}

}  // namespace opaline
