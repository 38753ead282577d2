#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>

#include "commands/command.h"
#include "commands/files.h"
#include "commands/options.h"
#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/inference/server.h"

namespace opaline::tools {
namespace {

struct Options {
  std::filesystem::path query;
  std::filesystem::path model;
  std::filesystem::path output;
};

QueryHeader header_of(const std::filesystem::path& query) {
  FrameReader reader(query);
  return read_query_header(reader);
}

// What a killed run left of this reply: whole chunks, and the bytes they take with the header.
WholeChunks left_behind(const std::filesystem::path& partial, const ReplyHeader& expected,
                        std::size_t chunk_bytes) {
  try {
    FrameReader reader(partial);
    if (to_frame(read_reply_header(reader)) != to_frame(expected)) return {};
    WholeChunks whole = read_whole_chunks(reader, ChunkKind::reply, message_digest(expected), chunk_bytes);
    if (whole.count > 0) whole.bytes += to_frame(expected).size();
    return whole;
  } catch (const Error&) {
    return {};
  }
}

void run(const Options& options, const Session& session) {
  const Server server(read_server_model(options.model), session.backend);
  const QueryHeader header = header_of(options.query);
  const ReplyHeader expected = reply_to(header);
  const ClientSpec& spec = server.model().client_spec();
  const std::filesystem::path partial =
      partial_path(options.output, sha256({spec.model_id, message_digest(expected)}));
  FileWriter reply(options.output, FileMode::everyone, partial);
  const std::size_t replies = (spec.outputs + expected.layout.outputs - 1) / expected.layout.outputs;
  WholeChunks whole = left_behind(partial, expected, replies * header.key.ciphertext_bytes());
  if (whole.count >= expected.chunks()) whole = {};
  reply.continue_at(whole.bytes);
  FrameReader query(options.query);
  {
    ProgressBar bar("evaluating", expected.images, session.progress);
    server.answer(
        query, whole.count, [&](ByteView bytes) { reply.write(bytes); },
        [&](std::size_t done) { bar.update(done); });
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
