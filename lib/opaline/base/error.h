#pragma once

#include <stdexcept>
#include <string>

namespace opaline {

/// What went wrong, for callers that want to react to it; what() says it in one line for people.
enum class ErrorKind {
  invalid_argument,     ///< the caller asked for something that makes no sense
  io,                   ///< the operating system refused a file
  damaged,              ///< a file or message is truncated, altered or not what it claims to be
  unsupported_version,  ///< a file or message of another version of Opaline
  too_large,            ///< a size above the documented limit; refused before memory is taken
  invalid_key,          ///< a key that breaks a rule of lib/opaline/paillier/keys.h
  invalid_ciphertext,   ///< a number that cannot be a ciphertext under the key
  wrong_key,            ///< made for another key
  wrong_model,          ///< made for another model
  out_of_range,         ///< an input value outside what the model was compiled for
  does_not_fit,         ///< no overflow certificate: the model is too large for the key or the layout
  unsupported_model,    ///< a network that is not affine, or not readable
  corrupt_reply,        ///< a decrypted value outside its certificate
  fault,                ///< a computation contradicted itself; nothing was released
  unsupported_backend,  ///< an arithmetic backend this machine or this build does not have
  network,              ///< a connection failed, broke off or was too slow, or a server is busy: try later
  authentication        ///< a server did not prove who it is, or does not accept who asks
};

/// The one exception type of the library.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

}  // namespace opaline
