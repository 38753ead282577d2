#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "opaline/model/features.h"
#include "opaline/model/input_encoding.h"

namespace opaline {

/// What `opaline train` knows of a network beyond its weights and leaves in the ONNX file's metadata for
/// `opaline compile`: everything may be missing. Other producers' files have none.
struct NetworkNotes {
  FeatureMap features = FeatureMap::none;
  std::vector<std::string> columns;  ///< names of a table's input columns, one an input
  std::vector<std::string>
      answers;  ///< the table's columns that the network predicts: a client's table may have them
  std::vector<std::string> labels;  ///< names of the classes
  bool regression = false;          ///< the outputs are quantities, named by `answers`, not classes
  std::vector<InputRange> ranges;   ///< of the training data, one an input
};

/// The notes as ONNX metadata (keys "opaline.…", values JSON), and back. Keys of others are ignored.
/// Error(damaged) for values that cannot be read or sizes beyond the limits of a model.
std::map<std::string, std::string> notes_to_metadata(const NetworkNotes& notes);
NetworkNotes notes_from_metadata(const std::map<std::string, std::string>& metadata);

}  // namespace opaline
