#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iomanip>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

#include "commands/answers.h"
#include "commands/command.h"
#include "commands/digit_art.h"
#include "commands/files.h"
#include "commands/inputs.h"
#include "commands/options.h"
#include "commands/plans.h"
#include "commands/stopwatch.h"
#include "opaline/base/error.h"
#include "opaline/inference/client.h"
#include "opaline/inference/server.h"

namespace opaline::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostImages = 1000;  // unless a range is asked for
constexpr std::size_t kBarWidth = 40;

struct Options {
  std::size_t bits = kDefaultKeyBits;
  fs::path folder;
  fs::path model;
  fs::path spec;
  fs::path images;
  fs::path labels;
  std::optional<ImageRange> range;
};

// Where an installed program finds its samples, beside it, or where a build finds the source tree's.
fs::path default_folder() {
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  const fs::path installed = program.parent_path() / OPALINE_DEMO_BESIDE_PROGRAM;
  return fs::is_regular_file(installed / "digits.server", ignored) ? installed.lexically_normal()
                                                                   : fs::path(OPALINE_DEMO_IN_SOURCE);
}

// The images to classify, and their classes.
struct Samples {
  fs::path images;
  ImageRange range;
  std::vector<std::uint16_t> labels;
};

// How a phase went, for the table at the end.
struct Phase {
  std::string who;
  std::string what;
  double seconds = 0.0;
  std::string sends;
};

std::string size_text(std::size_t bytes) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1) << static_cast<double>(bytes) / 1000.0 << " kB";
  return text.str();
}

// One whole round trip through real messages; each role has only what it would have on its own machine.
struct RoundTrip {
  Answers answers;
  std::vector<Phase> phases;
};

Bytes make_query(const QueryEncryptor& client, const LayoutShape& layout, const ModelInputs& images,
                 const Session& session) {
  const QueryHeader header = client.header(images.count(), layout);
  Bytes query = to_frame(header);
  ProgressBar bar("encrypting", images.count(), session.progress);
  client.encrypt(
      header, 0, encoding_ahead(images.count(), [&](std::size_t i) { return images.encoded(i); }),
      [&](ByteView bytes) { query.insert(query.end(), bytes.begin(), bytes.end()); },
      [&](std::size_t done) { bar.update(done); });
  return query;
}

Bytes make_reply(const Server& server, const Bytes& query, std::size_t images, const Session& session) {
  FrameReader reader(query, "query");
  Bytes reply;
  ProgressBar bar("evaluating", images, session.progress);
  server.answer(
      reader, 0, [&](ByteView bytes) { reply.insert(reply.end(), bytes.begin(), bytes.end()); },
      [&](std::size_t done) { bar.update(done); });
  return reply;
}

Answers read_reply(const ClientSpec& spec, const SecretKey& key, const Bytes& reply, std::size_t images,
                   const Session& session) {
  const ReplyDecryptor client(spec, Decryptor(key, session.backend));
  FrameReader reader(reply, "reply");
  Answers answers;
  ProgressBar bar("decrypting", images, session.progress);
  client.decrypt(
      reader,
      [&](std::size_t /*index*/, const std::vector<std::int64_t>& integers) { answers.push_back(integers); },
      [&](std::size_t done) { bar.update(done); });
  return answers;
}

RoundTrip travel(const ClientSpec& spec, const SecretKey& key, const Server& server,
                 const ModelInputs& images, const Session& session) {
  RoundTrip trip;
  const QueryEncryptor client(spec, Encryptor(key, session.backend));
  const LayoutShape layout = make_plan({}, client, images.count(), session.backend).layout;
  const Stopwatch query_time;
  const Bytes query = make_query(client, layout, images, session);
  trip.phases.push_back({"client", "encrypts", query_time.seconds(), size_text(query.size())});
  const Stopwatch reply_time;
  const Bytes reply = make_reply(server, query, images.count(), session);
  trip.phases.push_back({"server", "evaluates", reply_time.seconds(), size_text(reply.size())});
  const Stopwatch answer_time;
  trip.answers = read_reply(spec, key, reply, images.count(), session);
  trip.phases.push_back({"client", "decrypts", answer_time.seconds(), ""});
  return trip;
}

