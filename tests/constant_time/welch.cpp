#include "welch.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

namespace opaline::test {
namespace {

/// Mean and variance, one number at a time (Welford 1962).
class Moments {
 public:
  void add(double x) {
    ++count_;
    const double difference = x - mean_;
    mean_ += difference / count_;
    squares_ += difference * (x - mean_);
  }
  double count() const { return count_; }
  double mean() const { return mean_; }
  double variance() const { return squares_ / (count_ - 1); }

 private:
  double count_ = 0;
  double mean_ = 0;
  double squares_ = 0;
};

double t_of(const std::array<Moments, 2>& classes) {
  const auto& [a, b] = classes;
  if (a.count() < 100 || b.count() < 100) return 0;
  const double spread = a.variance() / a.count() + b.variance() / b.count();
  return spread > 0 ? (a.mean() - b.mean()) / std::sqrt(spread) : 0;
}

}  // namespace

double largest_t(std::vector<Timing> timings) {
  std::vector<std::uint64_t> sorted;
  sorted.reserve(timings.size());
  for (const Timing& timing : timings) sorted.push_back(timing.cycles);
  std::sort(sorted.begin(), sorted.end());
  double largest = 0;
  for (const double percentile : {1.0, 0.999, 0.99, 0.95, 0.9, 0.75, 0.5}) {
    const std::uint64_t limit =
        sorted[static_cast<std::size_t>(percentile * static_cast<double>(sorted.size() - 1))];
    std::array<Moments, 2> classes;
    for (const Timing& timing : timings) {
      if (timing.cycles <= limit) classes[timing.fixed ? 1 : 0].add(static_cast<double>(timing.cycles));
    }
    const double t = t_of(classes);
    if (std::abs(t) > std::abs(largest)) largest = t;
  }
  return largest;
}

}  // namespace opaline::test
