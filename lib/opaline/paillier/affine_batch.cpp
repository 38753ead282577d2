#include "opaline/paillier/affine_batch.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <utility>

#include "opaline/base/parallel.h"
#include "opaline/base/wiped_stack.h"
#include "opaline/paillier/centred_numbers.h"
#include "opaline/paillier/matrix_product.h"
#include "opaline/paillier/noise.h"
#include "opaline/paillier/reply_noise.h"

namespace opaline {

/// Tasks that have passed their checks, by their places among all.
class AffineBatch {
 public:
  AffineBatch(std::span<const AffineTask> tasks, std::vector<std::size_t> chosen) : tasks_(tasks) {
    sort_by_key(std::move(chosen));
    join_products();
  }

  /// The replies of every task that was chosen; nothing for the others.
  std::vector<std::vector<Ciphertext>> evaluate() {
    ReplyNoise::Order noise(orders_);
    const std::vector<Step> tables = steps(&MatrixProduct::tables);
    parallel_for(tables.size(), [&](std::size_t i) { tables[i].product->make_table(tables[i].task); });
    const std::vector<Step> digits = steps(&MatrixProduct::digits);
    parallel_for(digits.size(), [&](std::size_t i) { digits[i].product->make_digits(digits[i].task); });
    const std::vector<Step> outputs = steps(&MatrixProduct::outputs);
    parallel_for(
        noise.groups() + outputs.size(),
        [&](std::size_t i) {
          if (i < noise.groups()) return noise.make(i);
          const Step& step = outputs[i - noise.groups()];
          step.product->make_output(step.task);
        },
        [&] { work_ahead(); });
    return put_together(noise.take());
  }

 private:
  struct Step {
    MatrixProduct* product;
    std::size_t task;
  };

  /// Tasks of one evaluator follow each other, and so do tasks of one schedule under one evaluator.
  void sort_by_key(std::vector<std::size_t> chosen) {
    while (!chosen.empty()) {
      const Evaluator& evaluator = tasks_[chosen.front()].evaluator;
      const auto others = std::stable_partition(chosen.begin(), chosen.end(), [&](std::size_t task) {
        return &tasks_[task].evaluator == &evaluator;
      });
      ReplyNoise::Order::Part order{evaluator.noise_.get(), 0};
      for (auto task = chosen.begin(); task != others; ++task) {
        order.count += tasks_[*task].constants.size();
        sorted_.push_back(*task);
        order_of_.push_back(orders_.size());
      }
      orders_.push_back(order);
      chosen.erase(chosen.begin(), others);
    }
  }

  void join_products() {
    std::vector<std::size_t> left = sorted_;
    while (!left.empty()) {
      const AffineTask& first = tasks_[left.front()];
      const auto others = std::stable_partition(left.begin(), left.end(), [&](std::size_t task) {
        return &tasks_[task].schedule == &first.schedule &&
               tasks_[task].evaluator.arithmetic_->goes_with(*first.evaluator.arithmetic_);
      });
      std::vector<MatrixProduct::Query> queries;
      for (auto task = left.begin(); task != others; ++task) {
        const std::size_t inputs = first.schedule.inputs();
        for (std::size_t at = 0; at < tasks_[*task].x.size(); at += inputs) {
          queries.push_back({tasks_[*task].evaluator.arithmetic_.get(), tasks_[*task].x.subspan(at, inputs)});
        }
      }
      products_.emplace_back(first.schedule, std::move(queries));
      product_tasks_.emplace_back(left.begin(), others);
      left.erase(left.begin(), others);
    }
  }

  std::vector<Step> steps(std::size_t (MatrixProduct::*count)() const) {
    std::vector<Step> all;
    for (MatrixProduct& product : products_) {
      for (std::size_t task = 0; task < (product.*count)(); ++task) all.push_back({&product, task});
    }
    return all;
  }

  /// One key after the other, so that what is begun is also finished.
  void work_ahead() const {
    for (const ReplyNoise::Order::Part& order : orders_) {
      if (order.noise->work_ahead()) return;
    }
  }

