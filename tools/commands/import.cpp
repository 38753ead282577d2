#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "commands/command.h"
#include "commands/files.h"
#include "commands/options.h"
#include "commands/report.h"
#include "commands/secret_keys.h"
#include "opaline/base/error.h"
#include "opaline/inference/client.h"
#include "opaline/inference/phe_messages.h"
#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/key_files.h"
#include "opaline/paillier/key_proof.h"

namespace opaline::tools {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path file;
  fs::path key;
  fs::path spec;
  SecretKeyOptions access;
  NewKeyOptions output;
};

void import_key(const Options& options) {
  if (holds_secret_key(options.file)) {
    prepare_new_key(options.output);
    OpenedKey opened = open_secret_key(options.file, options.access);
    SecretKey key = std::move(opened.key);
    if (key.public_key().proof() == nullptr) key = std::move(key).with_proof(make_key_proof(key));
    write_new_key(options.output, key, opened.passphrase, ReportFormat::text);
    return;
  }
  const PublicKey key = read_public_key(options.file);
  const fs::path path = with_ending(options.output.output, ".pub");
  if (!options.output.force && fs::exists(fs::symlink_status(path))) {
    throw Error(ErrorKind::io, path.string() + ": is there already; replace it with --force");
  }
  write_key(path, key);
  print_report(
      {{"public_key", path.string()}, {"bits", key.bits()}, {"fingerprint", to_hex(key.fingerprint())}},
      ReportFormat::text);
}

// What whoever has the secret key can do with any encrypted numbers: look, and encrypt them again. What they
// are is not for an error's text, which ends up in logs.
Bytes encrypt_again(const ClientSpec& spec, const std::vector<PheNumber>& numbers, const SecretKey& key,
                    const std::string& name, const Session& session) {
  if (numbers.size() % spec.sent() != 0) {
    throw Error(ErrorKind::invalid_argument, name + ": " + std::to_string(numbers.size()) +
                                                 " numbers; the model takes " + std::to_string(spec.sent()) +
                                                 " an input");
  }
  std::vector<Ciphertext> ciphertexts;
  for (const PheNumber& number : numbers) ciphertexts.push_back(number.ciphertext);
  const std::vector<Integer> plaintexts = Decryptor(key, session.backend).decrypt(ciphertexts);
  std::vector<EncodedInput> inputs(numbers.size() / spec.sent(), EncodedInput(spec.inputs, 0));
  std::vector<bool> is_sent(spec.inputs, true);
  for (const std::uint32_t unused : spec.unused) is_sent[unused] = false;
  std::size_t next = 0;
  for (EncodedInput& input : inputs) {
    for (std::size_t j = 0; j < spec.inputs; ++j) {
      if (!is_sent[j]) continue;
      const PheEncoding number{plaintexts[next], numbers[next].exponent};
      const auto refuse = [&](const std::string& why) {
        return Error(ErrorKind::out_of_range,
                     name + ": number " + std::to_string(next) + ", counted from 0, is " + why);
      };
      Integer value;
      try {
        value = whole_number(number);
      } catch (const Error&) {
        throw refuse("no whole number, as inputs are that the client file encodes");
      }
      if (value < 0 || value > spec.encoding.maximum()) {
        throw refuse("outside the model's range 0 … " + std::to_string(spec.encoding.maximum()));
      }
      input[j] = static_cast<std::int64_t>(value);
      ++next;
    }
  }
  const QueryEncryptor encryptor(spec, Encryptor(key, session.backend));
  return encryptor.encrypt(inputs, encryptor.plain());
}

void import_numbers(const Options& options, const Session& session) {
  const ClientSpec spec = read_client_spec(options.spec);
  if (holds_secret_key(options.key)) {
    const SecretKey key = read_secret_key(options.key, key_access(options.access));
    const auto numbers = read_numbers(options.file, key.public_key());
    write_file(options.output.output, encrypt_again(spec, numbers, key, options.file.string(), session),
               FileMode::everyone);
    return;
  }
  const Evaluator evaluator(read_public_key(options.key), session.backend);
  const auto numbers = read_numbers(options.file, evaluator.public_key());
  write_file(options.output.output, query_of_numbers(spec, numbers, evaluator), FileMode::everyone);
}

}  // namespace

Action define_import(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command
      .add_option("file", options->file,
                  "A key of pheutil (one with a passphrase keeps it), or encrypted numbers, one a line")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--output", options->output.output,
                  "Of a key: NAME, for NAME.key and NAME.pub. Of numbers: the query to write")
      ->required()
      ->type_name("NAME");
  CLI::Option* const key =
      command
          .add_option("--key", options->key,
                      "Of numbers: NAME.pub, or NAME.key, with which numbers are looked at before they are "
                      "taken, and may have fractions of zero")
          ->type_name("FILE");
  CLI::Option* const spec =
      command.add_option("--spec", options->spec, "Of numbers: the model's NAME.client")->type_name("FILE");
  key->needs(spec);
  spec->needs(key);
  command.add_flag("--force", options->output.force, "Replace keys of that name");
  add_secret_key_options(command, options->access);
  add_examples(command,
               {"opaline import pheutil.json --output alice",
                "opaline import numbers.json --key alice.pub --spec digits.client --output q.query"});
  return [options](const Session& session) {
    if (options->key.empty()) {
      import_key(*options);
    } else {
      import_numbers(*options, session);
    }
  };
}

}  // namespace opaline::tools
