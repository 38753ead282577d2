#include "commands/answers.h"

#include <CLI/CLI.hpp>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "commands/images.h"
#include "commands/report.h"

namespace opaline::tools {
namespace {

std::string json_line(const ClientSpec& spec, std::size_t index, const std::vector<std::int64_t>& integers,
                      const AnswerOptions& options) {
  const std::size_t choice = spec.classify(integers);
  nlohmann::ordered_json line = {{"index", index}, {"class", choice}, {"label", spec.labels.at(choice)}};
  if (options.scores) {
    line["scores"] = spec.scores(integers);
    line["integers"] = integers;
  }
  return to_text(line);
}

std::string text_line(const ClientSpec& spec, std::size_t index, const std::vector<std::int64_t>& integers,
                      const AnswerOptions& options) {
  const std::size_t choice = spec.classify(integers);
  std::ostringstream line;
  line << index << '\t' << choice << '\t' << spec.labels.at(choice);
  if (options.scores) {
    line << std::fixed << std::setprecision(4);
    for (const double score : spec.scores(integers)) line << '\t' << score;
  }
  return line.str();
}

}  // namespace

void add_answer_options(CLI::App& command, AnswerOptions& options) {
  command.add_flag("--json", options.json, "One JSON object a line: index, class, label");
  command.add_flag("--scores", options.scores,
                   "Show the logits as well; with --json also the exact integers they stand for");
  command.add_option("--labels", options.labels, "IDX file of true classes: report the accuracy")
      ->type_name("FILE");
}

std::size_t count_right(const ClientSpec& spec, const Answers& answers,
                        std::span<const std::uint8_t> labels) {
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

void print_answers(const ClientSpec& spec, const Answers& answers, const AnswerOptions& options) {
  std::vector<std::uint8_t> labels;
  if (!options.labels.empty()) labels = read_labels(options.labels, options.range, answers.size());
  for (std::size_t i = 0; i < answers.size(); ++i) {
    std::cout << (options.json ? json_line(spec, i, answers[i], options)
                               : text_line(spec, i, answers[i], options))
              << '\n';
  }
  if (options.labels.empty()) return;
  (options.json ? std::cerr : std::cout)
      << "accuracy " << share_text(count_right(spec, answers, labels), answers.size()) << '\n';
}

}  // namespace opaline::tools
