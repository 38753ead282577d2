#pragma once

#include <string>

#include "opaline/base/error.h"
#include "opaline/paillier/key_rules.h"

namespace opaline {

/// Runs an action on a part of a file or message; its errors then open with the name of that, and stay what
/// they are.
template <typename Action>
auto with_name(const std::string& name, const Action& action) {
  try {
    return action();
  } catch (const InvalidKey& error) {
    throw InvalidKey(error.rule(), name + ": " + error.what());
  } catch (const Error& error) {
    throw Error(error.kind(), name + ": " + error.what());
  }
}

}  // namespace opaline
