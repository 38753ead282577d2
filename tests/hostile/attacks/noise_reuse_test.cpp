// One piece of noise used twice: c1/c2 = 1 + (m1 − m2)·n for anybody to see; and for a client two replies
// whose quotient is that of products unrandomised. It happens to noise that is kept ready where a process is
// copied: by fork, or with its memory.

#include <algorithm>
#include <catch2/catch.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "hostile/attacks/attacked_server.h"
#include "hostile/attacks/noise_reading.h"
#include "hostile/attacks/other_process.h"
#include "inference/parties.h"
#include "opaline/base/file.h"
#include "opaline/paillier/noise_pool.h"
#include "opaline/paillier/reply_noise.h"
#include "support/memory_map.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;

namespace {

/// m1 − m2 mod n of two ciphertexts with the same noise, nothing of any others. It takes no key. Others pass
/// for such with a probability of 1/n.
std::optional<Integer> difference(const Integer& c1, const Integer& c2, const PublicKey& key) {
  const Integer quotient = c1 * invert_vartime(c2, key.n_squared()) % key.n_squared();
  if (quotient % key.n() != 1) return std::nullopt;
  return quotient / key.n();
}

std::vector<Integer> encrypted(const Encryptor& encryptor, const std::vector<Integer>& plaintexts) {
  std::vector<Integer> numbers;
  for (const Ciphertext& one : encryptor.encrypt(plaintexts)) numbers.push_back(one.value());
  return numbers;
}

/// How many of all pairs have a difference to read, and whether each that has is right.
std::size_t readable(const std::vector<Integer>& c1, const std::vector<Integer>& c2,
                     const std::vector<Integer>& m1, const std::vector<Integer>& m2, const PublicKey& key) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < c1.size(); ++i) {
    for (std::size_t j = 0; j < c2.size(); ++j) {
      const std::optional<Integer> seen = difference(c1[i], c2[j], key);
      if (!seen) continue;
      CHECK(*seen == floor_mod(m1[i] - m2[j], key.n()));
      ++count;
    }
  }
  return count;
}

/// A weakened copy of NoisePool: ready noise in memory as any other, which a forked process finds full, and
/// which can be written to a file and read again.
class PlainPool {
 public:
  explicit PlainPool(PublicKey key) : key_(std::move(key)) {}

  void fill(const Encryptor& encryptor, std::size_t count) {
    noise_ = encrypted(encryptor, std::vector<Integer>(count));
  }
  Integer take() {
    const Integer noise = noise_.back();
    noise_.pop_back();
    return noise;
  }
  std::vector<Integer> encrypt(const std::vector<Integer>& plaintexts) {
    std::vector<Integer> numbers;
    for (const Integer& m : plaintexts) {
      numbers.push_back((1 + floor_mod(m, key_.n()) * key_.n()) * take() % key_.n_squared());
    }
    return numbers;
  }

  void save(const std::filesystem::path& path) const {
    Bytes bytes;
    for (const Integer& noise : noise_) {
      const Bytes one = to_bytes(noise, key_.ciphertext_bytes());
      bytes.insert(bytes.end(), one.begin(), one.end());
    }
    write_file(path, bytes, FileMode::owner_only);
  }
  void restore(const std::filesystem::path& path) {
    noise_.clear();
    for (const Ciphertext& one : parse_ciphertexts(key_, read_file(path, 1 << 20))) {
      noise_.push_back(one.value());
    }
  }

 private:
  PublicKey key_;
  std::vector<Integer> noise_;
};

std::span<std::uint64_t> words_of(const MemoryMap::Region& region) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr): that is what /proc has
  return {reinterpret_cast<std::uint64_t*>(region.first), (region.end - region.first) / 8};
}

