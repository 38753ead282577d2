#pragma once

#include <poll.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/system/system_error.hpp>
#include <chrono>
#include <cstddef>

namespace opaline {

/// A connected socket whose every read and write ends by a deadline, however slowly the other side trickles:
/// what Boost.Beast and Boost.Asio's TLS read from and write to (their SyncReadStream and SyncWriteStream).
/// After the deadline: boost::asio::error::timed_out. One thread at a time.
class TimedStream {
 public:
  using Clock = std::chrono::steady_clock;
  using lowest_layer_type = boost::asio::ip::tcp::socket;  // NOLINT(readability-identifier-naming): theirs
  using executor_type = lowest_layer_type::executor_type;  // NOLINT(readability-identifier-naming): theirs

  /// A connection that was accepted or made. Error codes as Asio's.
  explicit TimedStream(boost::asio::ip::tcp::socket socket);

  /// Connects to the first of the addresses that answers before the deadline; each gets an even share of the
  /// time that is left. Throws boost::system::system_error with the reason of the last.
  static TimedStream connect(boost::asio::io_context& context,
                             const boost::asio::ip::tcp::resolver::results_type& addresses,
                             Clock::time_point deadline);

  void expire_at(Clock::time_point deadline) { deadline_ = deadline; }

  /// Bytes that have come and gone since the beginning.
  std::uint64_t received() const { return received_; }
  std::uint64_t sent() const { return sent_; }

  // What Beast and Asio ask for, named as they want it.
  // NOLINTBEGIN(readability-identifier-naming)
  lowest_layer_type& lowest_layer() { return socket_; }
  const lowest_layer_type& lowest_layer() const { return socket_; }
  executor_type get_executor() { return socket_.get_executor(); }
  // NOLINTEND(readability-identifier-naming)

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers, boost::system::error_code& error) {
    const std::size_t count = when_ready(POLLIN, error, [&] { return socket_.read_some(buffers, error); });
    received_ += count;
    return count;
  }

  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers, boost::system::error_code& error) {
    const std::size_t count = when_ready(POLLOUT, error, [&] { return socket_.write_some(buffers, error); });
    sent_ += count;
    return count;
  }

  template <typename Buffers>
  std::size_t read_some(const Buffers& buffers) {
    return or_throw([&](boost::system::error_code& error) { return read_some(buffers, error); });
  }

  template <typename Buffers>
  std::size_t write_some(const Buffers& buffers) {
    return or_throw([&](boost::system::error_code& error) { return write_some(buffers, error); });
  }

 private:
  // Waits until the socket is ready for `events` or the deadline has passed.
  void wait(short events, boost::system::error_code& error) const;

  template <typename Action>
  std::size_t when_ready(short events, boost::system::error_code& error, const Action& action) const {
    while (true) {
      wait(events, error);
      if (error) return 0;
      const std::size_t count = action();
      if (error != boost::asio::error::would_block && error != boost::asio::error::try_again) return count;
    }
  }

  template <typename Action>
  static std::size_t or_throw(const Action& action) {
    boost::system::error_code error;
    const std::size_t count = action(error);
    if (error) throw boost::system::system_error(error);
    return count;
  }

  boost::asio::ip::tcp::socket socket_;
  Clock::time_point deadline_ = Clock::time_point::max();
  std::uint64_t received_ = 0;
  std::uint64_t sent_ = 0;
};

}  // namespace opaline
