#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "opaline/base/error.h"
#include "opaline/model/compiled_model.h"

/// What the files NAME.client and NAME.server share.
namespace opaline {

/// The largest bound of a certificate.
inline constexpr std::int64_t kLargestBound = (std::int64_t{1} << 62) - 1;

/// Error(invalid_argument) unless every field is in its range and they agree with each other.
void check_client_spec(const ClientSpec& spec);

/// The protobuf message of a spec, and back. Reading throws as check_client_spec, or Error(damaged).
std::string client_spec_to_wire(const ClientSpec& spec);
ClientSpec client_spec_from_wire(std::string_view wire);

/// Runs `read`, whose complaints about ranges become Error(damaged); `name` opens every error text.
template <typename Read>
auto read_named(const std::string& name, const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    const bool range = error.kind() == ErrorKind::invalid_argument;
    throw Error(range ? ErrorKind::damaged : error.kind(), name + ": " + error.what());
  }
}

}  // namespace opaline
