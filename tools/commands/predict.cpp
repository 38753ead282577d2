#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "commands/answers.h"
#include "commands/command.h"
#include "commands/files.h"
#include "commands/images.h"
#include "commands/options.h"

namespace opaline::tools {
namespace {

struct Options {
  std::filesystem::path model;
  std::filesystem::path images;
  AnswerOptions answers;
};

void run(const Options& options) {
  const CompiledModel model = read_server_model(options.model);
  const ModelImages images(options.images, options.answers.range, model.client_spec());
  Answers answers;
  for (std::size_t i = 0; i < images.count(); ++i) answers.push_back(model.predict(images.encoded(i)));
  print_answers(model.client_spec(), answers, options.answers);
}

}  // namespace

Action define_predict(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("--model", options->model, "The model's NAME.server")->required()->type_name("FILE");
  command.add_option("--images", options->images, "Images, IDX, plain or gzip")
      ->required()
      ->type_name("FILE");
  add_answer_options(command, options->answers);
  add_range_option(command, options->answers.range, "Only these images, counted from 0; the end is left out");
  add_examples(command, {"opaline predict --model digits.server --images t10k-images-idx3-ubyte.gz --labels "
                         "t10k-labels-idx1-ubyte.gz --range 0:100"});
  return [options](const Session&) { run(*options); };
}

}  // namespace opaline::tools
