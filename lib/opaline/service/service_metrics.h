#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "opaline/service/model_catalogue.h"

namespace opaline {

/// What a service counts, as Prometheus reads it. Names begin with `opaline_`; labels are names of routes,
/// models, statuses and error kinds only, never anything a stranger chose. Safe from many threads.
class ServiceMetrics {
 public:
  ServiceMetrics(const std::string& version, const std::string& backend);
  ServiceMetrics(const ServiceMetrics&) = delete;
  ServiceMetrics& operator=(const ServiceMetrics&) = delete;
  ~ServiceMetrics();

  void count_request(const std::string& route, unsigned status, double seconds, std::uint64_t bytes_in,
                     std::uint64_t bytes_out);
  void count_error(const std::string& kind);
  void count_cancelled();
  void count_reload(bool taken);
  void count_evaluation(const std::string& model, std::size_t inputs, double seconds);

  /// What is read when the text is asked for.
  struct Now {
    std::size_t queued = 0;
    std::size_t working = 0;
    std::size_t workers = 0;
    std::size_t connections = 0;
    std::vector<std::shared_ptr<const ServedModel>> models;
  };

  /// Text format 0.0.4.
  std::string text(const Now& now);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace opaline
