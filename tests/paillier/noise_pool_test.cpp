#include "opaline/paillier/noise_pool.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <set>
#include <thread>

#include "opaline/bigint/fixed_base.h"
#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "sample_keys.h"
#include "support/supported_backends.h"
#include "support/threads.h"

using namespace opaline;
using namespace opaline::test;

namespace {

/// A source of 1, 2, 3, …, three at a time.
class Counter {
 public:
  NoisePool::Source source() {
    return [this] {
      std::vector<Integer> numbers(3);
      for (Integer& number : numbers) number = ++last_;
      return numbers;
    };
  }

 private:
  std::atomic<unsigned> last_{0};
};

std::vector<Integer> counted(unsigned first, unsigned count) {
  std::vector<Integer> numbers;
  numbers.reserve(count);
  for (unsigned i = 0; i < count; ++i) numbers.emplace_back(first + i);
  return numbers;
}

template <typename Condition>
bool comes_true(const Condition& condition) {
  for (int i = 0; i < 20000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

/// What action() gives in a forked process, up to 255. OpenMP's threads do not survive fork, so it has one.
template <typename Action>
int in_child(const Action& action) {
  const pid_t child = fork();
  if (child == 0) {
    const Threads threads(1);
    _exit(action());
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

}  // namespace

TEST_CASE("noise left over is kept for the next, in order, and handed out once") {
  Counter counter;
  NoisePool pool(counter.source(), 64, 4);
  CHECK(pool.capacity() == 4);
  CHECK(pool.ready() == 0);
  CHECK(pool.take_ready(2).empty());
  CHECK(pool.take(4) == counted(1, 4));
  CHECK(pool.ready() == 2);
  CHECK(pool.take_ready(9) == counted(5, 2));
  CHECK(pool.take_ready(9).empty());
  CHECK(pool.take(0).empty());
  CHECK(pool.take(3) == counted(7, 3));
}

TEST_CASE("what finds no room in the pool is not kept") {
  Counter counter;
  NoisePool pool(counter.source(), 64, 4);
  pool.put(counted(100, 6));
  CHECK(pool.ready() == 4);
  CHECK(pool.take_ready(2) == counted(100, 2));
  pool.put(counted(200, 2));  // around the end of the ring
  CHECK(pool.take_ready(9) == std::vector<Integer>{102, 103, 200, 201});
}

TEST_CASE("a background thread fills the pool again and again") {
  Counter counter;
  NoisePool pool(counter.source(), 64, 5, NoisePool::Filling::in_background);
  std::set<Integer> seen;
  for (int round = 0; round < 20; ++round) {
    REQUIRE(comes_true([&] { return pool.ready() == 5; }));
    for (const Integer& number : pool.take(7)) CHECK(seen.insert(number).second);
  }
  CHECK(seen.size() == 140);
}

TEST_CASE("many threads never get the same noise") {
  Counter counter;
  NoisePool pool(counter.source(), 64, 16, NoisePool::Filling::in_background);
  std::vector<std::vector<Integer>> taken(4);
  {
    std::vector<std::thread> threads;
    threads.reserve(taken.size());
    for (std::vector<Integer>& mine : taken) {
      threads.emplace_back([&pool, &mine] {
        for (int i = 0; i < 200; ++i) {
          for (Integer& number : pool.take(5)) mine.push_back(number);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  std::set<Integer> seen;
  for (const std::vector<Integer>& mine : taken) seen.insert(mine.begin(), mine.end());
  CHECK(seen.size() == 4000);
}

TEST_CASE("a source that fails does not end the program") {
  NoisePool pool([]() -> std::vector<Integer> { throw std::runtime_error("no randomness"); }, 64, 4,
                 NoisePool::Filling::in_background);
  CHECK_THROWS_WITH(pool.take(1), "no randomness");
}

TEST_CASE("a forked process finds the pool empty and open") {
  Counter counter;
  NoisePool pool(counter.source(), 64, 6);
  pool.put(counted(100, 6));
  CHECK(in_child([&] { return pool.take_ready(6).empty() ? 1 : 0; }) == 1);
  CHECK(in_child([&] { return pool.take(1) == counted(1, 1) ? 1 : 0; }) == 1);
  CHECK(pool.take_ready(6) == counted(100, 6));
}

TEST_CASE("ready noise encrypts, each piece once, also across fork") {
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name());
    const Decryptor decryptor(sample_key(), *backend);
    for (const bool owner : {true, false}) {
      const EncryptorOptions options{PublicNoiseKind::djn, 12};
      const Encryptor encryptor = owner ? Encryptor(sample_key(), *backend, options)
                                        : Encryptor(sample_key().public_key(), *backend, options);
      REQUIRE(comes_true([&] { return encryptor.ready() == 12; }));

      // The child's noise is its own although it was forked from a full pool.
      int ends[2] = {};
      REQUIRE(pipe(ends) == 0);
      CHECK(in_child([&] {
              const bool empty = encryptor.ready() == 0;
              const Bytes bytes = encryptor.encrypt(Integer(0)).to_bytes();
              const ssize_t written = write(ends[1], bytes.data(), bytes.size());
              return empty && written == static_cast<ssize_t>(bytes.size()) ? 1 : 0;
            }) == 1);
      Bytes of_child(sample_key().public_key().ciphertext_bytes());
      REQUIRE(read(ends[0], of_child.data(), of_child.size()) == static_cast<ssize_t>(of_child.size()));
      close(ends[0]);
      close(ends[1]);

      std::set<Integer> noise = {from_bytes(of_child)};
      const std::vector<Integer> zeros(31);
      const std::vector<Ciphertext> ciphertexts = encryptor.encrypt(zeros);
      for (const Ciphertext& ciphertext : ciphertexts) CHECK(noise.insert(ciphertext.value()).second);
      CHECK(decryptor.decrypt(ciphertexts) == zeros);
      const std::vector<Integer> plaintexts = sample_plaintexts(sample_key().public_key(), 20);
      CHECK(decryptor.decrypt(encryptor.encrypt(plaintexts)) == plaintexts);
    }
  }
}

TEST_CASE("noise of Damgård, Jurik and Nielsen encrypts and its tables are bounded") {
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name());
    const Encryptor encryptor(sample_key().public_key(), *backend, {PublicNoiseKind::djn, 0});
    CHECK(encryptor.table_bytes() > 0);
    CHECK(encryptor.table_bytes() <= FixedBase::kLargestTable);
    CHECK(encryptor.ready() == 0);
    const Decryptor decryptor(sample_key(), *backend);
    std::set<Integer> seen;
    for (const std::size_t count : {1U, 7U, 8U, 9U, 40U}) {
      const std::vector<Integer> plaintexts = sample_plaintexts(sample_key().public_key(), count);
      const std::vector<Ciphertext> ciphertexts = encryptor.encrypt(plaintexts);
      CHECK(decryptor.decrypt(ciphertexts) == plaintexts);
      for (const Ciphertext& ciphertext : ciphertexts) CHECK(seen.insert(ciphertext.value()).second);
    }
  }
}
