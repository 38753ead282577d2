#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "opaline/paillier/evaluator.h"
#include "opaline/paillier/key_files.h"

int main() {
  const opaline::SecretKey key = opaline::SecretKey::generate(opaline::kSmallestKeyBits);
  const opaline::PublicKey pub =
      opaline::public_key_from_json(opaline::as_bytes(to_json(key.public_key())), "pub");
  const opaline::Evaluator evaluator(pub);
  const opaline::EvaluatedCiphertext product =
      evaluator.multiply_vartime(opaline::Encryptor(pub).encrypt(-6), 7);
  return opaline::Decryptor(key).decrypt(evaluator.rerandomise(product)) == -42 ? 0 : 1;
}
