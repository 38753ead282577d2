#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// Makes ciphertexts, each with noise of its own (mathematics as in Encryptor). Immutable; safe from many
/// threads.
class NoiseSource {
 public:
  NoiseSource(const NoiseSource&) = delete;
  NoiseSource& operator=(const NoiseSource&) = delete;
  virtual ~NoiseSource() = default;

  virtual std::size_t parcel() const = 0;             ///< ciphertexts that cost as much as one
  virtual std::size_t parcels_at_a_time() const = 0;  ///< best given to one thread together
  virtual std::size_t table_bytes() const = 0;

  /// Ciphertexts in the making: every part once, on any thread, then take().
  class Batch {
   public:
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    virtual ~Batch() = default;
    virtual void make(std::size_t part) = 0;
    virtual std::vector<Integer> take() = 0;

    /// What the owner's noise is powers of the generators with (NoiseCheck::agrees); empty if it is none.
    virtual std::span<const Word> exponents() const { return {}; }

   protected:
    Batch() = default;
  };
  virtual std::size_t parts() const = 0;

  /// Ciphertexts mod n² of plaintexts in [0, n), as many words each as n has, which must outlive the batch.
  /// What is random is drawn here, in their order, so that backends agree. Of zeros they are the noise alone.
  virtual std::unique_ptr<Batch> begin(std::span<const Word> plaintexts) const = 0;

  /// The same at once, on this thread.
  std::vector<Integer> encrypt(std::span<const Word> plaintexts) const {
    const std::unique_ptr<Batch> batch = begin(plaintexts);
    for (std::size_t part = 0; part < parts(); ++part) batch->make(part);
    return batch->take();
  }

 protected:
  NoiseSource() = default;

  /// Elements that share the reading of a fixed base's table.
  static constexpr std::size_t kShareTables = 16;
};

/// The source of a key's owner.
class OwnerNoiseSource : public NoiseSource {
 public:
  /// (1 + m·n) mod n², calculated as a ciphertext of m is but for the noise: never given out. With an m that
  /// nobody knows it shows what is wrong with all ciphertexts alike, even where their own plaintexts come to
  /// zero.
  virtual Integer bare(std::span<const Word> plaintext) const = 0;
};

/// Exactly uniform noise of a key's owner.
std::unique_ptr<const OwnerNoiseSource> owner_noise(const SecretKey& key, const Backend& backend);

/// r^n, r uniform in Z*_n.
std::unique_ptr<const NoiseSource> public_noise(const PublicKey& key, const Backend& backend);

/// h_s^e of Damgård, Jurik, Nielsen.
std::unique_ptr<const NoiseSource> djn_noise(const PublicKey& key, const Backend& backend);

}  // namespace opaline
