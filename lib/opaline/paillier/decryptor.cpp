#include "opaline/paillier/decryptor.h"

#include <algorithm>
#include <utility>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"
#include "opaline/base/wiped_stack.h"
#include "opaline/paillier/centred_numbers.h"
#include "opaline/paillier/crt_decryption.h"
#include "opaline/paillier/product_check.h"

namespace opaline {
namespace {

[[noreturn]] void refuse() {
  throw Error(ErrorKind::fault, "decryption contradicted itself (a computing fault); nothing is given out");
}

}  // namespace

struct Decryptor::Parts {
  Parts(const SecretKey& key, const Backend& backend)
      : decryption(key, backend),
        check(key.public_key(), backend),
        centred(key.public_key().n()),
        centred_again(key.public_key().n()) {}

  CrtDecryption decryption;
  ProductCheck check;
  CentredNumbers centred;
  CentredNumbers centred_again;  ///< with constants of its own
};

Decryptor::Decryptor(const SecretKey& key, const Backend& backend)
    : parts_(on_secret_stack([&] { return std::make_unique<const Parts>(key, backend); })),
      key_(key.public_key()) {}
Decryptor::Decryptor(Decryptor&&) noexcept = default;
Decryptor& Decryptor::operator=(Decryptor&&) noexcept = default;
Decryptor::~Decryptor() = default;

const PublicKey& Decryptor::public_key() const { return key_; }

WordVector Decryptor::residues(std::vector<const Integer*> values) const {
  if (values.empty()) return {};
  const ProductCheck::Witness witness = parts_->check.witness(values);
  values.push_back(&witness.ciphertext);
  WordVector residues = parts_->decryption.decrypt(values);
  const std::size_t of_values = residues.size() - parts_->check.size();
  const auto plaintexts = std::span<const Word>(residues).first(of_values);
  const auto of_witness = std::span<const Word>(residues).subspan(of_values);
  if (declassified(parts_->check.agree(witness, plaintexts, of_witness)) == 0) refuse();
  residues.resize(of_values);
  return residues;
}

std::vector<Integer> Decryptor::integers(std::vector<const Integer*> values) const {
  return on_secret_stack([&] {
    WordVector plaintexts = residues(std::move(values));
    const std::size_t size = parts_->check.size();
    std::vector<Integer> integers;
    integers.reserve(plaintexts.size() / size);
    WordVector residue(size);
    for (std::size_t at = 0; at < plaintexts.size(); at += size) {
      const auto plaintext = std::span(plaintexts).subspan(at, size);
      std::copy(plaintext.begin(), plaintext.end(), residue.begin());
      integers.push_back(parts_->centred.value(residue));
      if (!parts_->centred_again.is_residue(plaintext, integers.back())) refuse();
    }
    return integers;
  });
}

Integer Decryptor::decrypt(const EvaluatedCiphertext& ciphertext) const {
  check_key(ciphertext.key());
  return integers({&ciphertext.value_}).front();
}

std::vector<Integer> Decryptor::decrypt(std::span<const Ciphertext> ciphertexts) const {
  return integers(values_of(ciphertexts));
}

PlaintextVector Decryptor::decrypt_residues(std::span<const Ciphertext> ciphertexts) const {
  return {key_, on_secret_stack([&] { return residues(values_of(ciphertexts)); })};
}

std::vector<const Integer*> Decryptor::values_of(std::span<const Ciphertext> ciphertexts) const {
  std::vector<const Integer*> values;
  values.reserve(ciphertexts.size());
  for (const Ciphertext& ciphertext : ciphertexts) {
    check_key(ciphertext.key());
    values.push_back(&ciphertext.value());
  }
  return values;
}

void Decryptor::check_key(const PublicKey& key) const {
  if (key != key_) throw Error(ErrorKind::wrong_key, "the ciphertext was made for another key");
}

}  // namespace opaline
