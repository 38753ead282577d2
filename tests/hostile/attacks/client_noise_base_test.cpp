// Replies re-randomised with powers of a base that the client gave (keys of Damgård, Jurik and Nielsen carry
// one, h_s): of 1, whose powers are no noise; and of one that looks like any other and is 1 mod p.

#include <catch2/catch.hpp>
#include <optional>

#include "hostile/attacks/attacked_server.h"
#include "hostile/attacks/noise_reading.h"
#include "inference/parties.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kInputs = 12;

AttackedServer server_that_trusts(const Integer& base, const CompiledModel& model, const PublicKey& key) {
  return weakened_server(model, key, [base, key] {
    const Integer exponents = Integer(1) << static_cast<unsigned>(key.bits() / 2);
    return pow_mod_vartime(base, random_below(exponents), key.n_squared());
  });
}

/// Encryptions of 0 whose noise are the first primes; what is left of it mod m, which the base is 1 for.
std::vector<std::optional<std::vector<std::int64_t>>> rows_mod(const Integer& m, const AttackedServer& server,
                                                               const SecretKey& key) {
  const PublicKey& n = key.public_key();
  const std::vector<Integer> primes = first_primes(kInputs);
  std::vector<Integer> query;
  for (const Integer& prime : primes) query.push_back(pow_mod_vartime(prime, n.n(), n.n_squared()));
  std::vector<std::optional<std::vector<std::int64_t>>> rows;
  for (const Integer& reply : server(query))
    rows.push_back(read_exponents(open(key, reply).noise, m, primes));
  return rows;
}

/// 1 mod p², and mod q² the power of a number that is drawn.
Integer base_of_half(const SecretKey& key) {
  const PublicKey& n = key.public_key();
  const Integer p_squared = key.p().value() * key.p().value();
  const Integer q_squared = key.q().value() * key.q().value();
  const Integer power = pow_mod_vartime(random_unit(n.n()), n.n(), n.n_squared());
  return 1 + floor_mod((power - 1) * invert_vartime(p_squared, q_squared), q_squared) * p_squared;
}

void append_field(Bytes& payload, std::uint8_t number, ByteView bytes) {
  constexpr std::uint8_t kLengthDelimited = 2;
  payload.push_back(static_cast<std::uint8_t>(number << 3U | kLengthDelimited));
  payload.push_back(static_cast<std::uint8_t>(0x80U | (bytes.size() & 0x7fU)));
  payload.push_back(static_cast<std::uint8_t>(bytes.size() >> 7U));
  payload.insert(payload.end(), bytes.begin(), bytes.end());
}

}  // namespace

TEST_CASE("a noise base of the client's own reads all weights; the product's noise has no base of a client") {
  // A row's product is a fraction of numbers below 2^(3 · 43), and √(p/2) > 2^255.
  const CompiledModel model = random_model(kInputs, 3, 3);
  const PublicKey& key = alice().public_key();
  for (const Integer& base : {Integer(1), base_of_half(alice())}) {
    const auto rows = rows_mod(alice().p().value(), server_that_trusts(base, model, key), alice());
    REQUIRE(rows.size() == 3);
    for (std::size_t k = 0; k < rows.size(); ++k) CHECK(rows[k] == row_of(model, k));
  }
  // A base that its owner knows nothing about does not help: it is the choice that does.
  const Integer power = pow_mod_vartime(random_unit(key.n()), key.n(), key.n_squared());
  for (const auto& row : rows_mod(alice().p().value(), server_that_trusts(power, model, key), alice())) {
    CHECK(row == std::nullopt);
  }

  // 7^12 < 2^34 rows among 2^511 numbers mod p.
  const AttackedServer product = product_server(model, key);
  for (int round = 0; round < 8; ++round) {
    for (const auto& row : rows_mod(alice().p().value(), product, alice())) CHECK(row == std::nullopt);
  }
}

TEST_CASE("a query that brings a noise base along is refused whole") {
  const CompiledModel model = random_model(kInputs, 3, 3);
  const ClientSpec& spec = model.client_spec();
  const Server server(model);
  const Bytes query = encryptor_for(spec, alice()).encrypt(make_inputs(spec, 1));
  REQUIRE_NOTHROW(server.answer(query));
  const std::vector<Bytes> frames = frames_of(query);
  Bytes payload = payload_of(frames[0]);
  append_field(payload, 7, to_bytes(Integer(1), alice().public_key().ciphertext_bytes()));
  const Bytes header = with_payload(frames[0], payload);
  // With ciphertexts that belong to this header, and with those that belong to it without the base.
  const Bytes bound = with_payload(frames[1], payload_of(frames[1]), sha256(header));
  for (const Bytes& chunk : {bound, frames[1]}) {
    CHECK(kind_of([&] { server.answer(join({header, chunk})); }) == ErrorKind::damaged);
  }
}
