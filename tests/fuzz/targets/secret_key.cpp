#include "fuzz/fixed_key.h"
#include "fuzz/key_files.h"
#include "fuzz/targets/targets.h"
#include "opaline/paillier/key_files.h"

namespace opaline::fuzz {
namespace {

std::vector<Bytes> seeds() {
  const SecretKey imported =
      SecretKey::from_primes(SecretInteger(fixed_key().p().value()), SecretInteger(fixed_key().q().value()));
  const SecretBytes plain = to_json(imported);
  const SecretBytes proved = to_json(proved_key());
  return {bytes_of(fixed_key_file()),
          {plain.begin(), plain.end()},
          {proved.begin(), proved.end()},
          bytes_of(to_json(imported.public_key()))};
}

void run(ByteView input) {
  accepted({ErrorKind::damaged, ErrorKind::invalid_key, ErrorKind::too_large}, [&] {
    const SecretKey key = secret_key_from_json(input, "input");
    require(public_key_from_json(input, "input") == key.public_key(), "both readers find the same key");
    const SecretKey again = secret_key_from_json(to_json(key), "again");
    require((again.public_key().proof() == nullptr) == (key.public_key().proof() == nullptr),
            "a proof stays with its key");
    require(again.p().value() == key.p().value() && again.q().value() == key.q().value(),
            "a key is read as it was written");
    const Integer message = key.public_key().n() / 3;
    require(Decryptor(key).decrypt(Encryptor(key).encrypt(message)) == message, "an accepted key works");
  });
}

}  // namespace

FuzzTarget secret_key_target() { return {"secret_key", seeds, run, mutate_key_file, 60}; }

}  // namespace opaline::fuzz
