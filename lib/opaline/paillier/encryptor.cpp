#include "opaline/paillier/encryptor.h"

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/base/wiped_stack.h"
#include "opaline/paillier/centred_numbers.h"
#include "opaline/paillier/crt_decryption.h"
#include "opaline/paillier/noise.h"
#include "opaline/paillier/noise_check.h"
#include "opaline/paillier/noise_pool.h"
#include "opaline/paillier/noise_source.h"
#include "opaline/paillier/product_check.h"

namespace opaline {

/// The pool's thread uses the source, so it is the first to go.
struct Encryptor::Parts {
  Parts(const PublicKey& key, const Backend& backend, std::unique_ptr<const NoiseSource> noise,
        std::size_t ready)
      : source(std::move(noise)) {
    if (ready == 0) return;
    arithmetic = uniform_arithmetic(backend, key.n());
    pool = std::make_unique<NoisePool>(
        [from = source.get(), size = words_for(key.bits())] {
          return on_secret_stack([&] { return from->encrypt(WordVector(from->parcel() * size)); });
        },
        2 * key.bits(), ready, NoisePool::Filling::in_background);
  }

  /// Ciphertexts of as many of the plaintexts as there is noise ready for.
  std::vector<Integer> encrypt_ready(std::span<const Word> plaintexts) const {
    std::vector<Integer> ciphertexts;
    if (pool == nullptr) return ciphertexts;
    const std::size_t size = arithmetic->modulus_size();
    const std::vector<Integer> noise = pool->take_ready(plaintexts.size() / size);
    const std::size_t lanes = arithmetic->lanes();
    for (std::size_t first = 0; first < noise.size(); first += lanes) {
      const std::size_t count = std::min(lanes, noise.size() - first);
      std::vector<Integer> some = hidden(*arithmetic, std::span<const Integer>(noise).subspan(first, count),
                                         plaintexts.subspan(first * size, count * size), {});
      std::move(some.begin(), some.end(), std::back_inserter(ciphertexts));
    }
    return ciphertexts;
  }

  std::unique_ptr<const NoiseSource> source;
  std::unique_ptr<const PairArithmetic> arithmetic;
  std::unique_ptr<NoisePool> pool;
};

/// What a fault in one half of a ciphertext would give away with it is a factor of n (Boneh, DeMillo, Lipton
/// 1997), so the owner of a key looks before anything goes out: at the product of all, whose noise is
/// calculated once more where it is known from what it was made, or which is decrypted.
struct Encryptor::OwnersCheck {
  OwnersCheck(const SecretKey& key, const Backend& backend, const OwnerNoiseSource& its_source,
              bool exponents_known)
      : source(its_source), product(key.public_key(), backend) {
    if (exponents_known) {
      noise.emplace(key, backend);
    } else {
      decryption.emplace(key, backend);
    }
  }

  /// Random plaintexts go the way of the others, but for the noise, lest what strikes all alike is hidden by
  /// plaintexts that come to zero.
  void require_right(std::span<const Ciphertext> ciphertexts, WordVector plaintexts,
                     std::span<const Word> exponents, const PairArithmetic* ready) const {
    if (ciphertexts.empty()) return;
    std::vector<Integer> bare;
    const auto add_random = [&](const auto& hide_it) {
      const WordVector random = product.random_plaintext();
      bare.push_back(hide_it(std::span<const Word>(random)));
      plaintexts.insert(plaintexts.end(), random.begin(), random.end());
    };
    add_random([&](std::span<const Word> random) { return source.bare(random); });
    if (ready != nullptr) {
      add_random([&](std::span<const Word> random) { return hide_bare(*ready, random); });
    }
    std::vector<const Integer*> values;
    values.reserve(ciphertexts.size() + bare.size());
    for (const Ciphertext& ciphertext : ciphertexts) values.push_back(&ciphertext.value());
    for (const Integer& one : bare) values.push_back(&one);
    const WordVector sum = product.sum(plaintexts);
    if (declassified(agrees(product.product(values), sum, exponents)) == 0) {
      throw Error(ErrorKind::fault,
                  "encryption contradicted itself (a computing fault); nothing is given out");
    }
  }

  Word agrees(const Integer& ciphertext, const WordVector& plaintext, std::span<const Word> exponents) const {
    if (noise) return noise->agrees(ciphertext, plaintext, exponents);
    const Integer* const one = &ciphertext;
    return is_equal(decryption->decrypt(std::span(&one, 1)), plaintext);
  }

