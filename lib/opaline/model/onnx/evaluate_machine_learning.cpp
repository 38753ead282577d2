#include <algorithm>

#include "opaline/model/onnx/evaluate_call.h"
#include "opaline/model/onnx/evaluate_cast.h"

/// Operators of the domain ai.onnx.ml.
namespace opaline::network::evaluation {
namespace {

/// Rows of features, which may be whole numbers; one row if there is one axis only.
struct Features {
  std::size_t rows;
  std::size_t columns;
  Numbers values;
};

Features features(const Call& call) {
  const Tensor& input = call.input(0);
  if (input.shape.empty() || input.shape.size() > 2) {
    call.refuse("its input of shape " + to_string(input.shape) + " is no row of features");
  }
  const std::size_t rows = input.shape.size() == 1 ? 1 : input.shape[0];
  return {rows, input.shape.back(), std::get<Numbers>(as_numbers(input).values)};
}

/// (x - offset) · scale, each given once or once a feature.
Outputs scaler(const Call& call) {
  Features rows = features(call);
  const Numbers offset = call.number_list("offset").value_or(Numbers{0.0});
  const Numbers scale = call.number_list("scale").value_or(Numbers{1.0});
  for (const Numbers* const list : {&offset, &scale}) {
    if (list->size() != 1 && list->size() != rows.columns)
      call.damaged("it needs one offset and scale a feature");
  }
  call.work({rows.values.size()});
  for (std::size_t i = 0; i < rows.values.size(); ++i) {
    const std::size_t column = i % rows.columns;
    rows.values[i] =
        (rows.values[i] - offset[offset.size() == 1 ? 0 : column]) * scale[scale.size() == 1 ? 0 : column];
  }
  return one({call.input(0).shape, std::move(rows.values)});
}

/// Row by row, one score a row of coefficients: Σ coefficient · feature + intercept.
Tensor scores(const Call& call, std::size_t count) {
  const Features rows = features(call);
  const Numbers coefficients = call.number_list("coefficients").value_or(Numbers{});
  const Numbers intercepts = call.number_list("intercepts").value_or(Numbers(count, 0.0));
  if (count == 0 || intercepts.size() != count || coefficients.size() / count != rows.columns ||
      coefficients.size() % count != 0) {
    call.damaged(std::to_string(coefficients.size()) + " coefficients and " +
                 std::to_string(intercepts.size()) + " intercepts do not fit " +
                 std::to_string(rows.columns) + " features and " + std::to_string(count) + " scores");
  }
  const Shape shape{rows.rows, count};
  Numbers values(call.count(shape));
  call.work({rows.rows, count, rows.columns});
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double* const weights = coefficients.data() + i % count * rows.columns;
    const double* const row = rows.values.data() + i / count * rows.columns;
    values[i] = intercepts[i % count];
    for (std::size_t k = 0; k < rows.columns; ++k) values[i] += weights[k] * row[k];
  }
  return {shape, std::move(values)};
}

Outputs linear_regressor(const Call& call) {
  if (call.text("post_transform", "NONE") != "NONE") call.refuse("its post_transform has to be NONE");
  return one(scores(call, call.dimension(call.integer("targets", 1))));
}

/// The place of the class rather than its label, and the scores as they are before multi_class and
/// post_transform. A single row of coefficients tells class 1 (score above 0) from class 0.
Outputs linear_classifier(const Call& call) {
  const auto intercepts = call.number_list("intercepts");
  const auto coefficients = call.number_list("coefficients");
  if (!coefficients) call.damaged("it lacks its coefficients");
  const std::size_t columns = features(call).columns;
  if (!intercepts && columns == 0) call.damaged("it has neither intercepts nor features");
  Tensor raw = scores(call, intercepts ? intercepts->size() : coefficients->size() / columns);
  const Numbers& values = std::get<Numbers>(raw.values);
  const std::size_t classes = raw.shape[1];
  Integers labels(raw.shape[0]);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto row = values.begin() + to_signed(i * classes);
    labels[i] = classes == 1 ? (*row > 0.0 ? 1 : 0) : std::max_element(row, row + to_signed(classes)) - row;
  }
  Outputs outputs = one({{raw.shape[0]}, std::move(labels)});
  outputs.push_back(std::move(raw));
  return outputs;
}

}  // namespace

const std::vector<Operator>& machine_learning_operators() {
  static const std::vector<Operator> table{
      {"Scaler", 1, 1, {"offset", "scale"}, scaler},
      {"LinearRegressor",
       1,
       1,
       {"coefficients", "intercepts", "post_transform", "targets"},
       linear_regressor},
      {"LinearClassifier",
       1,
       1,
       {"classlabels_ints", "classlabels_strings", "coefficients", "intercepts", "multi_class",
        "post_transform"},
       linear_classifier},
  };
  return table;
}

}  // namespace opaline::network::evaluation
