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

/// Makes a party and turns over one bit at a time in each of its blocks by turns. What it then gives out must
/// be right, or nothing be given out and Error(fault) say why.
template <typename Make, typename IsRight>
FaultOutcomes with_faults_at_rest(std::size_t flips, const Make& make, const IsRight& is_right) {
  const auto before = blocks().sizes;
  const auto party = make();
  std::vector<std::pair<unsigned char*, std::size_t>> own;
  std::copy_if(blocks().sizes.begin(), blocks().sizes.end(), std::back_inserter(own),
               [&](const auto& block) { return block.second > 0 && !before.contains(block.first); });
  REQUIRE(own.size() > 10);
  REQUIRE(is_right(*party));
  std::mt19937_64 random(19);
  FaultOutcomes outcomes;
  std::size_t released_wrong = 0;
  std::size_t other_errors = 0;
  for (std::size_t i = 0; i < flips; ++i) {
    const auto& [block, bytes] = own[i % own.size()];
    const std::size_t bit = random() % (8 * bytes);
    const auto turn_over = [&, b = block] {
      b[bit / 8] = static_cast<unsigned char>(b[bit / 8] ^ 1U << bit % 8);
    };
    turn_over();
    bool right = false;
    const auto kind = kind_of([&] { right = is_right(*party); });
    turn_over();
    if (kind) {
      ++(kind == ErrorKind::fault ? outcomes.refused : other_errors);
    } else {
      ++(right ? outcomes.right : released_wrong);
    }
  }
  CHECK(released_wrong == 0);
  CHECK(other_errors == 0);
  return outcomes;
}

constexpr std::size_t kFlips = 1000;

const std::vector<Integer> kPlaintexts = {123456789, -1, 0, 7, 8, 9, 10, 11, 12};

}  // namespace

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
