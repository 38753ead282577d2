#include "opaline/base/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

namespace opaline {
namespace {

constexpr std::size_t kWidth = 30;
constexpr auto kRefresh = std::chrono::milliseconds(100);

}  // namespace

ProgressBar::ProgressBar(std::string title, std::size_t total, Output output)
    : title_(std::move(title)),
      total_(std::max<std::size_t>(total, 1)),
      visible_(output == Output::terminal && ::isatty(STDERR_FILENO) == 1),
      start_(std::chrono::steady_clock::now()),
      drawn_(start_ - kRefresh) {}

ProgressBar::~ProgressBar() {
  if (!visible_) return;
  draw();
  std::fputc('\n', stderr);
}

void ProgressBar::update(std::size_t done) {
  done_ = std::min(done, total_);
  const auto now = std::chrono::steady_clock::now();
  if (!visible_ || now - drawn_ < kRefresh) return;
  drawn_ = now;
  draw();
}

void ProgressBar::note(std::string text) { note_ = std::move(text); }

void ProgressBar::draw() const {
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const double rate = seconds > 0 ? static_cast<double>(done_) / seconds : 0;
  const double left = rate > 0 ? static_cast<double>(total_ - done_) / rate : 0;
  const std::size_t filled = done_ * kWidth / total_;
  const std::string bar = std::string(filled, '#') + std::string(kWidth - filled, '.');
  std::fprintf(stderr, "\r%-10s [%s] %3zu %%  %.0f/s  %.0f s left  %s\033[K", title_.c_str(), bar.c_str(),
               done_ * 100 / total_, rate, left, note_.c_str());
  std::fflush(stderr);
}

}  // namespace opaline
