// Draws sample digits as pen strokes: every hand writes each digit once, and the sheets are shuffled. Equal
// seeds draw equal digits. Or draws a few as photographs.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <utility>

#include "digit_photograph.h"
#include "digit_strokes.h"
#include "handwriting.h"
#include "opaline/model/dataset.h"
#include "opaline/model/seeded_random.h"

namespace {

using namespace opaline;

constexpr std::size_t kDigits = 10;

struct Sample {
  DigitImage image{};
  std::uint8_t label = 0;
};

std::vector<Sample> draw_samples(std::size_t hands, std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<Sample> samples;
  for (std::size_t i = 0; i < hands; ++i) {
    const Hand hand(random);
    for (std::size_t digit = 0; digit < kDigits; ++digit) {
      const std::vector<PenStroke> strokes = choose_digit_strokes(digit, random);
      samples.push_back({draw(strokes, hand, random), static_cast<std::uint8_t>(digit)});
    }
  }
  random.shuffle(samples);
  return samples;
}

void write_samples(const std::vector<Sample>& samples, const std::filesystem::path& images_path,
                   const std::filesystem::path& labels_path) {
  ImageSet images{samples.size(), kDigitSide, kDigitSide, {}};
  std::vector<std::uint8_t> labels;
  for (const Sample& sample : samples) {
    images.pixels.insert(images.pixels.end(), sample.image.begin(), sample.image.end());
    labels.push_back(sample.label);
  }
  write_idx_images(images_path, images);
  write_idx_labels(labels_path, labels);
}

// Five digits, the last in chalk.
void write_photographs(const std::filesystem::path& folder, std::uint64_t seed) {
  SeededRandom random(seed);
  for (const std::size_t digit : {2U, 3U, 5U, 7U, 9U}) {
    const Writing writing = digit == 9 ? Writing::chalk_on_board : Writing::pen_on_paper;
    write_png(folder / ("digit-" + std::to_string(digit) + ".png"),
              photograph_of_digit(digit, writing, random));
  }
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app(
      "Draws digits as pen strokes with varying hands, as IDX files of 28×28 pixels or as photographs");
  std::filesystem::path images;
  std::filesystem::path labels;
  std::filesystem::path photographs;
  std::size_t hands = 20;
  std::uint64_t seed = 1;
  CLI::Option_group* output = app.add_option_group("what is drawn");
  output->require_option(1, 2);
  CLI::Option* images_option =
      output->add_option("--images", images, "IDX file of images to write (gzip if it ends in .gz)");
  CLI::Option* labels_option = output->add_option("--labels", labels, "IDX file of labels to write");
  images_option->needs(labels_option);
  labels_option->needs(images_option);
  output->add_option("--photographs", photographs, "folder for digit-2.png, digit-3.png, … instead")
      ->check(CLI::ExistingDirectory)
      ->excludes(images_option);
  app.add_option("--hands", hands, "hands, each of which writes the ten digits once")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  app.add_option("--seed", seed, "decides every digit")->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (!photographs.empty()) write_photographs(photographs, seed);
  if (!images.empty()) write_samples(draw_samples(hands, seed), images, labels);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "opaline_draw_digits: %s\n", error.what());
  return 1;
}
