#pragma once

#include <string>

#include "support/temporary_folder.h"

namespace opaline::test {

/// One of every file there is, made by the opaline command itself from drawn shapes of three classes:
/// alice.key, alice.pub, images.idx, images.idx.gz, labels.idx, labels.idx.gz, net.onnx, shapes.server,
/// shapes.client, q.query, r.reply. Made once a program and small, so that tests are quick.
class Workshop {
 public:
  static constexpr std::size_t kImages = 60;
  static constexpr std::size_t kSide = 6;  ///< an image is kSide × kSide
  static constexpr std::size_t kClasses = 3;

  Workshop();
  std::string operator/(const std::string& name) const { return (folder_ / name).string(); }

 private:
  TemporaryFolder folder_;
};

const Workshop& workshop();

}  // namespace opaline::test
