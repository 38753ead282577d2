#pragma once

#include <cstddef>
#include <span>
#include <utility>

#include "opaline/bigint/words.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// Plaintexts under one key as residues in [0, n), least significant word first, each in as many words as n
/// whatever its value: unlike an Integer's, the length of these tells nothing. Zero at first; wiped and left
/// out of core dumps.
class PlaintextVector {
 public:
  PlaintextVector(const PublicKey& key, std::size_t count)
      : PlaintextVector(key, WordVector(count * words_for(key.bits()))) {}

  const PublicKey& key() const { return key_; }
  std::size_t size() const { return words_.size() / each(); }

  std::span<Word> operator[](std::size_t i) { return std::span(words_).subspan(i * each(), each()); }
  std::span<const Word> operator[](std::size_t i) const {
    return std::span(words_).subspan(i * each(), each());
  }

 private:
  PlaintextVector(PublicKey key, WordVector words) : key_(std::move(key)), words_(std::move(words)) {}
  friend class Decryptor;
  friend class Encryptor;

  std::size_t each() const { return words_for(key_.bits()); }

  PublicKey key_;
  WordVector words_;
};

}  // namespace opaline
