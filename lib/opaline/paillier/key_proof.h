#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/bigint/backend.h"
#include "opaline/bigint/integer.h"

namespace opaline {

class PublicKey;
class SecretKey;

/// A proof, made once by the owner of a key and checked by anybody, that gcd(n, φ(n)) = 1.
///
/// Source: Goldberg, Reyzin, Sagga, Baldimtsi, "Efficient Noninteractive Certification of RSA Moduli and
/// Beyond" (ASIACRYPT 2019, ePrint 2018/057), section 3: the protocol for moduli of Paillier's cryptosystem,
/// made non-interactive by a random oracle.
///
///   challenges   x_1 … x_m, uniform in [0, n): SHA-256 of this protocol's name, n and a counter, in as many
///                blocks as n has room for, drawn again while not below n
///   proof        y_i = x_i^(1/n mod φ(n)) mod n
///   accepted if  n has no prime factor below α, and for every i: gcd(x_i, n) = 1, 0 < y_i < n, y_i^n = x_i
///
/// Why: if a prime e divides both n and φ(n), then x → x^n is at least e to one on Z*_n, so that at most one
/// in e ≥ α challenges has a root at all, and a wrong n passes with at most α^−m. Here α = 2^16, up to which
/// a PublicKey has been searched for factors, and m = ⌈128 / log2 α⌉ = 8: 2^−128 for each n that a forger
/// tries.
/// Roots are unique where gcd(n, φ(n)) = 1, so a key has one proof. It tells nothing else: anybody can make
/// pairs (y^n, y).
///
/// It does prove: n is square-free, and r → r^n mod n² hits every n-th residue equally often. A ciphertext
/// that is multiplied by a fresh r^n then says nothing of where it came from, whoever made the key.
///
/// It does not prove: that n has two prime factors only, that they are large (beyond 2^16) or of one size,
/// that n is hard to factor, or that whoever shows the proof has the secret key (a proof can be copied).
struct KeyProof {
  Bytes roots;  ///< y_1 … y_m, big-endian, each of as many bytes as n

  friend bool operator==(const KeyProof&, const KeyProof&) = default;
};

inline constexpr std::string_view kKeyProofName = "opaline: gcd(n, phi(n)) = 1, version 1";

/// m, and the most bytes of a proof there are.
inline constexpr std::size_t kKeyProofRoots = 8;
inline constexpr std::size_t kLargestKeyProof = kKeyProofRoots * 1024;

/// x_1 … x_m: block b of attempt a at x_i is SHA-256(kKeyProofName ‖ bytes of n ‖ n ‖ i − 1 ‖ a ‖ b), n
/// big-endian in the bytes it needs, the numbers beside it in four bytes big-endian; the blocks one after the
/// other are cut to the bytes of n and shifted right to its bits. `_vartime`.
std::vector<Integer> key_proof_challenges_vartime(const PublicKey& key);

/// The proof for a key, checked before it leaves (Error(fault)): a root that is right mod p and wrong mod q
/// would give the primes away. Not constant-time, as key generation is not.
KeyProof make_key_proof(const SecretKey& key);

/// Whether it is the key's proof. m powers of |n| bits, a lane each. `_vartime` (all of it is public).
bool proves_vartime(const KeyProof& proof, const PublicKey& key, const Backend& backend = default_backend());

}  // namespace opaline
