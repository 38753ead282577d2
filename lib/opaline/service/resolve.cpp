#include "opaline/service/resolve.h"

#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/system/system_error.hpp>
#include <future>
#include <thread>
#include <utility>

namespace opaline {

using boost::asio::ip::tcp;

tcp::resolver::results_type resolve(const std::string& host, const std::string& port,
                                    std::chrono::steady_clock::time_point deadline) {
  const auto ask = [host, port](tcp::resolver::flags flags) {
    boost::asio::io_context context;
    return tcp::resolver(context).resolve(host, port, flags);
  };
  boost::system::error_code no_address;
  boost::asio::ip::make_address(host, no_address);
  // Addresses are only read, which takes no time.
  if (!no_address) return ask(tcp::resolver::numeric_host | tcp::resolver::numeric_service);

  std::packaged_task<tcp::resolver::results_type()> task(
      [ask] { return ask(tcp::resolver::numeric_service); });
  std::future<tcp::resolver::results_type> answer = task.get_future();
  std::thread(std::move(task)).detach();
  if (answer.wait_until(deadline) != std::future_status::ready) {
    throw boost::system::system_error(boost::asio::error::timed_out);
  }
  return answer.get();
}

}  // namespace opaline
