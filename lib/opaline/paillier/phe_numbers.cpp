#include "opaline/paillier/phe_numbers.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

#include "opaline/base/error.h"
#include "opaline/paillier/named_errors.h"

namespace opaline {
namespace {

using Json = nlohmann::json;

constexpr unsigned kBitsADigit = 4;  // of base 16
constexpr int kFractionBits = std::numeric_limits<double>::digits;
constexpr std::size_t kLongestLine = 6000;                        // the square of 8192 bits has 4933 digits
constexpr std::size_t kLongestWholeNumber = kLargestKeyBits / 3;  // digits

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::string digits_of(const Integer& x) { return x.str(); }

Integer power_of_16(int exponent) { return Integer(1) << (kBitsADigit * static_cast<unsigned>(exponent)); }

/// The decimal digits of a ciphertext, in the bytes of one.
Bytes ciphertext_bytes(const Json& v, const PublicKey& key) {
  const auto* const digits = v.get_ptr<const std::string*>();
  if (digits == nullptr || !is_digits(*digits) || (digits->size() > 1 && digits->front() == '0')) {
    throw Error(ErrorKind::damaged, "\"v\" is not a ciphertext in decimal digits");
  }
  const Integer value(*digits);
  if (value >= key.n_squared()) {
    throw Error(ErrorKind::invalid_ciphertext, "\"v\" is too large for this key: encrypted for another one?");
  }
  return to_bytes(value, key.ciphertext_bytes());
}

PheNumber parse_line(ByteView line, const PublicKey& key) {
  if (line.size() > kLongestLine) throw Error(ErrorKind::too_large, "too long for an encrypted number");
  const Json json = Json::parse(line.begin(), line.end(), nullptr, false);
  if (!json.is_object() || !json.contains("v") || !json.contains("e")) {
    throw Error(ErrorKind::damaged, R"(not an encrypted number of pheutil: {"v": "…", "e": …})");
  }
  const Json& e = json["e"];
  // Signed and unsigned ones apart: a comparison of the JSON values would convert one to the other.
  const bool fits = e.is_number_unsigned() ? e.get<std::uint64_t>() <= std::uint64_t{kLargestPheExponent}
                                           : e.is_number_integer() && e.get<std::int64_t>() <= 0 &&
                                                 e.get<std::int64_t>() >= -kLargestPheExponent;
  if (!fits) {
    throw Error(ErrorKind::damaged,
                "\"e\" is not a whole number within ±" + std::to_string(kLargestPheExponent));
  }
  return {parse_ciphertexts(key, ciphertext_bytes(json["v"], key)).front(), e.get<int>()};
}

/// Rounded to the nearest, ties to even, where GMP cuts off.
double nearest(const Integer& x) {
  const Integer magnitude = abs(x);
  const std::size_t bits = bit_length(magnitude);
  // Two bits more than a double has, the last of them set if anything is below it.
  const unsigned shift = bits > kFractionBits + 2U ? static_cast<unsigned>(bits) - kFractionBits - 2U : 0;
  const Integer high = magnitude >> shift;
  std::uint64_t top = static_cast<std::uint64_t>(high);
  if ((high << shift) != magnitude) top |= 1U;
  const double rounded = std::ldexp(static_cast<double>(top), static_cast<int>(shift));
  return x < 0 ? -rounded : rounded;
}

std::optional<double> parse_double(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

/// As EncodedNumber.encode does without a precision: the largest exponent at which no bit of a float of 53
/// bits is lost.
PheEncoding encode(double value) {
  int binary = 0;
  std::frexp(value, &binary);
  const int exponent = static_cast<int>(std::floor((binary - kFractionBits) / double{kBitsADigit}));
  int mantissa_exponent = 0;
  const double fraction = std::frexp(value, &mantissa_exponent);
  const Integer mantissa(std::ldexp(fraction, kFractionBits));  // a whole number below 2^53
  const int shift = mantissa_exponent - kFractionBits - static_cast<int>(kBitsADigit) * exponent;  // 0 … 3
  return {mantissa << static_cast<unsigned>(shift), exponent};
}

void check_room(const Integer& mantissa, const PublicKey& key) {
  if (abs(mantissa) > key.n() / 3 - 1) {
    throw Error(ErrorKind::out_of_range,
                "a number beyond a third of n: python-paillier sees an overflow there");
  }
}

}  // namespace

std::string to_json(const PheNumber& number) {
  const Json json = {{"v", digits_of(number.ciphertext.value())}, {"e", number.exponent}};
  return json.dump() + "\n";
}

std::vector<PheNumber> parse_phe_numbers(ByteView file, const PublicKey& key, const std::string& name) {
  std::vector<PheNumber> numbers;
  std::size_t line = 0;
  while (!file.empty()) {
    ++line;
    const auto length = static_cast<std::size_t>(std::find(file.begin(), file.end(), '\n') - file.begin());
    const ByteView text = file.first(length);
    file = file.subspan(std::min(length + 1, file.size()));
    const bool blank = std::all_of(text.begin(), text.end(), [](auto c) { return c == ' ' || c == '\r'; });
    if (blank) continue;
    numbers.push_back(
        with_name(name + ", line " + std::to_string(line), [&] { return parse_line(text, key); }));
  }
  if (numbers.empty()) throw Error(ErrorKind::damaged, name + ": holds no encrypted number");
  return numbers;
}

PheEncoding parse_phe_value(const std::string& text, const PublicKey& key) {
  std::string_view digits = text;
  if (!digits.empty() && digits.front() == '-') digits.remove_prefix(1);
  PheEncoding number;
  if (is_digits(digits) && digits.size() <= kLongestWholeNumber) {
    while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
    const Integer magnitude{std::string(digits)};
    number = {text.front() == '-' ? Integer(-magnitude) : magnitude, 0};
  } else if (const auto value = parse_double(text)) {
    number = encode(*value);
  } else {
    throw Error(ErrorKind::invalid_argument, "'" + text + "' is no number");
  }
  check_room(number.mantissa, key);
  return number;
}

std::string phe_value_text(const PheEncoding& number, const PublicKey& key) {
  check_room(number.mantissa, key);
  if (number.exponent >= 0) return digits_of(number.mantissa * power_of_16(number.exponent));
  const Integer divisor = power_of_16(-number.exponent);
  if (number.mantissa % divisor == 0) return digits_of(number.mantissa / divisor);
  const double value = std::ldexp(nearest(number.mantissa), static_cast<int>(kBitsADigit) * number.exponent);
  if (!std::isfinite(value)) throw Error(ErrorKind::out_of_range, "beyond the numbers of a double");
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) throw Error(ErrorKind::fault, "a number could not be written");
  return {text.data(), end};
}

Integer whole_number(const PheEncoding& number) {
  if (number.exponent >= 0) return number.mantissa * power_of_16(number.exponent);
  const Integer divisor = power_of_16(-number.exponent);
  if (number.mantissa % divisor != 0) throw Error(ErrorKind::out_of_range, "not a whole number");
  return number.mantissa / divisor;
}

}  // namespace opaline
