#include "opaline/service/timed_stream.h"

#include <algorithm>
#include <boost/asio/error.hpp>
#include <cerrno>
#include <utility>

namespace opaline {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

/// At most so long in one poll, so that no number of milliseconds overflows.
constexpr std::chrono::milliseconds kLongestWait{60'000};

}  // namespace

TimedStream::TimedStream(tcp::socket socket) : socket_(std::move(socket)) {
  error_code ignored;  // a socket that is already dead says so at its first use
  socket_.non_blocking(true, ignored);
  socket_.set_option(tcp::no_delay(true), ignored);
}

TimedStream TimedStream::connect(boost::asio::io_context& context,
                                 const tcp::resolver::results_type& addresses, Clock::time_point deadline) {
  error_code error = boost::asio::error::host_not_found;
  std::size_t left = addresses.size();
  for (const auto& address : addresses) {
    // None of several may take all the time: often one of them is of a protocol that leads nowhere.
    const Clock::time_point now = Clock::now();
    const auto share = (deadline - now) / static_cast<Clock::rep>(left--);
    tcp::socket socket(context);
    socket.open(address.endpoint().protocol(), error);
    if (error) continue;
    TimedStream stream(std::move(socket));
    stream.expire_at(now + share);
    stream.socket_.connect(address.endpoint(), error);
    if (error == boost::asio::error::in_progress || error == boost::asio::error::would_block) {
      error.clear();
      stream.wait(POLLOUT, error);
      if (!error) {
        int failure = 0;
        socklen_t size = sizeof(failure);
        if (::getsockopt(stream.socket_.native_handle(), SOL_SOCKET, SO_ERROR, &failure, &size) != 0) {
          failure = errno;
        }
        error.assign(failure, boost::system::system_category());
      }
    }
    stream.expire_at(deadline);
    if (!error) return stream;
  }
  throw boost::system::system_error(error);
}

void TimedStream::wait(short events, error_code& error) const {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now());
    if (left.count() <= 0) {
      error = boost::asio::error::timed_out;
      return;
    }
    pollfd one{const_cast<tcp::socket&>(socket_).native_handle(), events, 0};
    const int ready = ::poll(&one, 1, static_cast<int>(std::min(left, kLongestWait).count()));
    if (ready > 0) {
      error.clear();
      return;
    }
    if (ready < 0 && errno != EINTR) {
      error.assign(errno, boost::system::system_category());
      return;
    }
  }
}

}  // namespace opaline
