#include <CLI/CLI.hpp>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "commands/command.h"
#include "commands/files.h"
#include "commands/images.h"
#include "commands/options.h"
#include "opaline/base/file.h"
#include "opaline/inference/client.h"
#include "opaline/paillier/key_files.h"

namespace opaline::tools {
namespace {

struct Options {
  std::filesystem::path key;
  std::filesystem::path spec;
  std::filesystem::path images;
  std::filesystem::path output;
  std::optional<ImageRange> range;
  std::string layout = "auto";
  std::string noise = "full";
};

// What the images are to cost least of, or a layout by its name.
const std::map<std::string, LayoutChoice>& layouts() {
  static const std::map<std::string, LayoutChoice> choices = {
      {"auto", LayoutChoice::automatic},  {"plain", LayoutChoice::plain},
      {"batch", LayoutChoice::batch},     {"latency", LayoutChoice::batch},
      {"bandwidth", LayoutChoice::batch}, {"throughput", LayoutChoice::batch}};
  return choices;
}

// The owner of a secret key encrypts faster, and exactly: there is nothing to choose.
Encryptor encryptor_for(const Options& options, const Backend& backend) {
  if (holds_secret_key(options.key)) return Encryptor(read_secret_key(options.key), backend);
  const auto kind = options.noise == "djn" ? PublicNoiseKind::djn : PublicNoiseKind::full_length;
  return Encryptor(read_public_key(options.key), backend, {kind, 0});
}

void run(const Options& options, const Session& session) {
  const ClientSpec spec = read_client_spec(options.spec);
  const ModelImages images(options.images, options.range, spec);
  const QueryEncryptor encryptor(spec, encryptor_for(options, session.backend));

  FileWriter file(options.output, FileMode::everyone);
  {
    ProgressBar bar("encrypting", images.count(), session.progress);
    encryptor.encrypt(
        images.count(), [&](std::size_t i) { return images.encoded(i); }, layouts().at(options.layout),
        [&](ByteView bytes) { file.write(bytes); }, [&](std::size_t done) { bar.update(done); });
  }
  file.commit();
}

}  // namespace

Action define_encrypt(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("--key", options->key, "NAME.key (faster) or NAME.pub")->required()->type_name("FILE");
  command.add_option("--spec", options->spec, "The model's NAME.client")->required()->type_name("FILE");
  command.add_option("--images", options->images, "Images, IDX, plain or gzip")
      ->required()
      ->type_name("FILE");
  command.add_option("--output", options->output, "The query to write")->required()->type_name("FILE");
  add_range_option(command, options->range, "Only these images, counted from 0; the end is left out");
  command
      .add_option("--layout", options->layout,
                  "plain: one number a ciphertext; batch (also latency, bandwidth, throughput): one image a "
                  "slot, as many as fit; auto: batch from two images on")
      ->check(CLI::IsMember(layouts()));
  command
      .add_option(
          "--noise", options->noise,
          "With a NAME.pub, full: r^n, which is Paillier's definition; djn: short exponents and tables "
          "(Damgard, Jurik, Nielsen), about ten times faster, on a further assumption and for keys made "
          "by opaline. A NAME.key makes noise of its own, faster still")
      ->check(CLI::IsMember({"full", "djn"}))
      ->capture_default_str();
  add_examples(command, {"opaline encrypt --key alice.key --spec digits.client --images "
                         "t10k-images-idx3-ubyte.gz --range 0:100 --output q.query"});
  return [options](const Session& session) { run(*options, session); };
}

}  // namespace opaline::tools
