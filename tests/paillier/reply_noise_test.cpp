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

using namespace opaline;
using namespace opaline::test;

namespace {

const PublicKey& key() { return sample_key().public_key(); }

std::vector<Integer> noise_for(ReplyNoise& noise, std::size_t count) {
  ReplyNoise::Order order = noise.order(count);
  for (std::size_t group = 0; group < order.groups(); ++group) order.make(group);
  return order.take();
}

/// Encryptions of 0: n-th residues.
bool is_noise(const Integer& number) {
  return pow_mod_vartime(number, (sample_key().p() - 1) * (sample_key().q() - 1), key().n_squared()) == 1;
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
    for (int i = 0; i < 3000; ++i) noise.work_ahead();
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
