#pragma once

#include <optional>

#include "opaline/base/error.h"

namespace opaline::test {

/// The opaline::Error that an action throws; nothing if it throws none.
template <typename Action>
std::optional<Error> error_of(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

/// Its kind.
template <typename Action>
std::optional<ErrorKind> kind_of(const Action& action) {
  const std::optional<Error> error = error_of(action);
  return error ? std::optional(error->kind()) : std::nullopt;
}

}  // namespace opaline::test
