#pragma once

#include <span>
#include <string>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/bigint/integer.h"
#include "opaline/paillier/ciphertext.h"

namespace opaline {

/// Encrypted numbers as python-paillier's pheutil reads and writes them: {"v": "…", "e": …}, v the ciphertext
/// in decimal digits, e an exponent. With the plaintext m in (−n/3, n/3) the number is m·16^e: whole numbers
/// have e = 0, floating-point ones a negative e that every digit of theirs fits (EncodedNumber of
/// python-paillier 1.5). Python-paillier never encrypts e.
struct PheNumber {
  Ciphertext ciphertext;
  int exponent = 0;
};

/// A number in the clear: mantissa·16^exponent, exact.
struct PheEncoding {
  Integer mantissa;
  int exponent = 0;
};

/// Exponents are within ± this: 16^e is no longer than the longest modulus then.
inline constexpr int kLargestPheExponent = 2048;

/// One number on one line, as `pheutil encrypt` prints it.
std::string to_json(const PheNumber& number);

/// A file of such lines, at least one of them. Error(damaged), Error(invalid_ciphertext) and
/// Error(too_large) name the line. `_vartime` (all of it is public).
std::vector<PheNumber> parse_phe_numbers(ByteView file, const PublicKey& key, const std::string& name);

/// The number in a text, as python-paillier encodes an int ("-7", of any size) or a float ("2.5e-3").
/// Error(invalid_argument) for what is neither, or not finite; Error(out_of_range) for what the key has no
/// room for.
PheEncoding parse_phe_value(const std::string& text, const PublicKey& key);

/// The number in digits: exact where it is whole, else the nearest floating-point number, the shortest way
/// there is to write it. Error(out_of_range) for a mantissa beyond ± n/3, where python-paillier sees an
/// overflow, and for numbers beyond those of double.
std::string phe_value_text(const PheEncoding& number, const PublicKey& key);

/// The number if it is whole. Error(out_of_range) if it is not.
Integer whole_number(const PheEncoding& number);

}  // namespace opaline
