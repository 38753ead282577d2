#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace opaline {

/// Structured log lines: one JSON object a line, with the time and the event's name before its fields. Safe
/// from many threads; lines are never mixed.
class EventLog {
 public:
  /// Where lines go, each with its line feed.
  using Sink = std::function<void(std::string_view)>;
  explicit EventLog(Sink sink) : sink_(std::move(sink)) {}

  using Value = std::variant<std::string, double, std::int64_t>;
  using Fields = std::vector<std::pair<std::string, Value>>;

  void write(const std::string& event, const Fields& fields);

 private:
  Sink sink_;
  std::mutex mutex_;
};

}  // namespace opaline
