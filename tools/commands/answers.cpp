#include "commands/answers.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "commands/inputs.h"
#include "commands/report.h"

namespace opaline::tools {
namespace {

using Integers = std::vector<std::int64_t>;

std::string json_line(const ClientSpec& spec, std::size_t index, const Integers& integers,
                      const AnswerOptions& options) {
  nlohmann::ordered_json line = {{"index", index}};
  if (spec.task == Task::regression) {
    line["values"] = spec.scores(integers);
  } else {
    const std::size_t choice = spec.classify(integers);
    line["class"] = choice;
    line["label"] = spec.labels.at(choice);
    if (spec.activation == OutputActivation::sigmoid) {
      line["probability"] = spec.probabilities(integers).at(choice);
    }
  }
  if (options.scores) {
    line["scores"] = spec.scores(integers);
    line["integers"] = integers;
  }
  return to_text(line);
}

std::string text_line(const ClientSpec& spec, std::size_t index, const Integers& integers,
                      const AnswerOptions& options) {
  std::ostringstream line;
  line << index;
  if (spec.task == Task::regression) {
    line << std::setprecision(8);
    for (const double value : spec.scores(integers)) line << '\t' << value;
    return line.str();
  }
  const std::size_t choice = spec.classify(integers);
  line << '\t' << choice << '\t' << spec.labels.at(choice) << std::fixed << std::setprecision(4);
  const bool binary = spec.classes() != spec.outputs;
  if (binary) line << '\t' << spec.probabilities(integers).at(choice);
  if (options.scores) {
    for (const double score : spec.scores(integers)) line << '\t' << score;
  }
  return line.str();
}

/// Root mean square error and the share of the variance explained, output by output.
void print_errors(const ClientSpec& spec, const Answers& answers, const std::vector<double>& truth,
                  std::ostream& out) {
  const auto count = static_cast<double>(answers.size());
  for (std::size_t k = 0; k < spec.outputs; ++k) {
    double mean = 0.0;
    for (std::size_t i = 0; i < answers.size(); ++i) mean += truth[i * spec.outputs + k] / count;
    double left = 0.0;
    double spread = 0.0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      const double value = truth[i * spec.outputs + k];
      left += std::pow(spec.scores(answers[i])[k] - value, 2);
      spread += std::pow(value - mean, 2);
    }
    out << spec.labels.at(k) << ": root mean square error " << std::sqrt(left / count);
    if (spread > 0.0) out << ", R2 " << 1.0 - left / spread;
    out << '\n';
  }
}

}  // namespace

void add_answer_options(CLI::App& command, AnswerOptions& options) {
  command.add_flag("--json", options.json,
                   "One JSON object a line: index, class, label; of a sigmoid also probability, of a "
                   "regression values instead");
  command.add_flag("--scores", options.scores,
                   "Show the logits as well; with --json also the exact integers they stand for");
  CLI::Option* labels =
      command
          .add_option(
              "--labels", options.labels,
              "True answers, IDX labels or a table: report the accuracy, or the error of a regression")
          ->type_name("FILE");
  command
      .add_option_function<std::string>(
          "--label-column",
          [&options](const std::string& text) { options.label_columns = parse_labels(text); },
          "The table's column of true answers; default: what the model was trained to predict")
      ->needs(labels)
      ->type_name("NAME,...");
}

std::size_t count_right(const ClientSpec& spec, const Answers& answers,
                        std::span<const std::uint16_t> labels) {
  std::size_t right = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (spec.classify(answers[i]) == labels[i]) ++right;
  }
  return right;
}

std::string share_text(std::size_t part, std::size_t whole) {
  std::ostringstream text;
  const double share = whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
  text << std::fixed << std::setprecision(2) << 100.0 * share << " % (" << part << " of " << whole << ")";
  return text.str();
}

void print_answers(const ClientSpec& spec, const Answers& answers, const AnswerOptions& options,
                   const std::optional<ImageRange>& range) {
  TrueAnswers truth;
  if (!options.labels.empty()) {
    truth = read_true_answers(options.labels, options.label_columns, range, answers.size(), spec);
  }
  for (std::size_t i = 0; i < answers.size(); ++i) {
    std::cout << (options.json ? json_line(spec, i, answers[i], options)
                               : text_line(spec, i, answers[i], options))
              << '\n';
  }
  std::ostream& out = options.json ? std::cerr : std::cout;
  if (!truth.classes.empty()) {
    out << "accuracy " << share_text(count_right(spec, answers, truth.classes), answers.size()) << '\n';
  }
  if (!truth.values.empty()) print_errors(spec, answers, truth.values, out);
}

}  // namespace opaline::tools
