#include "opaline/model/folds.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "opaline/model/seeded_random.h"
#include "support/error_kind.h"

using namespace opaline;
using opaline::test::kind_of;

namespace {

std::vector<std::uint16_t> labels_of(const std::vector<std::size_t>& sizes) {
  std::vector<std::uint16_t> labels;
  for (std::size_t label = 0; label < sizes.size(); ++label) {
    labels.insert(labels.end(), sizes[label], static_cast<std::uint16_t>(label));
  }
  SeededRandom(9).shuffle(labels);
  return labels;
}

}  // namespace

TEST_CASE("Folds are of one size, and every label is spread over them") {
  const std::vector<std::size_t> sizes = {59, 71, 48, 3};
  const std::vector<std::uint16_t> labels = labels_of(sizes);
  const std::vector<std::size_t> fold = stratified_folds(labels, 5, 1);
  REQUIRE(fold.size() == labels.size());
  std::vector<std::size_t> all(5);
  std::vector<std::vector<std::size_t>> by_label(4, std::vector<std::size_t>(5));
  for (std::size_t i = 0; i < fold.size(); ++i) {
    ++all.at(fold[i]);
    ++by_label[labels[i]][fold[i]];
  }
  for (std::size_t k = 0; k < 5; ++k) {
    CHECK(all[k] / 36 == 1);  // 181 over 5: 36 or 37
    for (std::size_t label = 0; label < 4; ++label) {
      CHECK(by_label[label][k] >= sizes[label] / 5);
      CHECK(by_label[label][k] <= sizes[label] / 5 + 1);
    }
  }
  CHECK(stratified_folds(labels, 5, 1) == fold);
  CHECK(stratified_folds(labels, 5, 2) != fold);
}

TEST_CASE("A share of every label is held back") {
  const std::vector<std::uint16_t> labels = labels_of({100, 200, 10});
  const std::vector<bool> held = stratified_share(labels, 0.2, 1);
  std::vector<std::size_t> count(3);
  for (std::size_t i = 0; i < labels.size(); ++i) count[labels[i]] += held[i] ? 1U : 0U;
  CHECK(count == std::vector<std::size_t>{20, 40, 2});
  CHECK(stratified_share(labels, 0.2, 1) == held);
  CHECK(stratified_share(labels, 0.2, 2) != held);
}

TEST_CASE("Folds and shares that leave nothing are refused") {
  const std::vector<std::uint16_t> labels = labels_of({2, 2});
  for (const std::size_t folds : {0U, 1U, 5U}) {
    CHECK(kind_of([&] { stratified_folds(labels, folds, 1); }) == ErrorKind::invalid_argument);
  }
  CHECK(stratified_folds(labels, 4, 1).size() == 4);
  for (const double share : {0.0, 0.01, 1.0}) {
    CHECK(kind_of([&] { stratified_share(labels, share, 1); }) == ErrorKind::invalid_argument);
  }
  CHECK(kind_of([&] { stratified_share({}, 0.5, 1); }) == ErrorKind::invalid_argument);
}