void wait_for_noise(const Encryptor& encryptor, std::size_t count) {
  for (int i = 0; i < 20000 && encryptor.ready() < count; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  REQUIRE(encryptor.ready() == count);
}

const std::vector<Integer> kOurs = {5, 6, 7, 8, 9, 10};
const std::vector<Integer> kTheirs = {-1, 100, 3, 3, 0, 77777};

/// An encryptor that keeps noise ready, from either key, with either noise.
Encryptor encryptor_with_pool(bool owner, PublicNoiseKind kind) {
  const EncryptorOptions options{kind, kOurs.size()};
  Encryptor encryptor = owner ? Encryptor(alice(), default_backend(), options)
                              : Encryptor(alice().public_key(), default_backend(), options);
  wait_for_noise(encryptor, kOurs.size());
  return encryptor;
}

/// The primes' exponents in the quotient of replies: to encryptions of 0 with primes for noise, and to 1s.
std::vector<std::optional<std::vector<std::int64_t>>> rows_by_quotient(const std::vector<Integer>& reply,
                                                                       const std::vector<Integer>& other,
                                                                       const std::vector<Integer>& primes) {
  const PublicKey& key = alice().public_key();
  std::vector<std::optional<std::vector<std::int64_t>>> rows;
  for (std::size_t k = 0; k < reply.size(); ++k) {
    const Integer quotient = reply[k] * invert_vartime(other[k], key.n_squared()) % key.n_squared();
    rows.push_back(read_exponents(open(alice(), quotient).noise, key.n(), primes));
  }
  return rows;
}

}  // namespace

TEST_CASE("noise in plain memory is used by both sides of a fork, the product's by neither") {
  const PublicKey& key = alice().public_key();
  PlainPool pool(key);
  pool.fill(Encryptor(alice()), kOurs.size());
  const auto theirs = in_forked_process(key.ciphertext_bytes(), [&] { return pool.encrypt(kTheirs); });
  CHECK(readable(pool.encrypt(kOurs), theirs, kOurs, kTheirs, key) == kOurs.size());

  for (const bool owner : {true, false}) {
    for (const PublicNoiseKind kind : {PublicNoiseKind::full_length, PublicNoiseKind::djn}) {
      const Encryptor encryptor = encryptor_with_pool(owner, kind);
      const auto child =
          in_forked_process(key.ciphertext_bytes(), [&] { return encrypted(encryptor, kTheirs); });
      REQUIRE(child.size() == kTheirs.size());
      CHECK(readable(encrypted(encryptor, kOurs), child, kOurs, kTheirs, key) == 0);
    }
  }
}

TEST_CASE(
    "a server's noise left over in plain memory tells the weights across a fork, the product's nothing") {
  const CompiledModel model = random_model(16, 3, 4);
  const PublicKey& key = alice().public_key();
  const std::vector<Integer> primes = first_primes(16);
  std::vector<Integer> query;
  for (const Integer& prime : primes) query.push_back(pow_mod_vartime(prime, key.n(), key.n_squared()));
  const std::vector<Integer> ones(16, 1);

  PlainPool pool(key);
  pool.fill(Encryptor(alice()), 3);
  const AttackedServer weak = weakened_server(model, key, [&] { return pool.take(); });
  const auto weak_child = in_forked_process(key.ciphertext_bytes(), [&] { return weak(ones); });
  const auto rows = rows_by_quotient(weak(query), weak_child, primes);
  for (std::size_t k = 0; k < rows.size(); ++k) CHECK(rows[k] == row_of(model, k));

  const AttackedServer product = product_server(model, key);
  product(query);  // leaves noise for the next: lanes that were not needed
  const auto child = in_forked_process(key.ciphertext_bytes(), [&] { return product(ones); });
  REQUIRE(child.size() == 3);
  for (const auto& row : rows_by_quotient(product(query), child, primes)) CHECK(row == std::nullopt);
}

