#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "commands/options.h"
#include "opaline/inference/client.h"
#include "opaline/model/calibration.h"
#include "opaline/model/client_spec.h"
#include "opaline/model/data/dataset.h"
#include "opaline/model/data/table.h"

namespace opaline::tools {

/// What a command is given to classify: images, photographs or a table, one of them.
struct InputOptions {
  std::filesystem::path images;                    ///< IDX
  std::vector<std::filesystem::path> photographs;  ///< PNG
  std::filesystem::path table;                     ///< CSV or .npy
  std::vector<std::string> ignored_columns;
  std::optional<ImageRange> range;
};

/// The options --images, --image, --csv, --ignore-columns and --range.
void add_input_options(CLI::App& command, InputOptions& options);

/// Inputs of a model, read and checked.
class ModelInputs {
 public:
  /// Error(invalid_argument) if there are none or they do not fit the model, Error(out_of_range) if the range
  /// leaves the file; both name the file.
  ModelInputs(const InputOptions& options, ClientSpec spec);

  std::size_t count() const { return range_.last - range_.first; }

  /// The images of images and photographs; null for a table.
  const ImageSet* images() const { return std::get_if<ImageSet>(&inputs_); }

  /// The pixels of image i of the range.
  std::span<const std::uint8_t> pixels(std::size_t i) const { return (*images())[range_.first + i]; }

  /// SHA-256 over all inputs of the range.
  Digest digest() const;

  /// The integers of input i of the range; errors name the file and the input. For several threads at once.
  EncodedInput encoded(std::size_t i) const;

  /// One line on standard error if numbers of the table lie beyond their ranges and are taken as the ends of
  /// these.
  void warn_of_clipping() const;

 private:
  ClientSpec spec_;
  std::vector<std::filesystem::path> files_;  ///< one, or one an image
  std::variant<ImageSet, CalibrationSet> inputs_;
  std::vector<std::size_t> lines_;  ///< of a CSV table: where its rows begin
  ImageRange range_;

  std::string name_of(std::size_t i) const;
};

/// Which columns of a table are a model's inputs: by name where both have names. The columns that the model
/// predicts and `ignored` may be there as well; others, and too few, are Error(invalid_argument).
std::vector<std::size_t> input_positions(const Table& table, const std::string& name, const ClientSpec& spec,
                                         const std::vector<std::string>& ignored);

/// The true answers of inputs: classes, or values of a regression.
struct TrueAnswers {
  std::vector<std::uint16_t> classes;
  std::vector<double> values;  ///< inputs × outputs
};

/// Of IDX labels, or of a table: its column(s) of that name, or those that the model predicts, or its only
/// one. Error(out_of_range), naming the file, if there are not `count` from the range's first on.
TrueAnswers read_true_answers(const std::filesystem::path& path, const std::vector<std::string>& columns,
                              const std::optional<ImageRange>& range, std::size_t count,
                              const ClientSpec& spec);

/// IDX labels from the range's first on, or the file's; errors as read_true_answers.
std::vector<std::uint8_t> read_labels(const std::filesystem::path& path,
                                      const std::optional<ImageRange>& range, std::size_t count);

}  // namespace opaline::tools
