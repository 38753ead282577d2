#include <algorithm>
#include <utility>

#include "opaline/model/onnx/client_nodes.h"
#include "opaline/model/onnx/operators.h"
#include "opaline/model/onnx/quoted.h"

/// The domain ai.onnx.ml, as scikit-learn's models are exported.
namespace opaline::network {
namespace {

/// Rows and columns of a table; a single row may lack its dimension.
std::pair<std::size_t, std::size_t> table_of(const Node& node) {
  const Shape& shape = node.need_variable(0).shape;
  if (shape.empty() || shape.size() > 2) node.refuse("takes a row or a table of numbers");
  return {shape.size() == 2 ? shape[0] : 1, shape.back()};
}

Values scaler(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  const std::size_t columns = table_of(node).second;
  const auto read = [&](const char* name, double otherwise) {
    std::vector<double> values = node.numbers(name);
    if (values.empty()) values = {otherwise};
    if (values.size() != 1 && values.size() != columns) {
      node.refuse(quoted(name) + " has to have 1 number or " + std::to_string(columns));
    }
    if (values.size() == 1) values.assign(columns, values[0]);
    return values;
  };
  pass.keep(node, 2 * columns);
  std::vector<double> scale = read("scale", 1.0);
  std::vector<double> shift = read("offset", 0.0);
  for (std::size_t i = 0; i < columns; ++i) shift[i] *= -scale[i];
  const Strides all = in_order(x.shape);
  const Strides by_column = broadcast({columns}, x.shape);
  return {pass.make(
      node, x.shape,
      {variable_step(x.shape, all, x, all, {1.0, make_constant({columns}, std::move(scale)), by_column}),
       constant_step(x.shape, all, {1.0, make_constant({columns}, std::move(shift)), by_column})})};
}

/// x · coefficientsᵀ + intercepts, `targets` numbers a row.
Variable scores(const Node& node, ForwardPass& pass, std::size_t targets) {
  const Variable& x = node.need_variable(0);
  const auto [rows, columns] = table_of(node);
  std::vector<double> coefficients = node.numbers("coefficients");
  std::vector<double> intercepts = node.numbers("intercepts");
  if (targets < 1 || coefficients.size() / columns != targets || coefficients.size() % columns != 0) {
    node.refuse("has " + std::to_string(coefficients.size()) + " coefficients, where " +
                std::to_string(targets) + " rows of " + std::to_string(columns) + " are needed");
  }
  if (!intercepts.empty() && intercepts.size() != targets) {
    node.refuse("has " + std::to_string(intercepts.size()) + " intercepts, where " + std::to_string(targets) +
                " are needed");
  }
  const Shape shape = {rows, targets};
  const auto step = [](std::size_t size) { return static_cast<std::ptrdiff_t>(size); };
  const Shape walked = {rows, targets, columns};
  std::vector<Step> steps = {variable_step(
      walked, {0, {step(targets), 1, 0}}, x, {0, {step(columns), 0, 1}},
      {1.0, make_constant({targets, columns}, std::move(coefficients)), {0, {0, step(columns), 1}}})};
  if (!intercepts.empty()) {
    steps.push_back(constant_step(shape, in_order(shape),
                                  {1.0, make_constant({targets}, std::move(intercepts)), {0, {0, 1}}}));
  }
  return pass.make(node, shape, std::move(steps));
}

std::string post_transform(const Node& node) { return node.text("post_transform", "NONE"); }

Values linear_regressor(const Node& node, ForwardPass& pass) {
  if (post_transform(node) != "NONE") {
    node.refuse("its post_transform " + quoted(post_transform(node)) +
                " is not affine; export the model with NONE and apply it to the answers");
  }
  const std::int64_t targets = node.integer("targets", 1);
  if (targets < 1) node.refuse("needs at least one target");
  return {scores(node, pass, static_cast<std::size_t>(targets))};
}

Values linear_classifier(const Node& node, ForwardPass& pass) {
  if (node.proto().output_size() != 2 || node.proto().output(1).empty()) {
    node.refuse("needs two outputs, the label and the scores");
  }
  const std::vector<std::string> labels = class_labels(node, "classlabels_strings", "classlabels_ints");
  const std::size_t columns = table_of(node).second;
  const std::size_t rows = node.numbers("coefficients").size() / columns;
  const bool is_binary = rows == 1 && labels.size() == 2;
  if (!is_binary && labels.size() != rows) {
    node.refuse("has " + std::to_string(rows) + " rows of coefficients for " + std::to_string(labels.size()) +
                " class labels");
  }
  const std::string transform = post_transform(node);
  OutputActivation activation = OutputActivation::none;
  if (transform == "LOGISTIC" || (transform == "NONE" && is_binary)) {
    activation = OutputActivation::sigmoid;
  } else if (transform == "SOFTMAX" && !is_binary) {
    activation = OutputActivation::softmax;
  } else if (transform != "NONE") {
    node.refuse(
        "its post_transform " + quoted(transform) +
        " is not supported here; export the model with NONE, LOGISTIC or, for several classes, SOFTMAX");
  }
  const Variable logits = scores(node, pass, rows);
  if (element_count(logits.shape) != rows) node.refuse("has to classify one row at a time");
  Finished label{logits, {1}, is_binary ? activation : OutputActivation::argmax, labels, node.title()};
  if (activation == OutputActivation::none) return {std::move(label), logits};
  return {std::move(label), Finished{logits, {1, labels.size()}, activation, labels, node.title()}};
}

}  // namespace

const std::vector<Operator>& machine_learning_operators() {
  static const std::vector<Operator> kTable = {
      {"LinearClassifier",
       1,
       1,
       {"classlabels_ints", "classlabels_strings", "coefficients", "intercepts", "multi_class",
        "post_transform"},
       linear_classifier},
      {"LinearRegressor",
       1,
       1,
       {"coefficients", "intercepts", "post_transform", "targets"},
       linear_regressor},
      {"Scaler", 1, 1, {"offset", "scale"}, scaler},
      {"ZipMap", 1, 1, {"classlabels_int64s", "classlabels_strings"}, zip_map},
  };
  return kTable;
}

}  // namespace opaline::network
