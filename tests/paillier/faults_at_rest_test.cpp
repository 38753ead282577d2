// A bit turned over in the memory of a party that has been made: in a constant, a table, a modulus. This
// program brings its own memory for secrets, to know where it lies.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <random>
#include <vector>

#include "fault_outcomes.h"
#include "opaline/base/secret_heap.h"
#include "opaline/bigint/divider.h"
#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "sample_keys.h"
#include "support/error_kind.h"
#include "support/supported_backends.h"
#include "support/threads.h"

namespace {

struct Blocks {
  std::mutex mutex;
  std::map<unsigned char*, std::size_t> sizes;
};

/// Never destroyed: secrets in static objects are given back at the very end.
Blocks& blocks() {
  static Blocks& all = *new Blocks;
  return all;
}

}  // namespace

namespace opaline {

// Defined in the program itself, these are linked in place of the library's object file of that name.

void* allocate_secret(std::size_t bytes) {
  constexpr std::size_t kUnit = 64;
  const std::size_t rounded = (std::max<std::size_t>(bytes, 1) + kUnit - 1) / kUnit * kUnit;
  void* const block = std::aligned_alloc(kUnit, rounded);
  if (block == nullptr) throw std::bad_alloc();
  std::memset(block, 0, rounded);
  const std::lock_guard lock(blocks().mutex);
  blocks().sizes[static_cast<unsigned char*>(block)] = bytes;
  return block;
}

void free_secret(void* block, std::size_t /*bytes*/) noexcept {
  if (block == nullptr) return;
  {
    const std::lock_guard lock(blocks().mutex);
    blocks().sizes.erase(static_cast<unsigned char*>(block));
  }
  std::free(block);
}

}  // namespace opaline

using namespace opaline;
using namespace opaline::test;

namespace {

using Block = std::pair<unsigned char*, std::size_t>;  ///< its bytes

template <typename Party>
struct Made {
  Party party;
  std::vector<Block> blocks;
};

/// A party and the memory it keeps secrets in.
template <typename Make>
auto made_with_blocks(const Make& make) {
  const auto before = blocks().sizes;
  auto party = make();
  std::vector<Block> own;
  std::copy_if(blocks().sizes.begin(), blocks().sizes.end(), std::back_inserter(own),
               [&](const auto& block) { return block.second > 0 && !before.contains(block.first); });
  return Made<decltype(party)>{std::move(party), std::move(own)};
}

/// What becomes of it with one bit of a block turned over: it has to be right, or Error(fault) say why not.
template <typename IsRight>
void turn_over(const Block& block, std::size_t bit, const IsRight& is_right, FaultOutcomes& outcomes) {
  unsigned char& byte = block.first[bit / 8];
  const auto mask = static_cast<unsigned char>(1U << bit % 8);
  byte ^= mask;
  bool right = false;
  const auto kind = kind_of([&] { right = is_right(); });
  byte ^= mask;
  if (kind) {
    if (kind != ErrorKind::fault) FAIL_CHECK("another error: byte " << bit / 8 << " of " << block.second);
    ++outcomes.refused;
  } else {
    if (!right) FAIL_CHECK("released wrong: bit " << bit << " of " << block.second << " bytes");
    ++outcomes.right;
  }
}

/// Makes a party and turns over one bit at a time in each of its blocks by turns.
template <typename Make, typename IsRight>
FaultOutcomes with_faults_at_rest(std::size_t flips, const Make& make, const IsRight& is_right) {
  const auto made = made_with_blocks(make);
  const std::vector<Block>& own = made.blocks;
  REQUIRE(own.size() > 10);
  REQUIRE(is_right(*made.party));
  std::mt19937_64 random(19);
  FaultOutcomes outcomes;
  for (std::size_t i = 0; i < flips; ++i) {
    const Block& block = own[i % own.size()];
    turn_over(
        block, random() % (8 * block.second), [&] { return is_right(*made.party); }, outcomes);
  }
  return outcomes;
}

constexpr std::size_t kFlips = 1000;

const std::vector<Integer> kPlaintexts = {123456789, -1, 0, 7, 8, 9, 10, 11, 12};

}  // namespace

