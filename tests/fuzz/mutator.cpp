#include "fuzz/mutator.h"

#include <algorithm>
#include <memory>

namespace opaline::fuzz {
namespace {

constexpr std::uint8_t kTelling[] = {0x00, 0x01, 0x7f, 0x80, 0xff, '0', '"', '\n'};
constexpr std::size_t kLongestPiece = 16;

std::ptrdiff_t offset(std::size_t place) { return static_cast<std::ptrdiff_t>(place); }

}  // namespace

Mutator::Change blind_change(std::uint32_t seed) {
  return [random = std::minstd_rand(seed)](Bytes& bytes, std::size_t limit) mutable {
    const auto below = [&](std::size_t count) { return static_cast<std::size_t>(random()) % count; };
    const std::size_t place = below(bytes.size() + 1);
    const std::size_t length = 1 + below(kLongestPiece);
    switch (bytes.empty() ? 0 : below(5)) {
      case 0:
        bytes.insert(bytes.begin() + offset(place), length, kTelling[below(std::size(kTelling))]);
        break;
      case 1:
        bytes.erase(bytes.begin() + offset(place),
                    bytes.begin() + offset(std::min(bytes.size(), place + length)));
        break;
      case 2: {
        const std::size_t from = below(bytes.size());
        const Bytes piece(bytes.begin() + offset(from),
                          bytes.begin() + offset(std::min(bytes.size(), from + length)));
        bytes.insert(bytes.begin() + offset(place), piece.begin(), piece.end());
        break;
      }
      case 3:
        bytes[below(bytes.size())] = kTelling[below(std::size(kTelling))];
        break;
      default:
        bytes[below(bytes.size())] ^= static_cast<std::uint8_t>(1U << below(8));
    }
    if (bytes.size() > limit) bytes.resize(limit);
  };
}

}  // namespace opaline::fuzz