TEST_CASE("noise that was begun before a fork is finished by one process only, whatever their numbers") {
  const PublicKey& key = alice().public_key();
  const auto finish = [&](ReplyNoise& noise) {
    ReplyNoise::Order order = noise.order(1);
    for (std::size_t group = 0; group < order.groups(); ++group) order.make(group);
    return order.take().front();
  };
  // The child's, then the parent's own.
  const auto both = [&](const auto& in_other_process) {
    const LaneWidths arithmetic(default_backend(), key.n());
    ReplyNoise noise(key, arithmetic);
    REQUIRE(noise.work_ahead());
    std::vector<Integer> seen = in_other_process(key.ciphertext_bytes(), [&] { return finish(noise); });
    seen.push_back(finish(noise).front());
    return seen;
  };
  const std::vector<Integer> forked = both(in_forked_process);
  REQUIRE(forked.size() == 2);
  CHECK(forked[0] != forked[1]);

  if (!can_make_containers()) {
    WARN("not tried between processes of equal numbers: this machine makes no containers");
    return;
  }
  // Parent and child are both number 1, each in its container.
  const std::vector<Integer> contained =
      in_first_process(key.ciphertext_bytes(), [&] { return both(in_first_process); });
  REQUIRE(contained.size() == 2);
  CHECK(contained[0] != contained[1]);
}

TEST_CASE("a pool that is stored on disk gives the same noise twice; the product's is never there") {
  const PublicKey& key = alice().public_key();
  const TemporaryFolder folder;
  PlainPool pool(key);
  pool.fill(Encryptor(alice()), kOurs.size());
  pool.save(folder / "pool");
  const std::vector<Integer> first = pool.encrypt(kOurs);
  pool.restore(folder / "pool");
  CHECK(readable(first, pool.encrypt(kTheirs), kOurs, kTheirs, key) == kOurs.size());

  // Ready noise of the product lies in memory that is no file's, that fork wipes and core dumps leave out.
  NoisePool ready([] { return std::vector<Integer>(); }, 2 * key.bits(), 1);
  const std::vector<Integer> noise = encrypted(Encryptor(alice()), {0});
  ready.put(noise);
  std::vector<std::uint64_t> words(key.ciphertext_bytes() / 8);
  to_words(noise.front(), words);
  std::size_t places = 0;
  const MemoryMap map;
  for (const MemoryMap::Region& region : map.regions()) {
    if (!region.wiped_on_fork) continue;
    const std::span<std::uint64_t> memory = words_of(region);
    if (std::search(memory.begin(), memory.end(), words.begin(), words.end()) == memory.end()) continue;
    ++places;
    CHECK(region.left_out_of_dumps);
    CHECK(region.name.empty());  // no file's
  }
  CHECK(places == 1);
}

TEST_CASE("known to succeed: memory put back as it was gives ready noise again, and no pool can tell") {
  // What a snapshot of a virtual machine does, or of a process (CRIU), that goes on twice.
  const PublicKey& key = alice().public_key();
  NoisePool pool([] { return std::vector<Integer>(); }, 2 * key.bits(), kOurs.size());
  pool.put(encrypted(Encryptor(alice()), std::vector<Integer>(kOurs.size())));
  const auto encrypt = [&](const std::vector<Integer>& plaintexts) {
    std::vector<Integer> numbers;
    for (const Integer& m : plaintexts) {
      const Integer noise = pool.take_ready(1).at(0);
      numbers.push_back((1 + floor_mod(m, key.n()) * key.n()) * noise % key.n_squared());
    }
    return numbers;
  };
  std::vector<std::pair<std::span<std::uint64_t>, std::vector<std::uint64_t>>> snapshot;
  const MemoryMap map;
  for (const MemoryMap::Region& region : map.regions()) {
    if (!region.wiped_on_fork) continue;
    const std::span<std::uint64_t> memory = words_of(region);
    snapshot.push_back({memory, {memory.begin(), memory.end()}});
  }
  const std::vector<Integer> first = encrypt(kOurs);
  REQUIRE(pool.ready() == 0);
  for (const auto& [memory, words] : snapshot) std::copy(words.begin(), words.end(), memory.begin());
  CHECK(readable(first, encrypt(kTheirs), kOurs, kTheirs, key) == kOurs.size());
}
