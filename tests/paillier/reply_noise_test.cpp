#include "opaline/paillier/reply_noise.h"

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "opaline/paillier/decryptor.h"
#include "sample_keys.h"
#include "support/supported_backends.h"
#include "support/threads.h"

using namespace opaline;
using namespace opaline::test;

namespace {

const PublicKey& key() { return sample_key().public_key(); }

std::vector<Integer> noise_for(ReplyNoise& noise, std::size_t count) {
  ReplyNoise::Order order = noise.order(count);
  for (std::size_t group = 0; group < order.groups(); ++group) order.make(group);
  return order.take().front();
}

/// Encryptions of 0: n-th residues.
bool is_noise(const Integer& number, const SecretKey& owner = sample_key()) {
  return pow_mod_vartime(number, (owner.p().value() - 1) * (owner.q().value() - 1),
                         owner.public_key().n_squared()) == 1;
}

/// A key and the noise for it on one backend.
struct Client {
  Client(const SecretKey& its_key, const Backend& backend)
      : key(its_key),
        arithmetic(backend, its_key.public_key().n()),
        noise(its_key.public_key(), arithmetic) {}

  const SecretKey& key;
  LaneWidths arithmetic;
  ReplyNoise noise;
};

/// A key of another length than the sample keys.
const SecretKey& long_key() {
  static const SecretKey key = SecretKey::generate(kSmallestKeyBits + 512);
  return key;
}

std::size_t elements_for(std::size_t numbers, const LaneWidths& arithmetic) {
  const std::size_t lanes = arithmetic.of(arithmetic.for_numbers(numbers)).lanes();
  return (numbers + lanes - 1) / lanes;
}

}  // namespace

TEST_CASE("noise for replies is of the right sort and number, and never the same twice") {
  for (const Backend* const backend : supported_backends()) {
    const LaneWidths arithmetic(*backend, key().n());
    ReplyNoise noise(key(), arithmetic);
    std::set<Integer> seen;
    for (const std::size_t count : {0U, 1U, 3U, 5U, 8U, 9U, 1U, 30U, 2U}) {
      CAPTURE(backend->name(), count);
      const std::vector<Integer> made = noise_for(noise, count);
      CHECK(made.size() == count);
      for (const Integer& one : made) {
        CHECK(is_noise(one));
        CHECK(seen.insert(one).second);
      }
    }
  }
}

TEST_CASE("noise for several keys is each key's own, of the right number, and never the same twice") {
  for (const Backend* const backend : supported_backends()) {
    for (const int thread_count : {1, 2}) {
      const Threads threads(thread_count);
      Client clients[] = {
          {sample_key(), *backend}, {long_key(), *backend}, {other_key(), *backend}, {third_key(), *backend}};
      std::set<Integer> seen;
      const std::size_t orders[][4] = {{1, 0, 0, 0}, {1, 1, 1, 1}, {2, 2, 2, 2}, {3, 1, 9, 0},
                                       {0, 0, 0, 0}, {8, 2, 8, 8}, {7, 0, 5, 1}, {20, 3, 1, 11}};
      for (const auto& counts : orders) {
        CAPTURE(backend->name(), thread_count, counts[0], counts[1], counts[2], counts[3]);
        std::vector<ReplyNoise::Order::Part> parts;
        for (std::size_t i = 0; i < 4; ++i) parts.push_back({&clients[i].noise, counts[i]});
        ReplyNoise::Order order(parts);
        for (std::size_t group = order.groups(); group-- > 0;) order.make(group);
        const std::vector<std::vector<Integer>> made = order.take();
        REQUIRE(made.size() == 4);
        for (std::size_t i = 0; i < 4; ++i) {
          CHECK(made[i].size() == counts[i]);
          for (const Integer& one : made[i]) {
            CHECK(is_noise(one, clients[i].key));
            CHECK(one != 1);
            CHECK(seen.insert(one).second);
          }
        }
      }
    }
  }
}

TEST_CASE("keys of one length share lanes, and what is left over is their own") {
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name());
    const Threads threads(1);
    Client a(sample_key(), *backend);
    Client b(other_key(), *backend);
    Client c(third_key(), *backend);
    Client longer(long_key(), *backend);
    const ReplyNoise::Order::Part parts[] = {{&a.noise, 1}, {&b.noise, 1}, {&longer.noise, 1}, {&c.noise, 1}};
    ReplyNoise::Order order(parts);
    const std::size_t of_one_length = elements_for(3, a.arithmetic);
    CHECK(order.groups() == of_one_length + 1);
    for (std::size_t group = 0; group < order.groups(); ++group) order.make(group);
    order.take();

    std::size_t left_over = 0;
    for (Client* const client : {&a, &b, &c}) {
      while (client->noise.order(1).groups() == 0) ++left_over;  // taken from what is ready, and gone then
    }
    CHECK(left_over == of_one_length * a.arithmetic.of(a.arithmetic.for_numbers(3)).lanes() - 3);
  }
}

TEST_CASE("work done ahead is used, each piece once, and ends when there is enough") {
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name());
    const LaneWidths arithmetic(*backend, key().n());
    ReplyNoise noise(key(), arithmetic);
    std::set<Integer> seen;
    for (int round = 0; round < 3; ++round) {
      for (int i = 0; i < 7; ++i) noise.work_ahead();  // begun, hardly finished
      for (const Integer& one : noise_for(noise, 3)) {
        CHECK(is_noise(one));
        CHECK(seen.insert(one).second);
      }
    }
    int worked = 0;
    while (worked < 3000 && noise.work_ahead()) ++worked;
    CHECK(worked < 3000);
    CHECK(noise.order(1).groups() == 0);  // taken from what is ready
  }
}

TEST_CASE("a forked process does not go on with powers that were begun before") {
  const LaneWidths arithmetic(default_backend(), key().n());
  ReplyNoise noise(key(), arithmetic);
  noise.work_ahead();
  int channel[2];
  REQUIRE(::pipe(channel) == 0);
  const std::size_t size = key().ciphertext_bytes();
  const pid_t child = ::fork();
  if (child == 0) {
    const Bytes bytes = to_bytes(noise_for(noise, 1).front(), size);
    ::_exit(::write(channel[1], bytes.data(), bytes.size()) == static_cast<ssize_t>(size) ? 0 : 1);
  }
  Bytes theirs(size);
  std::size_t got = 0;
  while (got < size) {
    const ssize_t piece = ::read(channel[0], theirs.data() + got, size - got);
    REQUIRE(piece > 0);
    got += static_cast<std::size_t>(piece);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(channel[0]);
  ::close(channel[1]);
  REQUIRE(WIFEXITED(status));
  CHECK(is_noise(from_bytes(theirs)));
  // Whatever is made here from the same beginning is something else.
  const std::vector<Integer> ours = noise_for(noise, arithmetic.wide().lanes());
  CHECK(std::find(ours.begin(), ours.end(), from_bytes(theirs)) == ours.end());
}
