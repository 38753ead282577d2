#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands/answers.h"
#include "commands/command.h"
#include "commands/inputs.h"
#include "commands/options.h"
#include "commands/plans.h"
#include "commands/remote_options.h"
#include "commands/secret_keys.h"
#include "opaline/base/parallel.h"
#include "opaline/inference/client.h"
#include "opaline/paillier/key_files.h"
#include "opaline/service/remote_model.h"

namespace opaline::tools {
namespace {

// A request's ciphertexts, far below what servers accept (64 MiB), and little to lose with a connection.
constexpr std::size_t kQueryBytes = std::size_t{16} << 20;

struct Options {
  std::filesystem::path key;
  SecretKeyOptions access;
  RemoteOptions server;
  InputOptions inputs;
  AnswerOptions answers;
  PlanOptions plans;
  std::optional<std::size_t> batch;
};

// Which inputs go together: full ciphertexts, except where a query ends.
std::vector<Share> cut(std::size_t count, const Plan& plan, const std::optional<std::size_t>& batch) {
  const std::size_t side_by_side = plan.layout.images;
  const std::size_t chunks = (plan.images + side_by_side - 1) / side_by_side;
  const std::size_t chunk_bytes = std::max(plan.bytes_up, plan.bytes_down) / chunks + 1;
  const std::size_t wanted = batch.value_or(kLargestQuery);
  const std::size_t most_chunks = std::min(kQueryBytes / chunk_bytes, wanted / side_by_side);
  const std::size_t most = std::min(std::max<std::size_t>(1, most_chunks) * side_by_side, wanted);
  std::vector<Share> shares;
  for (std::size_t first = 0; first < count; first += most) {
    shares.push_back({first, std::min(most, count - first)});
  }
  return shares;
}

Bytes encrypt(const QueryEncryptor& encryptor, const ModelInputs& inputs, const Share& share,
              const LayoutShape& layout) {
  const QueryHeader header = encryptor.header(share.count, layout);
  Bytes query = to_frame(header);
  encryptor.encrypt(
      header, 0, encoding_ahead(share.count, [&](std::size_t i) { return inputs.encoded(share.first + i); }),
      [&](ByteView frame) { query.insert(query.end(), frame.begin(), frame.end()); }, [](std::size_t) {});
  return query;
}

// The replies to all inputs. While the server works on one query the next is encrypted.
std::vector<Bytes> ask(RemoteModel& model, const QueryEncryptor& encryptor, const ModelInputs& inputs,
                       const std::vector<Share>& shares, const LayoutShape& layout, ProgressBar& bar) {
  std::vector<Bytes> replies;
  std::future<Bytes> pending;
  const auto collect = [&] {
    replies.push_back(pending.get());
    bar.update(shares[replies.size() - 1].first + shares[replies.size() - 1].count);
  };
  for (const Share& share : shares) {
    Bytes query = encrypt(encryptor, inputs, share, layout);
    if (pending.valid()) collect();
    pending =
        std::async(std::launch::async, [&model, query = std::move(query)] { return model.infer(query); });
  }
  collect();
  return replies;
}

void run(const Options& options, const Session& session) {
  const SecretKey key = read_secret_key(options.key, key_access(options.access));
  RemoteModel model(remote_settings(options.server, session));
  const ClientSpec& spec = model.spec();
  const ModelInputs inputs(options.inputs, spec);
  inputs.warn_of_clipping();
  if (!options.answers.labels.empty()) {
    // A mistake in these is better found before the server is asked than after.
    read_true_answers(options.answers.labels, options.answers.label_columns, options.inputs.range,
                      inputs.count(), spec);
  }
  const QueryEncryptor encryptor(spec, Encryptor(key, session.backend));
  const std::size_t together = std::min(inputs.count(), options.batch.value_or(kLargestQuery));
  const Plan plan = make_plan(options.plans, encryptor, together, session.backend);
  const std::vector<Share> shares = cut(inputs.count(), plan, options.batch);

  // Every reply is there before any is decrypted: a server must not be able to tell from the next query, or
  // from there being none, what a decryption came to.
  std::vector<Bytes> replies;
  {
    ProgressBar bar("classifying", inputs.count(), session.progress);
    replies = ask(model, encryptor, inputs, shares, plan.layout, bar);
  }
  // Nothing is shown before all of them have proved sound.
  const ReplyDecryptor decryptor(spec, Decryptor(key, session.backend));
  Answers answers;
  for (const Bytes& reply : replies) {
    for (auto& integers : decryptor.decrypt(reply)) answers.push_back(std::move(integers));
  }
  print_answers(spec, answers, options.answers, options.inputs.range);
}

}  // namespace

Action define_classify(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("--key", options->key, "The secret key, NAME.key, which stays here")
      ->required()
      ->type_name("FILE");
  add_secret_key_options(command, options->access);
  add_remote_options(command, options->server);
  add_input_options(command, options->inputs);
  add_answer_options(command, options->answers);
  add_layout_option(command, options->plans);
  add_link_option(command, options->plans);
  command
      .add_option("--batch", options->batch,
                  "Most inputs in one request; default: as many as 16 MiB of ciphertexts hold")
      ->check(CLI::Range(std::size_t{1}, kLargestQuery))
      ->type_name("N");
  add_examples(
      command,
      {"opaline classify --key alice.key --server http://127.0.0.1:8080 --model digits --image photo.png",
       "opaline classify --key alice.key --server https://models.example.org --model digits --images "
       "t10k-images-idx3-ubyte.gz --labels t10k-labels-idx1-ubyte.gz --range 0:100",
       "opaline classify --key alice.key --server https://models.example.org --token-file token "
       "--model-id 5d41...c592 --model wine --csv new.csv --json"});
  return [options](const Session& session) { run(*options, session); };
}

}  // namespace opaline::tools
