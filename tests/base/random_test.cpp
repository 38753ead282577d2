#include "opaline/base/random.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <set>
#include <vector>

using namespace opaline;

TEST_CASE("every byte of a buffer is filled and none beside it") {
  for (const std::size_t size : {0U, 1U, 7U, 255U, 256U, 257U, 1000U}) {
    CAPTURE(size);
    constexpr std::size_t kBorder = 8;
    std::vector<bool> changed(size);
    for (int round = 0; round < 20; ++round) {  // a byte keeps its value with probability 2^−8 a round
      std::vector<std::uint8_t> memory(size + 2 * kBorder, 0xa5);
      fill_random(std::span(memory).subspan(kBorder, size));
      for (std::size_t i = 0; i < size; ++i) changed[i] = changed[i] || memory[kBorder + i] != 0xa5;
      for (std::size_t i = 0; i < kBorder; ++i) {
        REQUIRE(memory[i] == 0xa5);
        REQUIRE(memory[kBorder + size + i] == 0xa5);
      }
    }
    CHECK(std::all_of(changed.begin(), changed.end(), [](bool byte) { return byte; }));
  }
}

TEST_CASE("no two draws are the same") {
  std::set<std::array<std::uint8_t, 16>> seen;
  for (int i = 0; i < 10000; ++i) {
    std::array<std::uint8_t, 16> draw{};
    fill_random(draw);
    CHECK(seen.insert(draw).second);
  }
}

TEST_CASE("the bytes of a mebibyte are evenly spread") {
  std::vector<std::uint8_t> bytes(1 << 20);
  fill_random(bytes);
  std::array<double, 256> count{};
  for (const std::uint8_t byte : bytes) ++count[byte];
  const double expected = static_cast<double>(bytes.size()) / 256;
  double chi_square = 0;
  for (const double n : count) chi_square += (n - expected) * (n - expected) / expected;
  // 255 degrees of freedom: mean 255, standard deviation 22.6. Eight of those either way never happen.
  CHECK(chi_square > 255 - 8 * 22.6);
  CHECK(chi_square < 255 + 8 * 22.6);
}
