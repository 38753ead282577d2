#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/base/parallel.h"
#include "opaline/paillier/ciphertext.h"

namespace opaline {

/// The ciphertexts of a chunk: fixed width, one after the other. parse_ciphertexts reads them again.
inline Bytes ciphertext_bytes(std::span<const Ciphertext> ciphertexts) {
  if (ciphertexts.empty()) return {};
  const std::size_t width = ciphertexts.front().key().ciphertext_bytes();
  Bytes bytes(ciphertexts.size() * width);
  const std::vector<Share> shares = even_shares(ciphertexts.size(), 128);
  parallel_for(shares.size(), [&](std::size_t share) {
    for (std::size_t i = shares[share].first; i < shares[share].first + shares[share].count; ++i) {
      const Bytes one = ciphertexts[i].to_bytes();
      std::copy(one.begin(), one.end(), bytes.begin() + static_cast<std::ptrdiff_t>(i * width));
    }
  });
  return bytes;
}

}  // namespace opaline
