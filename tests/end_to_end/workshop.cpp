#include "end_to_end/workshop.h"

#include <cstdint>
#include <vector>

#include "end_to_end/program.h"
#include "opaline/model/data/dataset.h"
#include "opaline/model/training/seeded_random.h"

namespace opaline::test {
namespace {

// Bars that lie, stand or slant, with noise around them.
ImageSet draw_shapes(const std::vector<std::uint8_t>& labels) {
  constexpr std::size_t side = Workshop::kSide;
  SeededRandom random(7);
  ImageSet images{labels.size(), side, side, {}};
  for (const std::uint8_t label : labels) {
    const std::size_t place = random.below(side);
    for (std::size_t row = 0; row < side; ++row) {
      for (std::size_t column = 0; column < side; ++column) {
        const bool lit = label == 0 ? row == place : label == 1 ? column == place : row == column;
        images.pixels.push_back(static_cast<std::uint8_t>(lit ? 255 - random.below(56) : random.below(40)));
      }
    }
  }
  return images;
}

}  // namespace

Workshop::Workshop() {
  const Workshop& files = *this;
  std::vector<std::uint8_t> labels;
  for (std::size_t i = 0; i < kImages; ++i) labels.push_back(static_cast<std::uint8_t>(i % kClasses));
  const ImageSet images = draw_shapes(labels);
  for (const char* ending : {"", ".gz"}) {
    write_idx_images(files / "images.idx" + ending, images);
    write_idx_labels(files / "labels.idx" + ending, labels);
  }
  run_ok({"keygen", "--bits", "1024", "--output", files / "alice"});
  run_ok({"train", "--images", files / "images.idx", "--labels", files / "labels.idx", "--hidden", "5",
          "--epochs", "60", "--batch", "10", "--learning-rate", "0.02", "--output", files / "net.onnx"});
  run_ok({"compile", files / "net.onnx", "--output", files / "shapes"});
  run_ok({"encrypt", "--key", files / "alice.key", "--spec", files / "shapes.client", "--images",
          files / "images.idx", "--range", "0:4", "--output", files / "q.query"});
  run_ok({"evaluate", "--model", files / "shapes.server", "--output", files / "r.reply", files / "q.query"});
}

const Workshop& workshop() {
  static const Workshop made;
  return made;
}

}  // namespace opaline::test
