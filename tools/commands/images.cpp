#include "commands/images.h"

#include <string>
#include <utility>

#include "opaline/base/error.h"

namespace opaline::tools {

ModelImages::ModelImages(const std::filesystem::path& path, const std::optional<ImageRange>& range,
                         ClientSpec spec)
    : path_(path), spec_(std::move(spec)), images_(read_idx_images(path)) {
  range_ = range.value_or(ImageRange{0, images_.count});
  if (images_.count == 0) throw Error(ErrorKind::invalid_argument, path.string() + ": has no images");
  if (range_.last > images_.count) {
    throw Error(ErrorKind::out_of_range, path.string() + ": has " + std::to_string(images_.count) +
                                             " images, so --range can end at no more than that");
  }
  if (images_.image_size() != spec_.inputs) {
    throw Error(ErrorKind::invalid_argument,
                path.string() + ": its images have " + std::to_string(images_.rows) + " x " +
                    std::to_string(images_.columns) + " pixels, but the model takes " +
                    std::to_string(spec_.inputs) + " numbers");
  }
}

Digest ModelImages::digest() const {
  Bytes all;
  for (std::size_t i = 0; i < count(); ++i) {
    const Digest one = sha256(ByteView(pixels(i)));
    all.insert(all.end(), one.begin(), one.end());
  }
  return sha256(all);
}

EncodedInput ModelImages::encoded(std::size_t i) const {
  try {
    return spec_.encode_pixels(pixels(i));
  } catch (const Error& error) {
    throw Error(error.kind(),
                path_.string() + ": image " + std::to_string(range_.first + i) + ": " + error.what());
  }
}

std::vector<std::uint8_t> read_labels(const std::filesystem::path& path,
                                      const std::optional<ImageRange>& range, std::size_t count) {
  const std::vector<std::uint8_t> labels = read_idx_labels(path);
  const std::size_t first = range ? range->first : 0;
  if (first > labels.size() || count > labels.size() - first) {
    throw Error(ErrorKind::out_of_range, path.string() + ": has " + std::to_string(labels.size()) +
                                             " labels, too few for images " + std::to_string(first) + " to " +
                                             std::to_string(first + count));
  }
  const auto begin = labels.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

}  // namespace opaline::tools
