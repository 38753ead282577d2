#include "service/raw_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

namespace opaline::test {

RawClient::RawClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    ::close(socket_);
    throw std::runtime_error("cannot connect");
  }
}

RawClient::~RawClient() { ::close(socket_); }

void RawClient::send(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<std::size_t>(count);
  }
}

void RawClient::finish_sending() { ::shutdown(socket_, SHUT_WR); }

bool RawClient::fill(std::chrono::steady_clock::time_point deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  pollfd one{socket_, POLLIN, 0};
  if (left.count() <= 0 || ::poll(&one, 1, static_cast<int>(left.count())) <= 0) return false;
  std::array<char, 65536> bytes{};
  const ssize_t count = ::recv(socket_, bytes.data(), bytes.size(), 0);
  if (count <= 0) return false;
  buffer_.append(bytes.data(), static_cast<std::size_t>(count));
  return true;
}

std::string RawClient::Reply::field(const std::string& name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const auto& one) { return one.first == name; });
  return found == fields.end() ? "" : found->second;
}

RawClient::Reply RawClient::receive(std::chrono::milliseconds patience, bool head_only) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  std::size_t end = std::string::npos;
  while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) {
    if (!fill(deadline)) return {};
  }
  Reply reply;
  reply.status = static_cast<unsigned>(std::atoi(buffer_.c_str() + sizeof("HTTP/1.1")));
  for (std::size_t line = buffer_.find("\r\n") + 2; line < end + 2;) {
    const std::size_t next = buffer_.find("\r\n", line);
    const std::string text = buffer_.substr(line, next - line);
    const std::size_t colon = text.find(": ");
    reply.fields.emplace_back(text.substr(0, colon),
                              colon == std::string::npos ? "" : text.substr(colon + 2));
    line = next + 2;
  }
  buffer_.erase(0, end + 4);
  if (head_only) return reply;
  const std::string length = reply.field("Content-Length");
  const std::size_t size = length.empty() ? 0 : static_cast<std::size_t>(std::atoll(length.c_str()));
  while (buffer_.size() < size) {
    if (!fill(deadline)) return {};
  }
  reply.body = buffer_.substr(0, size);
  buffer_.erase(0, size);
  return reply;
}

bool RawClient::closed_within(std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (fill(deadline)) {
  }
  return std::chrono::steady_clock::now() < deadline;
}

std::string request(const std::string& method, const std::string& target, const std::string& body,
                    const std::string& fields) {
  const std::string length = body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return method + " " + target + " HTTP/1.1\r\nHost: here\r\n" + length + fields + "\r\n" + body;
}

}  // namespace opaline::test