  /// product · (1 + constant·n) · noise for every reply.
  std::vector<std::vector<Ciphertext>> put_together(std::vector<std::vector<Integer>> noise) {
    std::vector<std::vector<Integer>> values(tasks_.size());
    for (std::size_t i = 0; i < products_.size(); ++i) {
      std::vector<Integer> all = products_[i].take();
      auto next = std::make_move_iterator(all.begin());
      for (const std::size_t task : product_tasks_[i]) {
        const auto end = next + static_cast<std::ptrdiff_t>(tasks_[task].constants.size());
        values[task].assign(next, end);
        next = end;
      }
    }
    // Replies of one task that share an element.
    struct Group {
      std::size_t task;
      std::size_t first;
      std::span<const Integer> noise;
      std::vector<Integer> replies;
    };
    std::vector<Group> groups;
    std::vector<std::size_t> used(orders_.size());
    for (std::size_t i = 0; i < sorted_.size(); ++i) {
      const std::size_t task = sorted_[i];
      const std::size_t count = values[task].size();
      const std::size_t lanes = arithmetic_for(task, count).lanes();
      for (std::size_t first = 0; first < count; first += lanes) {
        const std::size_t some = std::min(lanes, count - first);
        std::size_t& from = used[order_of_[i]];
        groups.push_back({task, first, std::span(noise[order_of_[i]]).subspan(from, some), {}});
        from += some;
      }
    }
    parallel_for(groups.size(), [&](std::size_t i) {
      Group& group = groups[i];
      const auto products =
          std::span<const Integer>(values[group.task]).subspan(group.first, group.noise.size());
      group.replies = hidden(arithmetic_for(group.task, values[group.task].size()), products,
                             residues(tasks_[group.task], group.first, group.noise.size()), group.noise);
    });
    std::vector<std::vector<Ciphertext>> results(tasks_.size());
    for (Group& group : groups) {
      for (Integer& reply : group.replies) {
        results[group.task].push_back(
            Ciphertext(tasks_[group.task].evaluator.public_key(), std::move(reply)));
      }
    }
    return results;
  }

  const PairArithmetic& arithmetic_for(std::size_t task, std::size_t replies) const {
    const LaneWidths& widths = *tasks_[task].evaluator.arithmetic_;
    return widths.of(widths.for_numbers(replies));
  }

  /// Of some of a task's constants.
  static WordVector residues(const AffineTask& task, std::size_t first, std::size_t count) {
    const CentredNumbers centred(task.evaluator.public_key().n());
    WordVector all(count * centred.size());
    for (std::size_t i = 0; i < count; ++i) {
      centred.any_residue(std::span(all).subspan(i * centred.size(), centred.size()),
                          task.constants[first + i]);
    }
    return all;
  }

  std::span<const AffineTask> tasks_;
  std::vector<std::size_t> sorted_;
  std::vector<std::size_t> order_of_;            ///< of every sorted task: the place of its evaluator's order
  std::vector<ReplyNoise::Order::Part> orders_;  ///< one an evaluator
  std::vector<MatrixProduct> products_;
  std::vector<std::vector<std::size_t>> product_tasks_;
};

std::vector<Outcome<std::vector<Ciphertext>>> affine_together(std::span<const AffineTask> tasks) {
  using Replies = std::vector<Ciphertext>;
  std::vector<Outcome<Replies>> outcomes;
  std::vector<std::size_t> good;
  for (const AffineTask& task : tasks) {
    outcomes.push_back(outcome_of([&] {
      task.evaluator.check(task.schedule, task.constants, task.x);
      return Replies();
    }));
    if (outcomes.back().succeeded()) good.push_back(outcomes.size() - 1);
  }
  if (good.empty()) return outcomes;
  std::vector<Replies> replies = on_secret_stack([&] { return AffineBatch(tasks, good).evaluate(); });
  for (const std::size_t task : good) outcomes[task] = std::move(replies[task]);
  return outcomes;
}

}  // namespace opaline
