#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "commands/command.h"
#include "commands/files.h"
#include "commands/options.h"
#include "commands/secret_keys.h"
#include "opaline/base/error.h"
#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "opaline/paillier/key_files.h"
#include "opaline/paillier/phe_numbers.h"

namespace opaline::tools {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path key;
  SecretKeyOptions access;
  std::vector<std::string> values;
  fs::path output;
  fs::path numbers;
};

Encryptor encryptor_for(const Options& options, const Backend& backend) {
  const KeyFileAccess access = key_access(options.access);
  if (holds_secret_key(options.key)) return Encryptor(read_secret_key(options.key, access), backend);
  return Encryptor(read_public_key(options.key), backend);
}

void encrypt(const Options& options, const Session& session) {
  const Encryptor encryptor = encryptor_for(options, session.backend);
  std::vector<Integer> mantissas;
  std::vector<int> exponents;
  for (const std::string& value : options.values) {
    const auto [mantissa, exponent] = parse_phe_value(value, encryptor.public_key());
    mantissas.push_back(mantissa);
    exponents.push_back(exponent);
  }
  const std::vector<Ciphertext> ciphertexts = encryptor.encrypt(mantissas);
  std::string lines;
  for (std::size_t i = 0; i < ciphertexts.size(); ++i)
    lines += to_json(PheNumber{ciphertexts[i], exponents[i]});
  write_file(options.output, as_bytes(lines), FileMode::everyone);
}

void decrypt(const Options& options, const Session& session) {
  const SecretKey key = read_secret_key(options.key, key_access(options.access));
  const std::vector<PheNumber> numbers = read_numbers(options.numbers, key.public_key());
  std::vector<Ciphertext> ciphertexts;
  for (const PheNumber& number : numbers) ciphertexts.push_back(number.ciphertext);
  const std::vector<Integer> plaintexts = Decryptor(key, session.backend).decrypt(ciphertexts);
  std::string lines;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    lines += phe_value_text({plaintexts[i], numbers[i].exponent}, key.public_key()) + "\n";
  }
  std::cout << lines;
}

}  // namespace

Action define_number(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.require_subcommand(1);
  CLI::App& encrypting = *command.add_subcommand(
      "encrypt", "Encrypt numbers: one a line, each a file that `pheutil decrypt` reads");
  encrypting
      .add_option("values", options->values, "Whole numbers, or fractions; write -- before negative ones")
      ->required()
      ->type_name("NUMBER");
  encrypting.add_option("--key", options->key, "NAME.key or NAME.pub")->required()->type_name("FILE");
  encrypting.add_option("--output", options->output, "The file to write")->required()->type_name("FILE");
  add_secret_key_options(encrypting, options->access);
  CLI::App& decrypting =
      *command.add_subcommand("decrypt", "Print what numbers hold that pheutil, or this, encrypted");
  decrypting.add_option("numbers", options->numbers, "One or more, a line each")
      ->required()
      ->type_name("FILE");
  decrypting.add_option("--key", options->key, "NAME.key")->required()->type_name("FILE");
  add_secret_key_options(decrypting, options->access);
  add_examples(command, {"opaline number encrypt --key alice.pub --output x.json 2.5",
                         "opaline number decrypt --key alice.key x.json"});
  return [options, &encrypting](const Session& session) {
    if (encrypting.parsed()) {
      encrypt(*options, session);
    } else {
      decrypt(*options, session);
    }
  };
}

}  // namespace opaline::tools
