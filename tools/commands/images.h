#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <vector>

#include "commands/options.h"
#include "opaline/inference/client.h"
#include "opaline/model/compiled_model.h"
#include "opaline/model/dataset.h"

namespace opaline::tools {

/// Images of an IDX file as the inputs of a model.
class ModelImages {
 public:
  /// All images of the file, or a range of them. Error(out_of_range) if the range leaves the file,
  /// Error(invalid_argument) if there are none or they have not the model's number of pixels; both name the
  /// file.
  ModelImages(const std::filesystem::path& path, const std::optional<ImageRange>& range, ClientSpec spec);

  std::size_t count() const { return range_.last - range_.first; }
  std::size_t rows() const { return images_.rows; }
  std::size_t columns() const { return images_.columns; }
  std::span<const std::uint8_t> pixels(std::size_t i) const { return images_[range_.first + i]; }

  /// SHA-256 over all pixels of the range.
  Digest digest() const;

  /// The integers of image i of the range; errors name the file and the image.
  EncodedInput encoded(std::size_t i) const;

 private:
  std::filesystem::path path_;
  ClientSpec spec_;
  ImageSet images_;
  ImageRange range_;
};

/// The labels of `count` images that begin at the range's first, or at the file's. Error(out_of_range),
/// naming the file, if there are too few.
std::vector<std::uint8_t> read_labels(const std::filesystem::path& path,
                                      const std::optional<ImageRange>& range, std::size_t count);

}  // namespace opaline::tools
