#include "commands/inputs.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <iostream>
#include <string>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/model/data/photograph.h"

namespace opaline::tools {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::invalid_argument, path.string() + ": " + why);
}

std::string list(const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kShown); ++i) {
    text += (i == 0 ? "\"" : ", \"") + names[i] + "\"";
  }
  return names.size() > kShown ? text + " and " + std::to_string(names.size() - kShown) + " more" : text;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Photographs one after another, each as one image of MNIST's kind.
ImageSet read_photographs(const std::vector<fs::path>& paths) {
  ImageSet images;
  for (const fs::path& path : paths) {
    const ImageSet one = [&] {
      try {
        return digit_from(read_png(path));
      } catch (const Error& error) {
        const std::string text = error.what();
        const bool named = text.rfind(path.string(), 0) == 0;
        throw Error(error.kind(), named ? text : path.string() + ": " + text);
      }
    }();
    images.rows = one.rows;
    images.columns = one.columns;
    images.pixels.insert(images.pixels.end(), one.pixels.begin(), one.pixels.end());
    ++images.count;
  }
  return images;
}

struct TableRows {
  CalibrationSet values;
  std::vector<std::size_t> lines;
};

TableRows read_rows(const fs::path& path, const ClientSpec& spec, const std::vector<std::string>& ignored) {
  if (spec.features != FeatureMap::none) {
    refuse(path, "the model takes features of images, so it needs --images or --image, not a table");
  }
  const Table table = Table::read(path, spec.columns);
  CalibrationSet rows;
  rows.count = table.rows();
  rows.inputs = spec.inputs;
  rows.values = table.numbers(input_positions(table, path.string(), spec, ignored));
  return {std::move(rows), table.lines()};
}

bool is_idx(const fs::path& path) {
  FileReader file(path);
  std::array<std::uint8_t, 3> start{};
  if (file.left() < start.size()) return false;
  file.read(start);
  return (start[0] == 0x1f && start[1] == 0x8b) || (start[0] == 0 && start[1] == 0 && start[2] == 8);
}

/// The columns of a table that hold the true answers.
std::vector<std::size_t> answer_positions(const Table& table, const std::vector<std::string>& columns,
                                          const ClientSpec& spec) {
  std::vector<std::size_t> positions;
  if (columns.empty() && table.width() == 1) return {0};
  for (const std::string& column : columns.empty() ? spec.answers : columns) {
    positions.push_back(table.position(column));
  }
  return positions;
}

std::uint16_t class_of(const std::string& text, const ClientSpec& spec, const fs::path& path) {
  const auto found = std::find(spec.labels.begin(), spec.labels.end(), text);
  if (found == spec.labels.end()) {
    refuse(path, "\"" + text + "\" is no class of the model, which knows " + list(spec.labels));
  }
  return static_cast<std::uint16_t>(found - spec.labels.begin());
}

void need_rows(const fs::path& path, std::size_t first, std::size_t count, std::size_t there) {
  if (first > there || count > there - first) {
    throw Error(ErrorKind::out_of_range, path.string() + ": has " + std::to_string(there) +
                                             " labels, too few for images " + std::to_string(first) + " to " +
                                             std::to_string(first + count));
  }
}

}  // namespace

void add_input_options(CLI::App& command, InputOptions& options) {
  CLI::Option_group* inputs = command.add_option_group("inputs", "What to classify");
  inputs->add_option("--images", options.images, "Images, IDX, plain or gzip")->type_name("FILE");
  inputs
      ->add_option(
          "--image", options.photographs,
          "Photograph of a digit, PNG of any size, dark on light or light on dark; centred and scaled as "
          "MNIST's are. Several: --image A.png B.png")
      ->type_name("FILE...");
  CLI::Option* table =
      inputs->add_option("--csv", options.table, "Table, CSV with a header or .npy: one input a row")
          ->type_name("FILE");
  inputs->require_option(1);
  command
      .add_option_function<std::string>(
          "--ignore-columns",
          [&options](const std::string& text) { options.ignored_columns = parse_labels(text); },
          "Columns of the table that are none of the model's")
      ->needs(table)
      ->type_name("NAME,...");
  add_range_option(command, options.range, "Only these inputs, counted from 0; the end is left out");
}

std::vector<std::size_t> input_positions(const Table& table, const std::string& name, const ClientSpec& spec,
                                         const std::vector<std::string>& ignored) {
  std::vector<std::string> missing;
  std::vector<std::string> surplus;
  std::vector<std::size_t> positions;
  const std::vector<std::string>& columns = table.columns();
  for (const std::string& column : ignored) static_cast<void>(table.position(column));
  const auto is_other = [&](const std::string& column) {
    return contains(ignored, column) || contains(spec.answers, column);
  };
  if (columns.empty() || spec.columns.empty()) {
    for (std::size_t i = 0; i < table.width(); ++i) {
      if (columns.empty() || !is_other(columns[i])) positions.push_back(i);
    }
    if (positions.size() != spec.inputs) {
      refuse(name, "has " + std::to_string(positions.size()) + " columns, but the model takes " +
                       std::to_string(spec.inputs) + " numbers; leave others out with --ignore-columns");
    }
    return positions;
  }
  for (const std::string& column : spec.columns) {
    if (contains(columns, column)) {
      positions.push_back(table.position(column));
    } else {
      missing.push_back(column);
    }
  }
  for (const std::string& column : columns) {
    if (!contains(spec.columns, column) && !is_other(column)) surplus.push_back(column);
  }
  if (!missing.empty()) {
    refuse(name, "line 1: the model needs the " + std::string(missing.size() == 1 ? "column " : "columns ") +
                     list(missing) + (surplus.empty() ? "" : "; it does not know " + list(surplus)));
  }
  if (!surplus.empty()) {
    refuse(name, "line 1: the model does not know the " +
                     std::string(surplus.size() == 1 ? "column " : "columns ") + list(surplus) +
                     "; leave them out, or pass them to --ignore-columns");
  }
  return positions;
}