TEST_CASE("a divider with a bit of its reciprocal turned over gives a right remainder or none") {
  // A reciprocal a little too small once gave remainders that were a few divisors too large and cut off: the
  // same error a few times over, which a check of sums can take for none. (A damaged divisor is divided by.)
  const Integer n = sample_key().public_key().n();
  WordVector divisor(words_for(bit_length(n)));
  to_words(n, divisor);
  const auto made = made_with_blocks([&] { return std::make_unique<Divider>(divisor); });
  const std::vector<Block>& own = made.blocks;
  const auto reciprocal = std::find_if(own.begin(), own.end(), [&](const Block& block) {
    return std::memcmp(block.first, divisor.data(), block.second) != 0;
  });
  REQUIRE((own.size() == 2 && reciprocal != own.end()));
  std::mt19937_64 random(20);
  FaultOutcomes outcomes;
  for (std::size_t bit = 0; bit < 8 * reciprocal->second; ++bit) {
    for (int times = 0; times < 20; ++times) {
      WordVector x(2 * divisor.size());
      for (Word& word : x) word = random();
      const auto upper = std::span(x).last(divisor.size());
      subtract_if(1 ^ is_below(upper, divisor), upper, divisor);
      const Integer expected = from_words(x) % n;
      WordVector remainder(divisor.size());
      const auto is_right = [&] {
        made.party->remainder(remainder, x);
        return from_words(remainder) == expected;
      };
      turn_over(*reciprocal, bit, is_right, outcomes);
    }
  }
  CHECK(outcomes.refused > 0);
  CHECK(outcomes.right > 0);
}

TEST_CASE("a decryptor with a bit turned over gives out what is right or nothing") {
  const Threads threads(1);
  for (const Backend* const base : supported_backends()) {
    // One and few ciphertexts share lanes, and so constants, with the one that is decrypted as a check.
    for (const std::size_t count : {1U, 2U, 3U, 4U, 5U, 9U}) {
      CAPTURE(base->name(), base->lanes(), count);
      const std::vector<Integer> plaintexts(kPlaintexts.begin(),
                                            kPlaintexts.begin() + static_cast<std::ptrdiff_t>(count));
      const std::vector<Ciphertext> ciphertexts = Encryptor(sample_key(), *base).encrypt(plaintexts);
      const FaultOutcomes outcomes = with_faults_at_rest(
          kFlips, [&] { return std::make_unique<Decryptor>(sample_key(), *base); },
          [&](const Decryptor& decryptor) { return decryptor.decrypt(ciphertexts) == plaintexts; });
      CHECK(outcomes.refused > kFlips / 4);
      CHECK(outcomes.right > 0);
    }
  }
}

// Minutes a backend and count, so not in the ordinary run.
TEST_CASE("a decryptor with any bit turned over gives out what is right or nothing", "[.][every]") {
  const Threads threads(1);
  for (const Backend* const base : supported_backends()) {
    for (const std::size_t count : {1U, 2U, 9U}) {
      const std::vector<Integer> plaintexts(kPlaintexts.begin(),
                                            kPlaintexts.begin() + static_cast<std::ptrdiff_t>(count));
      const std::vector<Ciphertext> ciphertexts = Encryptor(sample_key(), *base).encrypt(plaintexts);
      const auto made = made_with_blocks([&] { return std::make_unique<Decryptor>(sample_key(), *base); });
      FaultOutcomes outcomes;
      for (const Block& block : made.blocks) {
        for (std::size_t bit = 0; bit < 8 * block.second; ++bit) {
          turn_over(
              block, bit, [&] { return made.party->decrypt(ciphertexts) == plaintexts; }, outcomes);
        }
      }
      WARN(base->name() << ", " << base->lanes() << " lanes, " << count << " ciphertexts: "
                        << outcomes.refused << " faults refused, " << outcomes.right << " of no account");
    }
  }
}

TEST_CASE("an owner's encryptor with a bit turned over gives out what is right or nothing") {
  const Threads threads(1);
  const Decryptor decryptor(sample_key());
  const std::vector<Integer> plaintexts(kPlaintexts.begin(), kPlaintexts.begin() + 3);
  for (const Backend* const base : supported_backends()) {
    for (const SecretKey* const key : {&sample_key(), &imported_key()}) {
      CAPTURE(base->name(), base->lanes(), key == &sample_key());
      const FaultOutcomes outcomes = with_faults_at_rest(
          kFlips / 4, [&] { return std::make_unique<Encryptor>(*key, *base); },
          [&](const Encryptor& encryptor) {
            return decryptor.decrypt(encryptor.encrypt(plaintexts)) == plaintexts;
          });
      CHECK(outcomes.refused > 0);
      CHECK(outcomes.right > 0);
    }
  }
}
