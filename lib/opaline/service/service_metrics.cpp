#include "opaline/service/service_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <map>
#include <mutex>

namespace opaline {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

prometheus::Histogram::BucketBoundaries seconds() {
  return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};
}

}  // namespace

struct ServiceMetrics::Families {
  prometheus::Registry registry;
  Family<Counter>& requests = BuildCounter()
                                  .Name("opaline_requests_total")
                                  .Help("Requests answered, by route and status")
                                  .Register(registry);
  Family<Histogram>& request_seconds = BuildHistogram()
                                           .Name("opaline_request_seconds")
                                           .Help("From a request's first byte to its reply's last")
                                           .Register(registry);
  Family<Counter>& errors = BuildCounter()
                                .Name("opaline_errors_total")
                                .Help("Requests refused or failed, by kind")
                                .Register(registry);
  Counter& received = BuildCounter()
                          .Name("opaline_received_bytes_total")
                          .Help("Bytes of requests, HTTP included")
                          .Register(registry)
                          .Add({});
  Counter& sent = BuildCounter()
                      .Name("opaline_sent_bytes_total")
                      .Help("Bytes of replies, HTTP included")
                      .Register(registry)
                      .Add({});
  Counter& cancelled = BuildCounter()
                           .Name("opaline_cancelled_total")
                           .Help("Requests whose client went away before the reply")
                           .Register(registry)
                           .Add({});
  Family<Counter>& reloads = BuildCounter()
                                 .Name("opaline_reloads_total")
                                 .Help("Model files read again, by whether they were taken")
                                 .Register(registry);
  Family<Histogram>& evaluation_seconds = BuildHistogram()
                                              .Name("opaline_evaluation_seconds")
                                              .Help("Evaluation of a query, by model")
                                              .Register(registry);
  Family<Counter>& inputs =
      BuildCounter().Name("opaline_inputs_total").Help("Inputs evaluated, by model").Register(registry);
  Gauge& queued = BuildGauge()
                      .Name("opaline_queue_depth")
                      .Help("Queries that wait for a worker")
                      .Register(registry)
                      .Add({});
  Gauge& working =
      BuildGauge().Name("opaline_workers_busy").Help("Workers that evaluate").Register(registry).Add({});
  Gauge& workers = BuildGauge().Name("opaline_workers").Help("Size of the pool").Register(registry).Add({});
  Gauge& connections =
      BuildGauge().Name("opaline_connections").Help("Open connections").Register(registry).Add({});
  Family<Gauge>& models =
      BuildGauge().Name("opaline_model_info").Help("1 for every model that is served").Register(registry);
  std::mutex mutex;
  std::map<std::string, Gauge*> model_gauges;
};

ServiceMetrics::ServiceMetrics(const std::string& version, const std::string& backend)
    : families_(std::make_unique<Families>()) {
  BuildGauge()
      .Name("opaline_build_info")
      .Help("1, with version and arithmetic backend")
      .Register(families_->registry)
      .Add({{"version", version}, {"backend", backend}})
      .Set(1);
}

ServiceMetrics::~ServiceMetrics() = default;

void ServiceMetrics::count_request(const std::string& route, unsigned status, double request_seconds,
                                   std::uint64_t bytes_in, std::uint64_t bytes_out) {
  families_->requests.Add({{"route", route}, {"status", std::to_string(status)}}).Increment();
  families_->request_seconds.Add({{"route", route}}, seconds()).Observe(request_seconds);
  families_->received.Increment(static_cast<double>(bytes_in));
  families_->sent.Increment(static_cast<double>(bytes_out));
}

void ServiceMetrics::count_error(const std::string& kind) {
  families_->errors.Add({{"kind", kind}}).Increment();
}

void ServiceMetrics::count_cancelled() { families_->cancelled.Increment(); }

void ServiceMetrics::count_reload(bool taken) {
  families_->reloads.Add({{"taken", taken ? "yes" : "no"}}).Increment();
}

void ServiceMetrics::count_evaluation(const std::string& model, std::size_t inputs,
                                      double evaluation_seconds) {
  families_->evaluation_seconds.Add({{"model", model}}, seconds()).Observe(evaluation_seconds);
  families_->inputs.Add({{"model", model}}).Increment(static_cast<double>(inputs));
}

std::string ServiceMetrics::text(const Now& now) {
  families_->queued.Set(static_cast<double>(now.queued));
  families_->working.Set(static_cast<double>(now.working));
  families_->workers.Set(static_cast<double>(now.workers));
  families_->connections.Set(static_cast<double>(now.connections));
  const std::lock_guard lock(families_->mutex);
  for (const auto& [key, gauge] : families_->model_gauges) families_->models.Remove(gauge);
  families_->model_gauges.clear();
  for (const auto& model : now.models) {
    Gauge& gauge = families_->models.Add({{"model", model->name}, {"version", model->version}});
    gauge.Set(1);
    families_->model_gauges[model->name] = &gauge;
  }
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace opaline
