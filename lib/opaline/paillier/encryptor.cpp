#include "opaline/paillier/encryptor.h"

#include <algorithm>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/paillier/noise.h"
#include "opaline/paillier/noise_pool.h"
#include "opaline/paillier/noise_source.h"

namespace opaline {

/// The pool's thread uses the source, so it is the first to go.
struct Encryptor::Parts {
  Parts(const PublicKey& key, const Backend& backend, std::unique_ptr<const NoiseSource> noise,
        std::size_t ready)
      : source(std::move(noise)) {
    if (ready == 0) return;
    arithmetic = uniform_arithmetic(backend, key.n());
    pool = std::make_unique<NoisePool>(
        [from = source.get()] { return from->encrypt(std::vector<Integer>(from->parcel())); }, 2 * key.bits(),
        ready, NoisePool::Filling::in_background);
  }

  /// Ciphertexts of as many of the plaintexts as there is noise ready for.
  std::vector<Integer> encrypt_ready(std::span<const Integer> plaintexts) const {
    std::vector<Integer> ciphertexts;
    if (pool == nullptr) return ciphertexts;
    std::vector<Integer> noise = pool->take_ready(plaintexts.size());
    const std::size_t lanes = arithmetic->lanes();
    WordVector element(arithmetic->words());
    for (std::size_t first = 0; first < noise.size(); first += lanes) {
      const std::size_t count = std::min(lanes, noise.size() - first);
      std::vector<Integer> numbers(lanes, 1);
      for (std::size_t lane = 0; lane < count; ++lane) numbers[lane] = noise[first + lane];
      arithmetic->load(element.data(), numbers);
      for (Integer& number : numbers) wipe(number);
      hide(*arithmetic, plaintexts.subspan(first, count), element.data(), ciphertexts);
    }
    for (Integer& number : noise) wipe(number);
    return ciphertexts;
  }

  std::unique_ptr<const NoiseSource> source;
  std::unique_ptr<const PairArithmetic> arithmetic;
  std::unique_ptr<NoisePool> pool;
};

Encryptor::Encryptor(const PublicKey& key, const Backend& backend, const EncryptorOptions& options)
    : parts_(std::make_unique<const Parts>(
          key, backend,
          options.public_noise == PublicNoiseKind::djn ? djn_noise(key, backend) : public_noise(key, backend),
          options.ready)),
      key_(key) {}
Encryptor::Encryptor(const SecretKey& key, const Backend& backend, const EncryptorOptions& options)
    : parts_(
          std::make_unique<const Parts>(key.public_key(), backend, owner_noise(key, backend), options.ready)),
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
  const Integer half = key_.n() / 2;
  std::vector<Integer> residues;
  residues.reserve(plaintexts.size());
  for (const Integer& plaintext : plaintexts) {
    if (abs(plaintext) > half) throw Error(ErrorKind::out_of_range, "a plaintext lies outside (-n/2, n/2)");
    residues.push_back(floor_mod(plaintext, key_.n()));
  }
  std::vector<Ciphertext> ciphertexts;
  ciphertexts.reserve(plaintexts.size());
  const auto append = [&](std::vector<Integer>& values) {
    for (Integer& value : values) ciphertexts.push_back(Ciphertext(key_, std::move(value)));
  };
  std::vector<Integer> from_ready = parts_->encrypt_ready(residues);
  append(from_ready);

  const auto rest = std::span(residues).subspan(ciphertexts.size());
  const NoiseSource& source = *parts_->source;
  const std::size_t parcel = source.parcel();
  // Parts are work for different threads already.
  const std::vector<Share> shares =
      even_shares(groups_of(rest.size(), parcel), source.parcels_at_a_time(), source.parts());
  std::vector<std::unique_ptr<NoiseSource::Batch>> batches(shares.size());
  parallel_for(shares.size(), [&](std::size_t i) {
    const std::size_t first = shares[i].first * parcel;
    batches[i] = source.begin(rest.subspan(first, std::min(shares[i].count * parcel, rest.size() - first)));
  });
  parallel_for(shares.size() * source.parts(),
               [&](std::size_t i) { batches[i / source.parts()]->make(i % source.parts()); });
  std::vector<std::vector<Integer>> values(shares.size());
  parallel_for(shares.size(), [&](std::size_t i) { values[i] = batches[i]->take(); });
  for (Integer& residue : residues) wipe(residue);
  for (std::vector<Integer>& share : values) append(share);
  return ciphertexts;
}

}  // namespace opaline
