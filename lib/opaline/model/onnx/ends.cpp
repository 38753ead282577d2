#include "opaline/model/onnx/ends.h"

#include "opaline/base/error.h"
#include "opaline/model/onnx/quoted.h"

namespace opaline::network {
namespace {

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::unsupported_model, why); }

End end_of(const NamedValue& output) {
  if (const auto* x = std::get_if<Variable>(&output.value)) return {*x, OutputActivation::none, {}};
  if (const auto* finished = std::get_if<Finished>(&output.value)) {
    return {finished->logits, finished->activation, finished->labels};
  }
  refuse("the output " + quoted(output.name) + " does not depend on the input; take it out of the network");
}

bool are_probabilities(OutputActivation activation) {
  return activation != OutputActivation::none && activation != OutputActivation::argmax;
}

}  // namespace

End common_end(std::span<const NamedValue> outputs) {
  End end = end_of(outputs.front());
  for (const NamedValue& output : outputs.subspan(1)) {
    const End other = end_of(output);
    const std::string both = "the outputs " + quoted(outputs.front().name) + " and " + quoted(output.name);
    if (other.logits.id != end.logits.id) {
      refuse(both +
             " are made of different tensors; a network needs one, of which the client makes the rest");
    }
    if (!end.labels.empty() && !other.labels.empty() && end.labels != other.labels) {
      refuse(both + " name the classes differently; keep one of them");
    }
    if (end.labels.empty()) end.labels = other.labels;
    if (are_probabilities(end.activation)) {
      const bool is_other_sort =
          are_probabilities(other.activation) &&
          (other.activation == OutputActivation::sigmoid) != (end.activation == OutputActivation::sigmoid);
      if (is_other_sort) refuse(both + " are probabilities of different sorts; keep one of them");
    } else if (are_probabilities(other.activation) || other.activation == OutputActivation::none) {
      end.activation = other.activation;
    }
  }
  return end;
}

}  // namespace opaline::network
