#pragma once

#include <span>
#include <utility>

#include "opaline/bigint/integer.h"
#include "opaline/bigint/words.h"

namespace opaline {

/// A non-negative number in a public count of words, least significant first: wiped when it is destroyed,
/// left out of core dumps; it can be moved, but copied only by saying so.
class SecretInteger {
 public:
  SecretInteger() = default;
  explicit SecretInteger(WordVector words) : words_(std::move(words)) {}

  /// Of a number that is known elsewhere: as many words as it needs. Not constant-time in how many.
  explicit SecretInteger(const Integer& value) : words_(words_for(bit_length(value))) {
    to_words(value, words_);
  }

  SecretInteger(SecretInteger&& other) noexcept { std::swap(words_, other.words_); }
  SecretInteger& operator=(SecretInteger&& other) noexcept {
    std::swap(words_, other.words_);
    return *this;
  }
  SecretInteger(const SecretInteger&) = delete;
  SecretInteger& operator=(const SecretInteger&) = delete;
  ~SecretInteger() = default;

  SecretInteger clone() const { return SecretInteger(words_); }

  std::span<const Word> words() const { return words_; }

  /// In ordinary memory, for key generation and tests. Not constant-time in its leading zero words.
  Integer value() const { return from_words(words_); }

 private:
  WordVector words_;
};

}  // namespace opaline