std::size_t count_equal_to_clear(const CompiledModel& model, const ModelInputs& images,
                                 const Answers& answers) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (model.predict(images.encoded(i)) == answers[i]) ++equal;
  }
  return equal;
}

// The scores of one image with bars that run from the lowest to the highest.
void print_scores(const ClientSpec& spec, const std::vector<std::int64_t>& integers) {
  const std::vector<double> scores = spec.scores(integers);
  const auto [lowest, highest] = std::minmax_element(scores.begin(), scores.end());
  const double span = *highest > *lowest ? *highest - *lowest : 1.0;
  std::size_t width = 0;
  for (const std::string& label : spec.labels) width = std::max(width, label.size());
  for (std::size_t k = 0; k < scores.size(); ++k) {
    std::cout << "  " << std::setw(static_cast<int>(width)) << spec.labels.at(k) << std::setw(10)
              << std::fixed << std::setprecision(3) << scores[k] << "  "
              << text_bar((scores[k] - *lowest) / span, kBarWidth) << '\n';
  }
}

void print_phases(const std::vector<Phase>& phases) {
  for (const Phase& phase : phases) {
    std::cout << "  " << std::left << std::setw(8) << phase.who << std::setw(28) << phase.what << std::right
              << std::setw(9) << std::fixed << std::setprecision(3) << phase.seconds << " s";
    if (!phase.sends.empty()) std::cout << "   sends " << phase.sends;
    std::cout << '\n';
  }
}

// One model at work on the samples.
struct Model {
  Server server;
  ClientSpec spec;
};

Model load(const fs::path& server, const fs::path& client, const Session& session) {
  return {Server(read_server_model(server), session.backend), read_client_spec(client)};
}

ModelInputs read_images(const fs::path& path, const ImageRange& range, const ClientSpec& spec) {
  InputOptions options;
  options.images = path;
  options.range = range;
  return {options, spec};
}

std::string title(const ClientSpec& spec) {
  const std::string inputs =
      std::to_string(spec.sent()) + " inputs of " + std::to_string(spec.encoding.bits) + " bits each";
  return spec.features == FeatureMap::none ? "Pixels: " + inputs
                                           : "Public features (\"" + std::string(name_of(spec.features)) +
                                                 "\", computed by the client): " + inputs;
}

// All samples through one model; gives back the integers of the first.
std::vector<std::int64_t> classify_samples(const Model& model, const SecretKey& key, const Samples& samples,
                                           const Session& session) {
  const auto& [path, range, labels] = samples;
  const ModelInputs images = read_images(path, range, model.spec);
  // The first image once by itself, as somebody with a single one would send it.
  const ModelInputs one = read_images(path, {range.first, range.first + 1}, model.spec);
  const RoundTrip alone = travel(model.spec, key, model.server, one, session);
  const RoundTrip trip = travel(model.spec, key, model.server, images, session);
  if (alone.answers.front() != trip.answers.front()) {
    throw Error(ErrorKind::fault, "an image alone has other integers than among others");
  }
  const std::size_t equal = count_equal_to_clear(model.server.model(), images, trip.answers);
  std::cout << title(model.spec) << '\n'
            << "  Images classified under encryption: " << images.count() << '\n'
            << "  Accuracy: " << share_text(count_right(model.spec, trip.answers, labels), images.count())
            << '\n'
            << "  Integers equal to those calculated in the clear: " << share_text(equal, images.count())
            << "\n\n  The first image alone:\n";
  print_phases(alone.phases);
  std::cout << "\n  All of them:\n";
  print_phases(trip.phases);
  std::cout << '\n';
  if (equal != images.count()) {
    throw Error(ErrorKind::fault, "the encrypted calculation gave other integers than the one in the clear");
  }
  return trip.answers.front();
}

