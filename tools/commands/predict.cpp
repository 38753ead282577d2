#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "commands/answers.h"
#include "commands/command.h"
#include "commands/files.h"
#include "commands/inputs.h"
#include "commands/options.h"

namespace opaline::tools {
namespace {

struct Options {
  std::filesystem::path model;
  InputOptions inputs;
  AnswerOptions answers;
};

void run(const Options& options) {
  const CompiledModel model = read_server_model(options.model);
  const ModelInputs inputs(options.inputs, model.client_spec());
  inputs.warn_of_clipping();
  Answers answers;
  for (std::size_t i = 0; i < inputs.count(); ++i) answers.push_back(model.predict(inputs.encoded(i)));
  print_answers(model.client_spec(), answers, options.answers, options.inputs.range);
}

}  // namespace

Action define_predict(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("--model", options->model, "The model's NAME.server")->required()->type_name("FILE");
  add_input_options(command, options->inputs);
  add_answer_options(command, options->answers);
  add_examples(command, {"opaline predict --model digits.server --images t10k-images-idx3-ubyte.gz --labels "
                         "t10k-labels-idx1-ubyte.gz --range 0:100",
                         "opaline predict --model wine.server --csv wine.csv --labels wine.csv --json"});
  return [options](const Session&) { run(*options); };
}

}  // namespace opaline::tools
