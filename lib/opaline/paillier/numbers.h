#pragma once

#include <cstddef>
#include <memory>
#include <new>

#include "opaline/bigint/pair_arithmetic.h"

namespace opaline {

/// Numbers on their own (PairArithmetic::number_words), or elements, one after the other in memory that is
/// neither cleared nor wiped: for ciphertexts and their products.
class Numbers {
 public:
  Numbers(std::size_t count, std::size_t words_each)
      : words_each_(words_each),
        words_(static_cast<Word*>(::operator new(count* words_each * sizeof(Word), kAlignment))) {}

  Word* operator[](std::size_t i) { return words_.get() + i * words_each_; }
  const Word* operator[](std::size_t i) const { return words_.get() + i * words_each_; }

 private:
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(Word* words) const { ::operator delete(words, kAlignment); }
  };

  std::size_t words_each_;
  std::unique_ptr<Word, Free> words_;
};

}  // namespace opaline
