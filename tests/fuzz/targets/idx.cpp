#include "fuzz/gzip.h"
#include "fuzz/memory_file.h"
#include "fuzz/targets/targets.h"
#include "opaline/model/data/dataset.h"

namespace opaline::fuzz {
namespace {

constexpr std::size_t kFewBytes = std::size_t{1} << 20;

std::vector<Bytes> seeds() {
  const Bytes images = {0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2,  0,  0,
                        0, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  const Bytes labels = {0, 0, 8, 1, 0, 0, 0, 4, 3, 1, 4, 1};
  Bytes zeros = {0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 28, 0, 0, 0, 28};
  zeros.resize(16 + 4 * 28 * 28);
  return {images, labels, deflated(images, Wrapping::gzip), deflated(labels, Wrapping::gzip),
          deflated(zeros, Wrapping::gzip)};
}

void run(ByteView input) {
  const MemoryFile file(input);
  const bool gzip = input.size() >= 2 && input[0] == 0x1f && input[1] == 0x8b;
  const bool repack = !gzip && input.size() <= kFewBytes;
  accepted({ErrorKind::damaged, ErrorKind::too_large}, [&] {
    const ImageSet images = read_idx_images(file.path());
    require(images.pixels.size() == images.count * images.rows * images.columns, "there are all pixels");
    if (!repack) return;
    const MemoryFile packed(deflated(input, Wrapping::gzip));
    require(read_idx_images(packed.path()).pixels == images.pixels, "packed images are the same");
  });
  accepted({ErrorKind::damaged, ErrorKind::too_large}, [&] {
    const std::vector<std::uint8_t> labels = read_idx_labels(file.path());
    if (!repack) return;
    const MemoryFile packed(deflated(input, Wrapping::gzip));
    require(read_idx_labels(packed.path()) == labels, "packed labels are the same");
  });
}

// What is packed is changed in itself, or the packing around it is.
Bytes mutate(Bytes input, std::size_t limit, Mutator& mutator) {
  std::optional<Bytes> plain = mutator.one_in(4) ? std::nullopt : inflated(input, Wrapping::gzip, kFewBytes);
  if (!plain) {
    mutator.change(input, limit);
    return mutator.one_in(32) ? deflated(input, Wrapping::gzip) : input;
  }
  mutator.change(*plain, limit);
  return deflated(*plain, Wrapping::gzip);
}

}  // namespace

FuzzTarget idx_target() { return {"idx", seeds, run, mutate, 300}; }

}  // namespace opaline::fuzz
