#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "commands/options.h"
#include "opaline/model/compiled_model.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
}

namespace opaline::tools {

/// The exact integers of every input.
using Answers = std::vector<std::vector<std::int64_t>>;

/// How `decrypt` and `predict` show answers: the same options, and the same lines for the same answers.
struct AnswerOptions {
  bool json = false;
  bool scores = false;
  std::filesystem::path labels;            ///< IDX file or table of true answers, or empty
  std::vector<std::string> label_columns;  ///< of the table
};

void add_answer_options(CLI::App& command, AnswerOptions& options);

/// One line an input on standard output; with labels the accuracy after them (on standard error with --json,
/// where every line of standard output is one input's object). `range`: the inputs that the answers belong
/// to.
void print_answers(const ClientSpec& spec, const Answers& answers, const AnswerOptions& options,
                   const std::optional<ImageRange>& range);

/// How many answers have the class of their label.
std::size_t count_right(const ClientSpec& spec, const Answers& answers,
                        std::span<const std::uint16_t> labels);

/// "93.00 % (93 of 100)".
std::string share_text(std::size_t part, std::size_t whole);

}  // namespace opaline::tools
