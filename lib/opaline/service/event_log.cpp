#include "opaline/service/event_log.h"

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace opaline {
namespace {

// RFC 3339, UTC, milliseconds.
std::string time_stamp() {
  const auto now = std::chrono::system_clock::now();
  const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
  const auto part = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()) % 1000;
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::array<char, 64> text{};
  std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  size += static_cast<std::size_t>(
      std::snprintf(text.data() + size, text.size() - size, ".%03dZ", static_cast<int>(part.count())));
  return {text.data(), size};
}

}  // namespace

void EventLog::write(const std::string& event, const Fields& fields) {
  nlohmann::ordered_json line{{"time", time_stamp()}, {"event", event}};
  for (const auto& [name, value] : fields) {
    std::visit([&, &key = name](const auto& one) { line[key] = one; }, value);
  }
  // What strangers sent may be anything, also no UTF-8.
  const std::string text = line.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) + "\n";
  const std::lock_guard lock(mutex_);
  sink_(text);
}

}  // namespace opaline