  const OwnerNoiseSource& source;
  ProductCheck product;
  std::optional<NoiseCheck> noise;
  std::optional<CrtDecryption> decryption;
};

Encryptor::Encryptor(const PublicKey& key, const Backend& backend, const EncryptorOptions& options)
    : parts_(on_secret_stack([&] {
        return std::make_unique<const Parts>(key, backend,
                                             options.public_noise == PublicNoiseKind::djn
                                                 ? djn_noise(key, backend)
                                                 : public_noise(key, backend),
                                             options.ready);
      })),
      key_(key) {}
Encryptor::Encryptor(const SecretKey& key, const Backend& backend, const EncryptorOptions& options)
    : Encryptor(key, backend, options, on_secret_stack([&] { return owner_noise(key, backend); })) {}
Encryptor::Encryptor(const SecretKey& key, const Backend& backend, const EncryptorOptions& options,
                     std::unique_ptr<const OwnerNoiseSource> noise)
    : owners_check_(on_secret_stack([&] {
        return std::make_unique<const OwnersCheck>(
            key, backend, *noise, key.generator_p() && key.generator_q() && options.ready == 0);
      })),
      parts_(on_secret_stack([&] {
        return std::make_unique<const Parts>(key.public_key(), backend, std::move(noise), options.ready);
      })),
      key_(key.public_key()) {}
Encryptor::Encryptor(Encryptor&&) noexcept = default;
Encryptor& Encryptor::operator=(Encryptor&&) noexcept = default;
Encryptor::~Encryptor() = default;

const PublicKey& Encryptor::public_key() const { return key_; }
std::size_t Encryptor::table_bytes() const { return parts_->source->table_bytes(); }
std::size_t Encryptor::ready() const { return parts_->pool ? parts_->pool->ready() : 0; }

Ciphertext Encryptor::encrypt(const Integer& plaintext) const {
  return encrypt(std::span<const Integer>(&plaintext, 1)).front();
}

std::vector<Ciphertext> Encryptor::encrypt(std::span<const Integer> plaintexts) const {
  return on_secret_stack([&] {
    const CentredNumbers centred(key_.n());
    PlaintextVector residues(key_, plaintexts.size());
    for (std::size_t i = 0; i < plaintexts.size(); ++i) centred.residue(residues[i], plaintexts[i]);
    return encrypt_here(std::move(residues.words_));
  });
}

std::vector<Ciphertext> Encryptor::encrypt(PlaintextVector plaintexts) const {
  if (plaintexts.key() != key_) {
    throw Error(ErrorKind::wrong_key, "the plaintexts are residues for another key");
  }
  return on_secret_stack([&] {
    WordVector n(words_for(key_.bits()));
    to_words(key_.n(), n);
    Word below = 1;
    for (std::size_t i = 0; i < plaintexts.size(); ++i) below &= is_below(plaintexts[i], n);
    if (declassified(below) == 0) throw Error(ErrorKind::out_of_range, "a plaintext is not below n");
    return encrypt_here(std::move(plaintexts.words_));
  });
}

std::vector<Ciphertext> Encryptor::encrypt_here(WordVector residues) const {
  const std::size_t size = words_for(key_.bits());
  const std::size_t all = residues.size() / size;
  std::vector<Ciphertext> ciphertexts;
  ciphertexts.reserve(all);
  const auto append = [&](std::vector<Integer>& values) {
    for (Integer& value : values) ciphertexts.push_back(Ciphertext(key_, std::move(value)));
  };
  std::vector<Integer> from_ready = parts_->encrypt_ready(residues);
  append(from_ready);

  const std::size_t left = all - ciphertexts.size();
  const auto rest = std::span<const Word>(residues).last(left * size);
  const NoiseSource& source = *parts_->source;
  const std::size_t parcel = source.parcel();
  // Parts are work for different threads already.
  const std::vector<Share> shares =
      even_shares(groups_of(left, parcel), source.parcels_at_a_time(), source.parts());
  std::vector<std::unique_ptr<NoiseSource::Batch>> batches(shares.size());
  parallel_for(shares.size(), [&](std::size_t i) {
    const std::size_t first = shares[i].first * parcel;
    const std::size_t count = std::min(shares[i].count * parcel, left - first);
    batches[i] = source.begin(rest.subspan(first * size, count * size));
  });
  parallel_for(shares.size() * source.parts(),
               [&](std::size_t i) { batches[i / source.parts()]->make(i % source.parts()); });
  std::vector<std::vector<Integer>> values(shares.size());
  parallel_for(shares.size(), [&](std::size_t i) { values[i] = batches[i]->take(); });
  for (std::vector<Integer>& share : values) append(share);
  if (owners_check_) {
    WordVector exponents;
    for (const auto& batch : batches) {
      exponents.insert(exponents.end(), batch->exponents().begin(), batch->exponents().end());
    }
    owners_check_->require_right(ciphertexts, std::move(residues), exponents, parts_->arithmetic.get());
  }
  return ciphertexts;
}

}  // namespace opaline
