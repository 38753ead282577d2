#include "opaline/bigint/integer.h"

#include <gmp.h>

#include <algorithm>
#include <cstring>

#include "opaline/base/error.h"
#include "opaline/base/secret.h"
#include "opaline/bigint/words.h"

namespace opaline {
namespace {

static_assert(GMP_NUMB_BITS == 64, "the limb arithmetic of this library is written for 64-bit limbs");

/// GMP's memory is left out of core dumps and wiped before it is given back. Installed before anything else
/// is constructed, since no number may have other memory and no other thread be at work in GMP. GMP knows no
/// exceptions: where there is no memory it ends the program.
class SecretMemory {
 public:
  SecretMemory() noexcept { ::mp_set_memory_functions(allocate, reallocate, release); }

 private:
  static void* allocate(std::size_t bytes) noexcept { return allocate_secret(bytes); }
  static void* reallocate(void* memory, std::size_t old_bytes, std::size_t bytes) noexcept {
    void* const fresh = allocate_secret(bytes);
    std::memcpy(fresh, memory, std::min(old_bytes, bytes));
    release(memory, old_bytes);
    return fresh;
  }
  static void release(void* memory, std::size_t bytes) noexcept {
    wipe(memory, bytes);
    free_secret(memory, bytes);
  }
};

[[gnu::init_priority(101)]] const SecretMemory kSecretMemory;

mpz_srcptr raw(const Integer& x) { return x.backend().data(); }
mpz_ptr raw(Integer& x) { return x.backend().data(); }

void require(bool condition, const char* message) {
  if (!condition) throw Error(ErrorKind::invalid_argument, message);
}

}  // namespace

std::size_t bit_length(const Integer& x) { return x == 0 ? 0 : mpz_sizeinbase(raw(x), 2); }

Integer from_bytes(ByteView big_endian) {
  Integer x;
  mpz_import(raw(x), big_endian.size(), 1, 1, 1, 0, big_endian.data());
  return x;
}

Bytes to_bytes(const Integer& x, std::size_t width) {
  require(x >= 0 && bit_length(x) <= 8 * width, "integer does not fit in its bytes");
  Bytes bytes(width);
  const std::size_t used = (bit_length(x) + 7) / 8;
  if (used > 0) mpz_export(bytes.data() + (width - used), nullptr, 1, 1, 1, 0, raw(x));
  return bytes;
}

Bytes to_bytes(const Integer& x) { return to_bytes(x, (bit_length(x) + 7) / 8); }

Integer floor_mod(const Integer& x, const Integer& m) {
  require(m > 0, "modulus must be positive");
  Integer r;
  mpz_fdiv_r(raw(r), raw(x), raw(m));
  return r;
}

Integer gcd_vartime(const Integer& a, const Integer& b) {
  Integer r;
  mpz_gcd(raw(r), raw(a), raw(b));
  return r;
}

Integer invert_vartime(const Integer& a, const Integer& m) {
  require(m > 1, "modulus must be larger than 1");
  Integer r;
  require(mpz_invert(raw(r), raw(a), raw(m)) != 0, "the number has no inverse");
  return r;
}

Integer pow_mod(const Integer& base, const Integer& exponent, const Integer& m) {
  require(m > 1 && mpz_odd_p(raw(m)) != 0, "modulus must be odd and larger than 1");
  require(exponent >= 0, "exponent must not be negative");
  if (exponent == 0) return 1;
  Integer r;
  mpz_powm_sec(raw(r), raw(base), raw(exponent), raw(m));
  return r;
}

Integer pow_mod_vartime(const Integer& base, const Integer& exponent, const Integer& m) {
  require(exponent >= 0 && m > 1, "a power needs an exponent that is not negative and a modulus above 1");
  Integer r;
  mpz_powm(raw(r), raw(base), raw(exponent), raw(m));
  return r;
}

Integer random_below(const Integer& bound) {
  require(bound > 0, "bound must be positive");
  WordVector words(words_for(bit_length(bound)));
  WordVector limit(words);
  to_words(bound, limit);
  random_below(words, limit);
  return from_words(words);
}

Integer random_unit(const Integer& m) {
  require(m > 1, "modulus must be larger than 1");
  while (true) {
    Integer x = random_below(m);
    if (gcd_vartime(x, m) == 1) return x;
  }
}

void to_words(const Integer& x, std::span<std::uint64_t> words) {
  const std::size_t used = mpz_size(raw(x));
  require(x >= 0 && used <= words.size(), "integer does not fit in its words");
  std::copy_n(mpz_limbs_read(raw(x)), used, words.begin());
  std::fill(words.begin() + static_cast<std::ptrdiff_t>(used), words.end(), 0);
}

Integer from_words(std::span<const std::uint64_t> words) {
  Integer x;
  if (words.empty()) return x;
  std::copy(words.begin(), words.end(), mpz_limbs_write(raw(x), static_cast<mp_size_t>(words.size())));
  mpz_limbs_finish(raw(x), static_cast<mp_size_t>(words.size()));
  return x;
}

void wipe(Integer& x) noexcept {
  mpz_ptr number = raw(x);
  if (number->_mp_d != nullptr && number->_mp_alloc > 0) {
    wipe(number->_mp_d, static_cast<std::size_t>(number->_mp_alloc) * sizeof(mp_limb_t));
  }
  number->_mp_size = 0;
}

}  // namespace opaline
