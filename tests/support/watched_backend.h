#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>

#include "opaline/bigint/backend.h"

namespace opaline::test {

/// The operations of PairArithmetic that write something.
enum class Operation {
  mul,
  sqr,
  mul_one_plus_km,
  mul_first_half,
  mul_halves,
  add_halves,
  select,
  compact,
  select_compact,
  gather,
  scatter,  ///< once for every lane
  load,
  load_half,
  store
};
inline constexpr std::size_t kOperations = 14;

/// A backend like another, in front of which somebody stands: `watch` sees every result before anybody reads
/// it, and may change it. It is called by every thread that calculates. What `narrower()` gives is itself:
/// watch the narrower one to see that.
class WatchedBackend : public Backend {
 public:
  using Watch = std::function<void(Operation operation, std::span<Word> result)>;

  /// Both must outlive what is made with it; `base` is one that this machine supports.
  WatchedBackend(const Backend& base, Watch watch) : base_(base), watch_(std::move(watch)) {}

  std::string_view name() const override { return base_.name(); }
  std::string_view description() const override { return base_.description(); }
  bool supported() const override { return base_.supported(); }
  std::size_t lanes() const override { return base_.lanes(); }

 protected:
  std::unique_ptr<const PairArithmetic> make_arithmetic(
      std::span<const std::span<const Word>> moduli) const override;

 private:
  const Backend& base_;
  Watch watch_;
};

}  // namespace opaline::test
