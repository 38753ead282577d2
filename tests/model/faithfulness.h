#pragma once

#include <catch2/catch.hpp>
#include <filesystem>

#include "camera.h"
#include "opaline/base/file.h"
#include "opaline/model/compiled_model.h"
#include "opaline/model/photograph.h"

namespace opaline::test {

inline std::filesystem::path demo(const char* name) {
  return std::filesystem::path(OPALINE_TEST_DEMO) / name;
}

/// The model that comes along with the demonstration.
class DemoModel {
 public:
  std::size_t class_of(std::span<const std::uint8_t> image) const {
    const ClientSpec& spec = model_.client_spec();
    return spec.classify(model_.predict(spec.encode_pixels(image)));
  }

 private:
  CompiledModel model_ =
      CompiledModel::parse(read_file(demo("digits.server"), kServerFileLimit), "digits.server");
};

/// How many of the images keep the demonstration model's class when they are photographed, and how far they
/// are from themselves.
struct Faithfulness {
  std::size_t same_class = 0;
  double difference = 0;  ///< mean of the mean absolute differences, grey levels
};

template <typename ShotOf>
Faithfulness faithfulness(const ImageSet& images, const ShotOf& shot_of) {
  const DemoModel model;
  Faithfulness result;
  for (std::size_t i = 0; i < images.count; ++i) {
    const ImageSet again = digit_from(photograph(images[i], shot_of(i)));
    result.difference += mean_difference(again[0], images[i]) / static_cast<double>(images.count);
    result.same_class += model.class_of(again[0]) == model.class_of(images[i]) ? 1U : 0U;
  }
  UNSCOPED_INFO(result.same_class << " of " << images.count << " keep their class, difference "
                                  << result.difference);
  return result;
}

}  // namespace opaline::test
