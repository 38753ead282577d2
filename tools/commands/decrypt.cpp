#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <optional>

#include "commands/answers.h"
#include "commands/command.h"
#include "commands/files.h"
#include "commands/options.h"
#include "commands/secret_keys.h"
#include "opaline/inference/client.h"
#include "opaline/paillier/key_files.h"

namespace opaline::tools {
namespace {

struct Options {
  std::filesystem::path reply;
  std::filesystem::path key;
  SecretKeyOptions access;
  std::filesystem::path spec;
  AnswerOptions answers;
  std::optional<ImageRange> range;
};

std::size_t images_in(const std::filesystem::path& reply) {
  FrameReader reader(reply);
  return read_reply_header(reader).images;
}

void run(const Options& options, const Session& session) {
  const ClientSpec spec = read_client_spec(options.spec);
  const ReplyDecryptor decryptor(
      spec, Decryptor(read_secret_key(options.key, key_access(options.access)), session.backend));

  // Nothing is shown before all of the reply has proved sound.
  Answers answers;
  {
    ProgressBar bar("decrypting", images_in(options.reply), session.progress);
    FrameReader reply(options.reply);
    decryptor.decrypt(
        reply,
        [&](std::size_t /*index*/, const std::vector<std::int64_t>& integers) {
          answers.push_back(integers);
        },
        [&](std::size_t done) { bar.update(done); });
  }
  print_answers(spec, answers, options.answers, options.range);
}

}  // namespace

Action define_decrypt(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("reply", options->reply, "The reply to read")->required()->type_name("FILE");
  command.add_option("--key", options->key, "The secret key, NAME.key")->required()->type_name("FILE");
  add_secret_key_options(command, options->access);
  command.add_option("--spec", options->spec, "The model's NAME.client")->required()->type_name("FILE");
  add_answer_options(command, options->answers);
  add_range_option(command, options->range,
                   "The --range that was encrypted: which of the --labels belong to the answers");
  add_examples(command, {"opaline decrypt --key alice.key --spec digits.client r.reply",
                         "opaline decrypt --key alice.key --spec digits.client --json --scores r.reply"});
  return [options](const Session& session) { run(*options, session); };
}

}  // namespace opaline::tools
