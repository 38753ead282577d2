#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/inference/server.h"
#include "opaline/service/model_catalogue.h"

namespace opaline {

/// Evaluates queries on a bounded number of threads of its own, in the order they came, with a bounded number
/// waiting. Small queries for one model that wait together are evaluated together, and so share lanes. One
/// that has the machine to itself gets all its cores. Safe from many threads.
class EvaluationQueue {
 public:
  struct Settings {
    std::size_t workers = 1;
    std::size_t waiting = 64;
    QueryLimits limits;
  };

  /// Told of every evaluation that gave a reply; from the workers' threads.
  using Observer = std::function<void(const ServedModel& model, const QuerySummary& query, double seconds)>;

  EvaluationQueue(const Settings& settings, Observer observer);
  EvaluationQueue(const EvaluationQueue&) = delete;
  EvaluationQueue& operator=(const EvaluationQueue&) = delete;
  ~EvaluationQueue();

  /// Asked when a query's header has been read and before it is evaluated: `admit` throws what refuses it,
  /// `refund` is told of one that was admitted and got no reply.
  struct Admission {
    std::function<void(const QuerySummary&)> admit = [](const QuerySummary& /*query*/) {};
    std::function<void(const QuerySummary&)> refund = [](const QuerySummary& /*query*/) {};
  };

  /// Asked now and then while there is no reply: whether nobody waits for one any more.
  using Gone = std::function<bool()>;

  struct Answer {
    Bytes reply;
    QuerySummary query;
  };

  /// The reply, when it is there. Throws what Server::answer or `admission` throws; HttpRefusal(503) at once
  /// if as many queries wait as may; HttpRefusal(499) if the client has gone.
  Answer evaluate(std::shared_ptr<const ServedModel> model, Bytes query, Admission admission,
                  const Gone& gone);

  std::size_t queued() const;   ///< that wait
  std::size_t working() const;  ///< workers that evaluate
  std::size_t workers() const { return threads_.size(); }

 private:
  struct Job;
  using Jobs = std::vector<std::shared_ptr<Job>>;

  void stop();
  void give_up(const std::shared_ptr<Job>& job);
  void work();
  Jobs next_jobs();
  void run(const Jobs& jobs);
  void answer(Job& job);
  void answer_together(const Jobs& jobs);

  Settings settings_;
  Observer observer_;
  std::size_t cores_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> jobs_;
  std::size_t working_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace opaline
