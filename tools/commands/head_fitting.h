#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "commands/train_options.h"
#include "opaline/model/head_network.h"
#include "opaline/model/linear_head.h"

namespace opaline::tools {

/// Samples that a head is fitted to or measured on.
struct HeadSamples {
  std::size_t inputs = 0;
  std::vector<double> values;         ///< samples × inputs
  std::vector<std::uint16_t> labels;  ///< of a classification, one a sample
  std::vector<double> targets;        ///< of a regression, samples × outputs

  std::size_t count() const { return values.size() / inputs; }
};

/// What a head is fitted for.
struct HeadTask {
  NetworkNotes notes;       ///< what the file will say of it
  std::size_t classes = 0;  ///< 0 for a regression, of which notes.answers names the targets
  LogisticOptions fit;

  bool is_regression() const { return classes == 0; }
};

/// Measures with cross-validation and held-out samples where options ask for it, then fits to all samples,
/// writes the network and adds to the report; `test` may be null. Columns of tables are standardised.
void fit_and_report(const HeadTask& task, const HeadSamples& samples, const HeadSamples* test,
                    const TrainOptions& options, const Session& session, nlohmann::ordered_json& report);

/// Refuses options that heads do not have (CLI::ValidationError).
void check_head_options(const TrainOptions& options);

}  // namespace opaline::tools
