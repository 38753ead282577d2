#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace opaline::test {

/// A socket to a server on this machine that sends just what it is told to.
class RawClient {
 public:
  explicit RawClient(std::uint16_t port);
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient();

  void send(const std::string& bytes);  ///< as much of it as the other side takes
  void finish_sending();                ///< closes this half of the connection

  struct Reply {
    unsigned status = 0;  ///< 0: the connection ended, or nothing came
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;

    std::string field(const std::string& name) const;
  };

  /// The next reply, waited for at most so long. `head_only`: one without a body, as HEAD has.
  Reply receive(std::chrono::milliseconds patience = std::chrono::seconds(20), bool head_only = false);

  /// Whether the other side closes within that time.
  bool closed_within(std::chrono::milliseconds patience);

 private:
  bool fill(std::chrono::steady_clock::time_point deadline);

  int socket_ = -1;
  std::string buffer_;
};

/// A whole request: request line, Host, Content-Length if there is a body, and further fields.
std::string request(const std::string& method, const std::string& target, const std::string& body = "",
                    const std::string& fields = "");

}  // namespace opaline::test
