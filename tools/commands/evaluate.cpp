#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "commands/command.h"
#include "commands/files.h"
#include "commands/options.h"
#include "opaline/base/file.h"
#include "opaline/inference/server.h"

namespace opaline::tools {
namespace {

struct Options {
  std::filesystem::path query;
  std::filesystem::path model;
  std::filesystem::path output;
};

std::size_t images_in(const std::filesystem::path& query) {
  FrameReader reader(query);
  return read_query_header(reader).images;
}

void run(const Options& options, const Session& session) {
  const Server server(read_server_model(options.model), session.backend);
  const std::size_t images = images_in(options.query);
  FrameReader query(options.query);
  FileWriter reply(options.output, FileMode::everyone);
  {
    ProgressBar bar("evaluating", images, session.progress);
    server.answer(
        query, [&](ByteView bytes) { reply.write(bytes); }, [&](std::size_t done) { bar.update(done); });
  }
  reply.commit();
}

}  // namespace

Action define_evaluate(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("query", options->query, "The query to answer")->required()->type_name("FILE");
  command.add_option("--model", options->model, "The model's NAME.server")->required()->type_name("FILE");
  command.add_option("--output", options->output, "The reply to write")->required()->type_name("FILE");
  add_examples(command, {"opaline evaluate --model digits.server --output r.reply q.query"});
  return [options](const Session& session) { run(*options, session); };
}

}  // namespace opaline::tools
