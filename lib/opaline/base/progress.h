#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace opaline {

/// A progress bar on standard error, drawn only when that is a terminal: share done, rate and time left.
/// `Silent` draws nothing whatever standard error is. One thread at a time.
class ProgressBar {
 public:
  enum class Output { terminal, silent };

  ProgressBar(std::string title, std::size_t total, Output output);
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;
  ~ProgressBar();

  /// Says that `done` of the total are finished.
  void update(std::size_t done);

  /// A short text shown behind the bar, such as an accuracy.
  void note(std::string text);

 private:
  void draw() const;

  std::string title_;
  std::string note_;
  std::size_t total_;
  std::size_t done_ = 0;
  bool visible_;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point drawn_;
};

}  // namespace opaline
