#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "commands/command.h"
#include "opaline/model/onnx_network.h"
#include "opaline/model/quantise.h"

namespace opaline::tools {

/// What `compile` says of a model: shape, bits, certificate, how well the integers do, and for keys of 2048
/// and 3072 bits what each layout takes and is predicted to take on this machine. Ready for print_report.
nlohmann::ordered_json compile_report(const ImportedNetwork& network, const QuantisedModel& compiled,
                                      const Session& session);

/// The same as one HTML page that needs nothing else, with the confusion matrix and a histogram of the
/// margins as pictures (SVG).
std::string html_report(const nlohmann::ordered_json& report, const QuantisedModel& compiled);

}  // namespace opaline::tools