ModelInputs::ModelInputs(const InputOptions& options, ClientSpec spec) : spec_(std::move(spec)) {
  std::size_t count = 0;
  if (!options.table.empty()) {
    files_ = {options.table};
    TableRows rows = read_rows(options.table, spec_, options.ignored_columns);
    count = rows.values.count;
    inputs_ = std::move(rows.values);
    lines_ = std::move(rows.lines);
  } else {
    files_ = options.images.empty() ? options.photographs : std::vector{options.images};
    ImageSet images =
        options.images.empty() ? read_photographs(options.photographs) : read_idx_images(options.images);
    count = images.count;
    if (count > 0 && images.image_size() != spec_.image_size()) {
      const std::size_t inputs = spec_.image_size();
      refuse(files_.front(), "its images have " + std::to_string(images.rows) + " x " +
                                 std::to_string(images.columns) + " pixels, but the model takes " +
                                 std::to_string(inputs) + " numbers");
    }
    inputs_ = std::move(images);
  }
  if (count == 0) refuse(files_.front(), "has no images");
  range_ = options.range.value_or(ImageRange{0, count});
  if (range_.last > count) {
    throw Error(ErrorKind::out_of_range, files_.front().string() + ": has " + std::to_string(count) +
                                             (images() != nullptr ? " images" : " rows") +
                                             ", so --range can end at no more than that");
  }
}

std::string ModelInputs::name_of(std::size_t i) const {
  if (files_.size() > 1) return files_[range_.first + i].string();
  const std::string file = files_.front().string();
  if (!lines_.empty()) return file + ": line " + std::to_string(lines_[range_.first + i]);
  return file + (images() != nullptr ? ": image " : ": row ") + std::to_string(range_.first + i);
}

Digest ModelInputs::digest() const {
  Bytes all;
  for (std::size_t i = 0; i < count(); ++i) {
    Digest one{};
    if (images() != nullptr) {
      one = sha256(ByteView(pixels(i)));
    } else {
      const auto values = std::get<CalibrationSet>(inputs_)[range_.first + i];
      one = sha256({reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()});
    }
    all.insert(all.end(), one.begin(), one.end());
  }
  return sha256(all);
}

EncodedInput ModelInputs::encoded(std::size_t i) const {
  try {
    return images() != nullptr ? spec_.encode_pixels(pixels(i))
                               : spec_.encode(std::get<CalibrationSet>(inputs_)[range_.first + i]);
  } catch (const Error& error) {
    throw Error(error.kind(), name_of(i) + ": " + error.what());
  }
}

void ModelInputs::warn_of_clipping() const {
  if (images() != nullptr || spec_.encoding.beyond == Beyond::refused) return;
  const CalibrationSet& rows = std::get<CalibrationSet>(inputs_);
  std::size_t clipped = 0;
  std::string first;
  for (std::size_t i = 0; i < count(); ++i) {
    const auto values = rows[range_.first + i];
    bool all_covered = true;
    for (std::size_t j = 0; j < values.size(); ++j) {
      if (spec_.encoding.covers(j, values[j])) continue;
      all_covered = false;
      if (first.empty()) {
        first = name_of(i) + (spec_.columns.empty() ? ", column " + std::to_string(j)
                                                    : ", column \"" + spec_.columns[j] + "\"");
      }
    }
    if (!all_covered) ++clipped;
  }
  if (clipped == 0) return;
  std::cerr << "opaline: warning: " << clipped << " of " << count()
            << " rows have numbers beyond the range the model was made for, which are taken as its end; the "
               "first is in "
            << first << '\n';
}

std::vector<std::uint8_t> read_labels(const fs::path& path, const std::optional<ImageRange>& range,
                                      std::size_t count) {
  const std::vector<std::uint8_t> labels = read_idx_labels(path);
  const std::size_t first = range ? range->first : 0;
  need_rows(path, first, count, labels.size());
  const auto begin = labels.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

TrueAnswers read_true_answers(const fs::path& path, const std::vector<std::string>& columns,
                              const std::optional<ImageRange>& range, std::size_t count,
                              const ClientSpec& spec) {
  TrueAnswers answers;
  if (is_idx(path)) {
    const std::vector<std::uint8_t> labels = read_labels(path, range, count);
    answers.classes.assign(labels.begin(), labels.end());
    return answers;
  }
  const Table table = Table::read(path, spec.columns);
  const std::size_t first = range ? range->first : 0;
  need_rows(path, first, count, table.rows());
  const std::vector<std::size_t> positions = answer_positions(table, columns, spec);
  const std::size_t wanted = spec.task == Task::regression ? spec.outputs : 1;
  if (positions.size() != wanted) {
    refuse(path, "say which " + std::string(wanted == 1 ? "column holds" : "columns hold") +
                     " the true answers: --label-column NAME");
  }
  const auto skipped = static_cast<std::ptrdiff_t>(first * wanted);
  const auto taken = static_cast<std::ptrdiff_t>(count * wanted);
  if (spec.task == Task::regression) {
    const std::vector<double> values = table.numbers(positions);
    answers.values.assign(values.begin() + skipped, values.begin() + skipped + taken);
    return answers;
  }
  const std::vector<std::string> texts = table.texts(positions.front());
  for (auto text = texts.begin() + skipped; text != texts.begin() + skipped + taken; ++text) {
    answers.classes.push_back(class_of(*text, spec, path));
  }
  return answers;
}

}  // namespace opaline::tools
