// Takes a linear model from a server by asking: what no encryption can prevent, and what quotas are about.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands/files.h"
#include "commands/remote_options.h"
#include "examples/model_extraction.h"
#include "opaline/base/file.h"
#include "opaline/inference/server.h"
#include "opaline/service/remote_model.h"

namespace {

using namespace opaline;
using namespace opaline::examples;

struct Options {
  std::string model = OPALINE_DEMO_FOLDER "/digits.server";
  tools::RemoteOptions remote;
  std::string method = "both";
  std::size_t bits = kDefaultKeyBits;
  std::filesystem::path output;
};

/// Who answers, and what may be known of it.
struct Owner {
  ClientSpec spec;
  Ask ask;
  std::optional<CompiledModel> truth;  ///< of a model that is in this process
};

Owner owner_of(const Options& options) {
  if (options.remote.url.empty()) {
    CompiledModel model = tools::read_server_model(options.model);
    const auto server = std::make_shared<const Server>(model);
    const ClientSpec spec = model.client_spec();
    return {spec, [server](const Bytes& query) { return server->answer(query); }, std::move(model)};
  }
  tools::RemoteOptions remote = options.remote;
  remote.model = options.model;
  const auto model = std::make_shared<RemoteModel>(
      tools::remote_settings(remote, {default_backend(), ProgressBar::Output::terminal}));
  const ClientSpec spec = model->spec();
  return {spec, [model](const Bytes& query) { return model->infer(query); }, std::nullopt};
}

bool equal(const Extraction& found, const CompiledModel& truth) {
  return std::equal(found.weights.begin(), found.weights.end(), truth.weights().begin(),
                    truth.weights().end()) &&
         std::equal(found.bias.begin(), found.bias.end(), truth.bias().begin(), truth.bias().end());
}

/// The model anew; its id is a hash over every weight, so who has found them all knows that they are right.
CompiledModel rebuild(const ClientSpec& spec, const Extraction& found) {
  return {spec, found.weights, found.bias};
}

double kilobytes(std::size_t bytes) { return static_cast<double>(bytes) / 1e3; }

/// Whether the model was found.
bool run(const char* name, const Owner& owner, const std::function<Extraction()>& extract,
         const std::filesystem::path& output) {
  const auto start = std::chrono::steady_clock::now();
  const Extraction found = extract();
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  const CompiledModel model = rebuild(owner.spec, found);
  const bool same_id = model.client_spec().model_id == owner.spec.model_id;
  const bool same = same_id && (!owner.truth || equal(found, *owner.truth));
  std::printf("%s: %zu input%s in %zu quer%s, %.1f kB up, %.1f kB down, %.2f s\n", name, found.inputs_asked,
              found.inputs_asked == 1 ? "" : "s", found.queries, found.queries == 1 ? "y" : "ies",
              kilobytes(found.bytes_up), kilobytes(found.bytes_down), seconds.count());
  std::printf("  %zu weights and %zu biases: %s\n", found.weights.size(), found.bias.size(),
              !same         ? "NOT what the server has"
              : owner.truth ? "all equal to the server file's; the model id agrees"
                            : "the model id, a hash over all of them, agrees");
  if (same && !output.empty()) {
    write_file(output, model.serialise(), FileMode::owner_only);
    std::printf("  written to %s\n", output.string().c_str());
  }
  return same;
}

int start(const Options& options) {
  const Owner owner = owner_of(options);
  const ClientSpec& spec = owner.spec;
  const SecretKey key = SecretKey::generate(options.bits);
  std::printf(
      "model %s: %zu inputs, of which %zu are sent, %zu outputs, weights of %u bits; key of %zu bits\n",
      spec.name.c_str(), spec.inputs, spec.sent(), spec.outputs, spec.weight_bits, options.bits);
  bool found = true;
  if (options.method != "large") {
    found = run(
        "by the rules", owner, [&] { return extract_by_rules(spec, key, owner.ask); }, options.output);
  }
  if (options.method != "rules") {
    found = run(
                "by large inputs", owner, [&] { return extract_by_large_inputs(spec, key, owner.ask); },
                options.output) &&
            found;
  }
  return found ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app(
      "Takes a linear model from a server by asking it, as every client that may ask often enough can.\n"
      "By the rules: the zero input and every unit vector, one more than the model has inputs.\n"
      "By large inputs: numbers outside the declared range, which a server cannot see, make one answer hold\n"
      "hundreds of weights of every row.\n"
      "The server is one in this process with a model file, which the result is compared with, or one "
      "behind\n"
      "a URL, where the model id confirms it.",
      "extract_model");
  app.get_formatter()->column_width(34);
  Options options;
  app.add_option("--model", options.model,
                 "The owner's compiled model, NAME.server; with --server the name it has there")
      ->capture_default_str()
      ->type_name("FILE|NAME");
  app.add_option("--server", options.remote.url, "Ask opaline serve at https://host[:port] instead")
      ->type_name("URL");
  app.add_option("--token-file", options.remote.token_file, "File (mode 0600) with the server's bearer token")
      ->type_name("FILE");
  app.add_option("--ca-file", options.remote.ca_file, "PEM certificates of authorities to trust as well")
      ->type_name("FILE");
  app.add_flag("--allow-plain-http", options.remote.allow_plain_http, "Allow http:// to another machine");
  app.add_option("--attempts", options.remote.attempts, "How often a refused request is sent")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--method", options.method, "How to ask")
      ->capture_default_str()
      ->check(CLI::IsMember({"rules", "large", "both"}));
  app.add_option("--bits", options.bits, "Bits of the key that is made for it")
      ->capture_default_str()
      ->check(CLI::Range(kSmallestKeyBits, kLargestKeyBits));
  app.add_option("--output", options.output, "Write the model that was found, as a server file")
      ->type_name("FILE");
  app.footer(
      "Examples:\n"
      "  extract_model\n"
      "  extract_model --model wine.server --method large --output stolen.server\n"
      "  extract_model --server http://127.0.0.1:8080 --model digits\n\n"
      "Exit codes: 0 the whole model was found, 1 not, 2 wrong usage.");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return start(options);
} catch (const std::exception& error) {
  std::fprintf(stderr, "extract_model: %s\n", error.what());
  return 1;
}