// The drawn photographs that come along, digit-3.png and the like, all in one query.
void classify_photographs(const Model& model, const SecretKey& key, const fs::path& folder,
                          const Session& session) {
  InputOptions options;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".png") options.photographs.push_back(entry.path());
  }
  if (options.photographs.empty()) return;
  std::sort(options.photographs.begin(), options.photographs.end());
  const ModelInputs images(options, model.spec);
  const RoundTrip trip = travel(model.spec, key, model.server, images, session);
  std::cout << "Photographs, by the last model:\n";
  for (std::size_t i = 0; i < images.count(); ++i) {
    if (model.server.model().predict(images.encoded(i)) != trip.answers[i]) {
      throw Error(ErrorKind::fault,
                  "the encrypted calculation gave other integers than the one in the clear");
    }
    const std::size_t choice = model.spec.classify(trip.answers[i]);
    std::cout << "  " << std::left << std::setw(20) << options.photographs[i].filename().string()
              << std::right << model.spec.labels.at(choice) << '\n';
  }
}

void run(const Options& options, const Session& session) {
  const fs::path folder = options.folder.empty() ? default_folder() : options.folder;
  const auto choose = [&](const fs::path& asked, const char* name) {
    return asked.empty() ? folder / name : asked;
  };
  std::vector<Model> models;
  models.push_back(
      load(choose(options.model, "digits.server"), choose(options.spec, "digits.client"), session));
  if (options.model.empty()) {
    models.push_back(load(folder / "digits-gradients.server", folder / "digits-gradients.client", session));
  }
  Samples samples;
  samples.images = choose(options.images, "digits-images-idx3-ubyte.gz");
  samples.range =
      options.range.value_or(ImageRange{0, std::min(read_idx_images(samples.images).count, kMostImages)});
  const ModelInputs images = read_images(samples.images, samples.range, models.front().spec);
  const fs::path labels_path = choose(options.labels, "digits-labels-idx1-ubyte.gz");
  samples.labels =
      read_true_answers(labels_path, {}, samples.range, images.count(), models.front().spec).classes;
  if (options.bits < kSecureKeyBits) {
    std::cerr << "opaline: warning: a key of " << options.bits << " bits is for tests only\n";
  }

  const Stopwatch key_time;
  const SecretKey key = SecretKey::generate(options.bits);
  std::cout << "A key of " << options.bits << " bits: " << std::fixed << std::setprecision(3)
            << key_time.seconds() << " s\n\nWhat the client has, and the server never sees:\n\n"
            << text_art(images.pixels(0), images.images()->rows, images.images()->columns) << '\n';
  std::vector<std::int64_t> first;
  for (const Model& model : models) first = classify_samples(model, key, samples, session);
  const ClientSpec& spec = models.back().spec;
  std::cout << "Decrypted scores of the first image:\n\n";
  print_scores(spec, first);
  std::cout << "\nAnswer: " << spec.labels.at(spec.classify(first)) << "   (label: " << samples.labels.front()
            << ")\n\n";
  if (options.model.empty()) classify_photographs(models.back(), key, folder, session);
}

}  // namespace

Action define_demo(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  add_key_bits_option(command, options->bits);
  command.add_option("--demo-folder", options->folder, "Where the model and the sample digits are")
      ->check(CLI::ExistingDirectory)
      ->type_name("FOLDER");
  CLI::Option* model =
      command.add_option("--model", options->model, "Another NAME.server")->type_name("FILE");
  CLI::Option* spec = command.add_option("--spec", options->spec, "Its NAME.client")->type_name("FILE");
  CLI::Option* images =
      command.add_option("--images", options->images, "Other images, such as MNIST's own, IDX")
          ->type_name("FILE");
  CLI::Option* labels =
      command.add_option("--labels", options->labels, "Their classes, IDX")->type_name("FILE");
  model->needs(spec);
  spec->needs(model);
  images->needs(labels);
  labels->needs(images);
  add_range_option(command, options->range,
                   "Only these images, counted from 0; default: all, or the first 1000 of more");
  add_examples(command, {"opaline demo",
                         "opaline demo --bits 2048 --images t10k-images-idx3-ubyte.gz --labels "
                         "t10k-labels-idx1-ubyte.gz --range 0:500"});
  return [options](const Session& session) { run(*options, session); };
}

}  // namespace opaline::tools
