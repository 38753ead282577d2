#pragma once

#include <vector>

#include "opaline/paillier/keys.h"

namespace opaline::test {

/// A fresh key of the smallest size, with generators; two others; and the first without its generators. Made
/// once a program.
const SecretKey& sample_key();
const SecretKey& other_key();
const SecretKey& third_key();
const SecretKey& imported_key();

/// x as a plaintext: the number in (−n/2, n/2) that is x mod n.
Integer centred(const Integer& x, const PublicKey& key);

/// The first prime from x on.
Integer prime_from(const Integer& x);

/// 0, ±1, ±(n − 1)/2 and, up to the count, random plaintexts.
std::vector<Integer> sample_plaintexts(const PublicKey& key, std::size_t count);

}  // namespace opaline::test
