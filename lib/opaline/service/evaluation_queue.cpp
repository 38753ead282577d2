#include "opaline/service/evaluation_queue.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/frame.h"
#include "opaline/base/outcome.h"
#include "opaline/service/http.h"

namespace opaline {
namespace {

/// Queries of at most so many bytes are evaluated together, up to so many: as many as there are lanes.
constexpr std::size_t kSmall = 256 * 1024;
constexpr std::size_t kTogether = 8;

/// How often a waiting client is looked after.
constexpr std::chrono::milliseconds kLook{20};

constexpr unsigned kClientGone = 499;

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begun) {
  return std::chrono::duration<double>(Clock::now() - begun).count();
}

}  // namespace

struct EvaluationQueue::Job {
  std::shared_ptr<const ServedModel> model;
  Bytes query;
  Admission admission;
  QuerySummary summary;
  bool admitted = false;
  std::atomic<bool> gone = false;

  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;
  Bytes reply;
  std::exception_ptr failure;

  bool small() const { return query.size() <= kSmall; }

  void finish(Bytes answer, std::exception_ptr error) {
    const std::lock_guard lock(mutex);
    reply = std::move(answer);
    failure = std::move(error);
    done = true;
    changed.notify_all();
  }

  // Runs an action whose failure is the job's.
  template <typename Action>
  bool guarded(const Action& action) {
    try {
      if (gone) throw HttpRefusal(kClientGone, "the client has gone");
      action();
      return true;
    } catch (...) {
      fail(std::current_exception());
      return false;
    }
  }

  void fail(std::exception_ptr error) {
    if (admitted) admission.refund(summary);
    admitted = false;
    finish({}, std::move(error));
  }
};

EvaluationQueue::EvaluationQueue(const Settings& settings, Observer observer)
    : settings_(settings),
      observer_(std::move(observer)),
      cores_(static_cast<std::size_t>(omp_get_max_threads())) {
  try {
    for (std::size_t i = 0; i < std::max<std::size_t>(1, settings.workers); ++i) {
      threads_.emplace_back([this] { work(); });
    }
  } catch (const std::system_error&) {
    stop();
    throw Error(ErrorKind::io, std::to_string(settings.workers) + " workers: so many threads cannot be had");
  }
}

EvaluationQueue::~EvaluationQueue() { stop(); }

void EvaluationQueue::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::size_t EvaluationQueue::queued() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

std::size_t EvaluationQueue::working() const {
  const std::lock_guard lock(mutex_);
  return working_;
}

EvaluationQueue::Answer EvaluationQueue::evaluate(std::shared_ptr<const ServedModel> model, Bytes query,
                                                  Admission admission, const Gone& gone) {
  const auto job = std::make_shared<Job>();
  job->model = std::move(model);
  job->query = std::move(query);
  job->admission = std::move(admission);
  {
    const std::lock_guard lock(mutex_);
    // Whoever finds a worker free does not wait.
    if (stopping_ || jobs_.size() >= settings_.waiting + (threads_.size() - working_)) {
      throw HttpRefusal(503, "as many queries wait as this server lets wait", std::chrono::seconds(1));
    }
    jobs_.push_back(job);
  }
  changed_.notify_one();

  std::unique_lock lock(job->mutex);
  while (!job->changed.wait_for(lock, kLook, [&] { return job->done; })) {
    if (!gone()) continue;
    lock.unlock();
    give_up(job);
    throw HttpRefusal(kClientGone, "the client has gone");
  }
  if (job->failure) std::rethrow_exception(job->failure);
  return {std::move(job->reply), job->summary};
}

// Its place is free at once if it still waits; a worker that has it stops between lots.
void EvaluationQueue::give_up(const std::shared_ptr<Job>& job) {
  job->gone = true;
  const std::lock_guard lock(mutex_);
  const auto place = std::find(jobs_.begin(), jobs_.end(), job);
  if (place != jobs_.end()) jobs_.erase(place);
}

void EvaluationQueue::work() {
  while (true) {
    const Jobs jobs = next_jobs();
    if (jobs.empty()) return;
    run(jobs);
    const std::lock_guard lock(mutex_);
    --working_;
  }
}

EvaluationQueue::Jobs EvaluationQueue::next_jobs() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return stopping_ || !jobs_.empty(); });
  if (jobs_.empty()) return {};
  const std::size_t others_free = threads_.size() - working_ - 1;
  ++working_;
  const std::size_t fair = (jobs_.size() + others_free) / (others_free + 1);
  Jobs taken{std::move(jobs_.front())};
  jobs_.pop_front();
  const std::size_t most = taken.front()->small() ? std::min(fair, kTogether) : 1;
  for (auto job = jobs_.begin(); job != jobs_.end() && taken.size() < most;) {
    if ((*job)->model == taken.front()->model && (*job)->small()) {
      taken.push_back(std::move(*job));
      job = jobs_.erase(job);
    } else {
      ++job;
    }
  }
  omp_set_num_threads(static_cast<int>(std::max<std::size_t>(1, cores_ / working_)));
  return taken;
}

void EvaluationQueue::run(const Jobs& jobs) {
  Jobs admitted;
  for (const auto& job : jobs) {
    const bool good = job->guarded([&] {
      job->summary = job->model->server.examine(job->query, settings_.limits);
      job->admission.admit(job->summary);
      job->admitted = true;
    });
    if (good) admitted.push_back(job);
  }
  if (admitted.empty()) return;
  if (admitted.size() == 1 && !admitted.front()->small()) return answer(*admitted.front());
  answer_together(admitted);
}

void EvaluationQueue::answer(Job& job) {
  const Clock::time_point begun = Clock::now();
  job.guarded([&] {
    Bytes reply;
    FrameReader query(job.query, "query");
    job.model->server.answer(
        query, 0, [&](ByteView frame) { reply.insert(reply.end(), frame.begin(), frame.end()); },
        [&](std::size_t /*inputs*/) {
          if (job.gone) throw HttpRefusal(kClientGone, "the client has gone");
        });
    observer_(*job.model, job.summary, seconds_since(begun));
    job.finish(std::move(reply), nullptr);
  });
}

void EvaluationQueue::answer_together(const Jobs& jobs) {
  const Clock::time_point begun = Clock::now();
  try {
    std::vector<ByteView> queries;
    for (const auto& job : jobs) queries.emplace_back(job->query);
    std::vector<Outcome<Bytes>> outcomes = jobs.front()->model->server.answer_together(queries);
    const double seconds = seconds_since(begun);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      jobs[i]->guarded([&] {
        Bytes reply = std::move(outcomes[i].value());
        observer_(*jobs[i]->model, jobs[i]->summary, seconds);
        jobs[i]->finish(std::move(reply), nullptr);
      });
    }
  } catch (...) {
    for (const auto& job : jobs) job->fail(std::current_exception());
  }
}

}  // namespace opaline
