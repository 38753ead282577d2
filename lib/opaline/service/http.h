#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "opaline/base/bytes.h"

namespace opaline {

/// Header fields in the order they came.
using HttpFields = std::vector<std::pair<std::string, std::string>>;

/// The value of the first field of that name, in any case; empty if there is none.
std::string field_of(const HttpFields& fields, const std::string& name);

/// The head of a request: what is known before its body is.
struct HttpRequest {
  std::string method;
  std::string target;  ///< as it was sent: path and query, not decoded
  HttpFields fields;
  std::string remote;  ///< address of the other side

  std::string field(const std::string& name) const { return field_of(fields, name); }
};

struct HttpReply {
  unsigned status = 200;
  std::string content_type = "application/json";
  HttpFields fields = {};
  Bytes body = {};
  HttpFields notes = {};  ///< for the log, never sent
};

/// What an application throws where a request is refused: becomes a reply.
class HttpRefusal : public std::runtime_error {
 public:
  HttpRefusal(unsigned status, const std::string& message, std::chrono::seconds retry_after = {})
      : std::runtime_error(message), status_(status), retry_after_(retry_after) {}

  unsigned status() const { return status_; }
  std::chrono::seconds retry_after() const { return retry_after_; }  ///< 0: not said

 private:
  unsigned status_;
  std::chrono::seconds retry_after_;
};

/// {"error": message}, as the Open Inference Protocol wants it.
HttpReply error_reply(unsigned status, const std::string& message);

/// A reply of JSON text.
HttpReply json_reply(const std::string& json);

/// What a server grants to whoever connects. All of it is enforced before memory is taken for it.
struct HttpLimits {
  std::size_t connections = 1024;
  std::size_t requests_a_connection = 10'000;
  std::uint32_t header_bytes = 16 * 1024;
  std::uint64_t body_bytes = std::uint64_t{64} << 20;     ///< of one request
  std::uint64_t bodies_bytes = std::uint64_t{512} << 20;  ///< of all that are being read or worked on
  std::chrono::milliseconds idle_time{60'000};            ///< between two requests of a connection
  std::chrono::milliseconds header_time{10'000};        ///< from a request's first byte to its header's last
  std::chrono::milliseconds grace_time{10'000};         ///< for a body or a reply, beside what its rate gives
  std::uint64_t lowest_rate = std::uint64_t{16} << 10;  ///< bytes a second, of bodies and replies
};

}  // namespace opaline
