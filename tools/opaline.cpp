// The opaline command: reads the options that every command takes, runs one command, and turns failures into
// one line and an exit code.

#include <omp.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <exception>
#include <iostream>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands/command.h"
#include "opaline/base/error.h"

namespace opaline::tools {
namespace {

constexpr int kSuccess = 0;
constexpr int kFailure = 1;
constexpr int kUsage = 2;
constexpr int kMostThreads = 1024;

struct CommandEntry {
  const char* name;
  const char* description;
  Action (*define)(CLI::App& command);
};

constexpr CommandEntry kCommands[] = {
    {"keygen", "Make a key pair: NAME.key stays with you, NAME.pub may go to anyone.", define_keygen},
    {"key", "Look after a key pair that is there: its proof, its passphrase.", define_key},
    {"train", "Train a network with identity activations on images, their public features, or a table.",
     define_train},
    {"compile", "Turn a network into integers with a proof that no answer can overflow.", define_compile},
    {"encrypt", "Encrypt images or a table for a model: the client's first step.", define_encrypt},
    {"evaluate", "Answer an encrypted query without being able to read it: the server's step.",
     define_evaluate},
    {"decrypt", "Decrypt a reply and name the classes: the client's last step.", define_decrypt},
    {"classify", "Encrypt, ask a server, decrypt: all of the client's steps over the network.",
     define_classify},
    {"predict", "Calculate the same integers in the clear.", define_predict},
    {"serve", "Serve models over HTTP(S), by the Open Inference Protocol.", define_serve},
    {"inspect", "Say what a file is: key, model, query, reply, network, images, labels, table or picture.",
     define_inspect},
    {"import", "Take a key, or encrypted numbers for a query, from python-paillier.", define_import},
    {"export", "Give a key, a query or a reply to python-paillier.", define_export},
    {"number", "Encrypt and decrypt single numbers as python-paillier's pheutil does.", define_number},
    {"demo", "Classify encrypted digits with the model that comes along.", define_demo}};

struct CommonOptions {
  std::optional<int> threads;
  std::optional<std::string> backend;
  bool quiet = false;
};

void add_common_options(CLI::App& app, CommonOptions& options) {
  app.set_version_flag("--version", "opaline " OPALINE_VERSION, "Print the version and leave");
  app.add_option("--threads", options.threads, "Threads to use; default: one a processor")
      ->check(CLI::Range(1, kMostThreads));
  std::string names = "Arithmetic backend: auto";
  for (const Backend* one : backends()) names += ", " + std::string(one->name());
  app.add_option("--backend", options.backend, names + "; default: OPALINE_BACKEND, else auto")
      ->type_name("NAME");
  app.add_flag("--quiet", options.quiet, "No progress bars");
}

// Errors are promised to be one line, whatever is in a file's name.
std::string one_line(std::string text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.pop_back();
  std::replace_if(
      text.begin(), text.end(), [](char c) { return std::iscntrl(static_cast<unsigned char>(c)) != 0; }, ' ');
  return text;
}

int complain(const std::string& message, int code) {
  std::cerr << "opaline: " << one_line(message) << '\n';
  return code;
}

void run(const Action& action, const CommonOptions& options) {
  if (options.threads) omp_set_num_threads(*options.threads);
  action({options.backend ? backend(*options.backend) : default_backend(),
          options.quiet ? ProgressBar::Output::silent : ProgressBar::Output::terminal});
  if (!std::cout.flush()) throw Error(ErrorKind::io, "standard output: cannot write");
}

int start(int argc, char** argv) {
  CLI::App app(
      "Private inference: a server classifies what it cannot read.\n"
      "Inputs travel as Paillier ciphertexts; only the owner of the key reads the answers.",
      "opaline");
  app.option_defaults()->always_capture_default();
  app.get_formatter()->column_width(34);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "A walk through all commands:\n"
      "  opaline keygen --output alice\n"
      "  opaline train --images I --labels L --output net.onnx\n"
      "  opaline compile net.onnx --output digits\n"
      "  opaline encrypt --key alice.key --spec digits.client --images I --range 0:100 --output q.query\n"
      "  opaline evaluate --model digits.server --output r.reply q.query\n"
      "  opaline decrypt --key alice.key --spec digits.client r.reply\n\n"
      "opaline COMMAND --help explains a command. Exit codes: 0 done, 1 failed, 2 wrong usage.");
  CommonOptions common;
  add_common_options(app, common);

  std::vector<std::pair<CLI::App*, Action>> actions;
  for (const CommandEntry& entry : kCommands) {
    CLI::App* command = app.add_subcommand(entry.name, entry.description);
    actions.emplace_back(command, entry.define(*command));
  }

  try {
    app.parse(argc, argv);
    for (const auto& [command, action] : actions) {
      if (command->parsed()) run(action, common);
    }
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::Error& error) {
    const auto chosen = app.get_subcommands();
    const std::string name = chosen.empty() ? "" : chosen.front()->get_name() + " ";
    return complain(one_line(error.what()) + " (see opaline " + name + "--help)", kUsage);
  }
  return kSuccess;
}

}  // namespace
}  // namespace opaline::tools

int main(int argc, char** argv) {
  using opaline::tools::complain;
  try {
    return opaline::tools::start(argc, argv);
  } catch (const std::bad_alloc&) {
    return complain("out of memory", opaline::tools::kFailure);
  } catch (const std::exception& error) {
    return complain(error.what(), opaline::tools::kFailure);
  }
}
