#pragma once

#include <exception>
#include <utility>
#include <variant>

namespace opaline {

/// What an action gave or what it threw, for one of several actions that must not fail each other.
template <typename Value>
class Outcome {
 public:
  Outcome(Value value) : what_(std::move(value)) {}                   // NOLINT(google-explicit-constructor)
  Outcome(std::exception_ptr failure) : what_(std::move(failure)) {}  // NOLINT(google-explicit-constructor)

  bool succeeded() const { return what_.index() == 0; }

  /// The value, or throws what was thrown.
  Value& value() {
    if (!succeeded()) std::rethrow_exception(std::get<1>(what_));
    return std::get<0>(what_);
  }

 private:
  std::variant<Value, std::exception_ptr> what_;
};

/// Runs an action and keeps what comes of it.
template <typename Action>
auto outcome_of(const Action& action) -> Outcome<decltype(action())> {
  try {
    return action();
  } catch (...) {
    return std::current_exception();
  }
}

}  // namespace opaline
