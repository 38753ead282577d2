#include "opaline/bigint/kernels/split.h"

#include <gmp.h>

#include <algorithm>
#include <cassert>

#include "opaline/base/secret.h"

namespace opaline {

void split(const Integer& x, std::span<const std::uint64_t> m, std::span<std::uint64_t> halves) {
  const auto limbs = static_cast<mp_size_t>(m.size());
  SecretVector<std::uint64_t> number(2 * m.size());
  SecretVector<std::uint64_t> scratch(static_cast<std::size_t>(mpn_sec_div_qr_itch(2 * limbs, limbs)));
  to_words(x, number);
  [[maybe_unused]] const std::uint64_t top =
      mpn_sec_div_qr(halves.data() + limbs, number.data(), 2 * limbs, m.data(), limbs, scratch.data());
  assert(top == 0 && mpn_cmp(halves.data() + limbs, m.data(), limbs) < 0);
  std::copy_n(number.begin(), limbs, halves.begin());
}

}  // namespace opaline
