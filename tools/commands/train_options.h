#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "commands/command.h"
#include "opaline/model/features.h"

namespace opaline::tools {

/// What `opaline train` is told. Options that are not given have no value: defaults depend on what is
/// trained.
struct TrainOptions {
  std::filesystem::path images;  ///< IDX; or
  std::filesystem::path table;   ///< CSV or .npy
  std::filesystem::path labels;
  std::string label_column;
  std::vector<std::string> target_columns;
  std::vector<std::string> ignored_columns;
  std::filesystem::path test_images;
  std::filesystem::path test_table;
  std::filesystem::path test_labels;
  std::filesystem::path output;
  FeatureMap features = FeatureMap::none;
  std::optional<std::vector<std::size_t>> hidden;
  std::optional<std::size_t> epochs;
  std::optional<std::size_t> batch;
  std::optional<double> learning_rate;
  std::optional<double> weight_penalty;
  std::optional<double> validation_share;
  std::optional<std::size_t> folds;
  std::uint64_t seed = 1;
  bool json = false;
};

/// Each trains, writes the network and prints a report. Options that do not go together are
/// CLI::ValidationError.
void train_layers(const TrainOptions& options, const Session& session);        ///< on pixels
void train_feature_head(const TrainOptions& options, const Session& session);  ///< on features of images
void train_table_head(const TrainOptions& options, const Session& session);    ///< on a table

}  // namespace opaline::tools
