// Packed numbers calculate as the numbers themselves do, up to the very bound and whatever their neighbours.

#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <vector>

#include "opaline/packing/slot_layout.h"
#include "support/error_kind.h"

using namespace opaline;
using opaline::test::kind_of;

namespace {

// Every sequence of `length` numbers drawn from `choices`.
std::vector<std::vector<std::int64_t>> sequences(const std::vector<std::int64_t>& choices,
                                                 std::size_t length) {
  std::vector<std::vector<std::int64_t>> all = {{}};
  for (std::size_t i = 0; i < length; ++i) {
    std::vector<std::vector<std::int64_t>> longer;
    for (const auto& sequence : all) {
      for (const std::int64_t choice : choices) {
        longer.push_back(sequence);
        longer.back().push_back(choice);
      }
    }
    all = std::move(longer);
  }
  return all;
}

// Σ_i values[i]·2^(i·W), slot by slot.
Integer at_slots(const std::vector<std::int64_t>& values, unsigned slot_bits) {
  Integer sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i) sum += Integer(values[i]) << (i * slot_bits);
  return sum;
}

}  // namespace

TEST_CASE("inputs stand at multiples of the slot width, missing ones are zero") {
  for (const std::int64_t maximum : {1, 2, 15}) {
    const SlotLayout layout = SlotLayout::batch(5, maximum, 32);
    for (std::size_t count = 0; count <= layout.slots(); ++count) {
      for (const auto& values : sequences({0, 1, maximum}, count)) {
        CHECK(layout.pack(values) == at_slots(values, layout.shape().slot_bits));
      }
    }
  }
}

TEST_CASE("inputs outside their range and too many inputs are refused") {
  const SlotLayout layout = SlotLayout::batch(5, 15, 32);
  REQUIRE(layout.slots() == 5);
  CHECK(kind_of([&] { layout.pack(std::vector<std::int64_t>{0, 16}); }) == ErrorKind::out_of_range);
  CHECK(kind_of([&] { layout.pack(std::vector<std::int64_t>{-1, 0}); }) == ErrorKind::out_of_range);
  CHECK(kind_of([&] { layout.pack(std::vector<std::int64_t>(6, 0)); }) == ErrorKind::invalid_argument);
  CHECK(layout.pack(std::vector<std::int64_t>(5, 15)) > 0);
}

TEST_CASE("every combination of extreme answers comes back from its slots") {
  for (const std::int64_t bound : {0, 1, 2, 3, 4, 7, 8}) {
    const SlotLayout layout = SlotLayout::batch(bound, 1, 30);
    const unsigned bits = layout.shape().slot_bits;
    const Integer half = Integer(1) << (bits - 3);
    CAPTURE(bound, layout.slots());
    for (const auto& answers : sequences({-bound, 0, bound}, layout.slots())) {
      std::vector<std::int64_t> biased = answers;
      for (std::int64_t& answer : biased) answer += static_cast<std::int64_t>(half);
      const Integer plaintext = at_slots(biased, bits);
      CHECK(plaintext == layout.offset(0) + at_slots(answers, bits));
      CHECK(layout.unpack(plaintext, layout.slots()) == answers);
      CHECK(layout.unpack(plaintext, 1) == std::vector<std::int64_t>{answers[0]});
    }
  }
}

TEST_CASE("the offset puts a bias into every slot") {
  const SlotLayout layout = SlotLayout::batch(100, 3, 1024);
  for (const std::int64_t bias : {-100, -1, 0, 1, 100}) {
    CHECK(layout.unpack(layout.offset(bias), layout.slots()) ==
          std::vector<std::int64_t>(layout.slots(), bias));
  }
  CHECK(kind_of([&] { layout.offset(101); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([&] { layout.offset(-101); }) == ErrorKind::invalid_argument);
}

TEST_CASE("linear combinations of packed inputs are those of the inputs") {
  std::mt19937_64 random(20240607);
  for (int round = 0; round < 200; ++round) {
    const std::size_t inputs = 1 + random() % 20;
    const auto weight_range = static_cast<std::int64_t>(1 + random() % 1000);
    const auto input_maximum = static_cast<std::int64_t>(1 + random() % 300);
    const std::size_t key_bits = 64 + 2 * (random() % 500);
    const bool extreme = round % 3 == 0;
    const auto pick = [&](std::int64_t lowest, std::int64_t highest) {
      if (extreme) return random() % 2 == 0 ? lowest : highest;
      return lowest + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(highest - lowest + 1));
    };

    std::vector<std::int64_t> weights(inputs);
    for (std::int64_t& weight : weights) weight = pick(-weight_range, weight_range);
    const std::int64_t bias = pick(-weight_range, weight_range);
    std::int64_t bound = std::abs(bias);
    for (const std::int64_t weight : weights) bound += std::abs(weight) * input_maximum;

    const SlotLayout layout = SlotLayout::batch(bound, input_maximum, key_bits);
    Integer sum = layout.offset(bias);
    std::vector<std::int64_t> answers(layout.slots(), bias);
    for (const std::int64_t weight : weights) {
      std::vector<std::int64_t> column(layout.slots());
      for (std::size_t i = 0; i < column.size(); ++i) {
        column[i] = pick(0, input_maximum);
        answers[i] += weight * column[i];
      }
      sum += layout.pack(column) * weight;
    }
    CHECK(sum < Integer(1) << (key_bits - 2));
    CHECK(layout.unpack(sum, layout.slots()) == answers);
  }
}

TEST_CASE("the widest slots, of more than 64 bits, are exact") {
  const std::int64_t bound = (std::int64_t{1} << 62) - 1;
  const SlotLayout layout = SlotLayout::batch(bound, bound, 1024);
  REQUIRE(layout.shape() == LayoutShape{15, 65});
  CHECK(layout.unpack(layout.offset(bound), 15) == std::vector<std::int64_t>(15, bound));
  CHECK(layout.unpack(layout.offset(-bound), 15) == std::vector<std::int64_t>(15, -bound));
  CHECK(layout.unpack(layout.offset(0) + layout.pack(std::vector<std::int64_t>{0, bound, 0}), 3) ==
        std::vector<std::int64_t>{0, bound, 0});
}
