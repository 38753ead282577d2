#pragma once

#include <cstddef>
#include <utility>

#include "opaline/bigint/pair_arithmetic.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// Many ciphertexts in the form an evaluator calculates in, side by side in its lanes: made by
/// Evaluator::load, read by Evaluator::store. What a single operation spends on conversions is spent once
/// here. Like EvaluatedCiphertext it cannot be sent as it is.
class CiphertextVector {
 public:
  std::size_t size() const { return size_; }
  const PublicKey& key() const { return key_; }

 private:
  CiphertextVector(PublicKey key, std::size_t size, std::size_t lanes, WordVector words)
      : key_(std::move(key)), size_(size), lanes_(lanes), words_(std::move(words)) {}
  friend class Evaluator;

  PublicKey key_;
  std::size_t size_;
  std::size_t lanes_;
  WordVector words_;  ///< element after element; lanes without a ciphertext hold 1
};

}  // namespace opaline
