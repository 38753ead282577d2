#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <string>

namespace opaline {

/// The addresses of a host, given as a name or an address, for a port in digits. The system's resolver, which
/// cannot be interrupted, is asked on a thread of its own; after the deadline that thread is left to end by
/// itself. Throws boost::system::system_error; after the deadline with boost::asio::error::timed_out.
boost::asio::ip::tcp::resolver::results_type resolve(const std::string& host, const std::string& port,
                                                     std::chrono::steady_clock::time_point deadline);

}  // namespace opaline
