#pragma once

#include <algorithm>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "fuzz/mutator.h"
#include "opaline/base/bytes.h"
#include "opaline/base/error.h"

namespace opaline::fuzz {

/// A reader of what strangers send, and what it must do with any bytes at all: accept them, and then keep
/// its promises, or refuse them with an Error of a kind that it documents.
struct FuzzTarget {
  std::string name;

  /// Sound inputs, made by the project itself; always the same ones.
  std::vector<Bytes> (*seeds)();

  /// Throws whatever is a finding: anything but an Error that may be, or Broken.
  void (*run)(ByteView input);

  /// A changed input of at most `limit` bytes, with the checksums, lengths and digests made right again that
  /// would hide from blind changes what stands behind them.
  Bytes (*mutate)(Bytes input, std::size_t limit, Mutator& mutator);

  /// Mutations of each seed for an ordinary test to run: fewer where a run is slow.
  std::size_t tried = 0;
};

/// A promise that was not kept.
class Broken : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

inline void require(bool kept, const std::string& promise) {
  if (!kept) throw Broken(promise);
}

/// Whether a text can be shown as it is.
inline bool is_one_line(std::string_view text) {
  const auto control = [](char c) { return c >= 0 && c < ' '; };
  return !text.empty() && std::none_of(text.begin(), text.end(), control);
}

/// Whether an action succeeds. Errors of the kinds given are refusals, and have to say in one line what is
/// wrong; everything else is thrown on.
template <typename Action>
bool accepted(std::initializer_list<ErrorKind> refusals, const Action& action) {
  try {
    action();
    return true;
  } catch (const Error& error) {
    for (const ErrorKind kind : refusals) {
      if (kind != error.kind()) continue;
      require(is_one_line(error.what()), "a refusal says in one line why");
      return false;
    }
    throw;
  }
}

/// For formats without anything to be made right again.
inline Bytes mutate_blindly(Bytes input, std::size_t limit, Mutator& mutator) {
  mutator.change(input, limit);
  return input;
}

inline Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }
inline std::string text_of(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

/// All of them, by name.
const std::vector<FuzzTarget>& fuzz_targets();
const FuzzTarget* find_target(const std::string& name);

}  // namespace opaline::fuzz
