#pragma once

#include <string>

#include "opaline/base/error.h"

namespace opaline {

/// Runs an action on a part of a message; its errors then open with the message's name.
template <typename Action>
auto with_name(const std::string& name, const Action& action) {
  try {
    return action();
  } catch (const Error& error) {
    throw Error(error.kind(), name + ": " + error.what());
  }
}

}  // namespace opaline
