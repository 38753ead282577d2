#include "opaline/model/folds.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "opaline/base/error.h"
#include "opaline/model/seeded_random.h"

namespace opaline {
namespace {

// Label after label, shuffled within each: every run of neighbours is a fair sample.
std::vector<std::size_t> sorted_by_label(std::span<const std::uint16_t> labels, std::uint64_t seed) {
  std::vector<std::size_t> order(labels.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  SeededRandom(seed).shuffle(order);
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return labels[a] < labels[b]; });
  return order;
}

}  // namespace

std::vector<std::size_t> stratified_folds(std::span<const std::uint16_t> labels, std::size_t folds,
                                          std::uint64_t seed) {
  if (folds < 2 || folds > labels.size()) {
    throw Error(ErrorKind::invalid_argument,
                "cross-validation needs 2 folds or more, and no more than there are samples");
  }
  std::vector<std::size_t> fold(labels.size());
  std::size_t next = 0;
  for (const std::size_t sample : sorted_by_label(labels, seed)) fold[sample] = next++ % folds;
  return fold;
}

std::vector<bool> stratified_share(std::span<const std::uint16_t> labels, double share, std::uint64_t seed) {
  std::vector<bool> held(labels.size(), false);
  double dealt = 0.5;  // the first of a label is as likely held back as the last
  std::size_t count = 0;
  for (const std::size_t sample : sorted_by_label(labels, seed)) {
    dealt += share;
    if (dealt < 1) continue;
    dealt -= 1;
    held[sample] = true;
    ++count;
  }
  if (count == 0 || count == labels.size()) {
    throw Error(ErrorKind::invalid_argument,
                "that share of the samples leaves none to validate on or none to fit to");
  }
  return held;
}

}  // namespace opaline
