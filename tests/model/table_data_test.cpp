#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <numeric>

#include "opaline/model/table.h"
#include "support/data.h"

using namespace opaline;

namespace {

std::size_t count(const std::vector<std::string>& texts, const std::string& text) {
  return static_cast<std::size_t>(std::count(texts.begin(), texts.end(), text));
}

std::vector<double> all_numbers(const Table& table, std::size_t columns) {
  std::vector<std::size_t> positions(columns);
  std::iota(positions.begin(), positions.end(), 0U);
  return table.numbers(positions);
}

}  // namespace

TEST_CASE("UCI Wine is read as scikit-learn ships it") {
  const Table table = Table::read(test::data("wine/wine_data.csv"));
  CHECK(table.rows() == 178);
  CHECK(table.width() == 14);
  const std::vector<std::string> classes = table.texts(table.position("class"));
  CHECK(count(classes, "class_0") == 59);
  CHECK(count(classes, "class_1") == 71);
  CHECK(count(classes, "class_2") == 48);
  const std::vector<double> x = all_numbers(table, 13);
  CHECK(std::vector<double>(x.begin(), x.begin() + 3) == std::vector<double>{14.23, 1.71, 2.43});
  // The description beside it: alcohol from 11.0 to 14.8, mean 13.0.
  const std::vector<double> alcohol = table.numbers(std::vector<std::size_t>{table.position("x0")});
  CHECK(*std::max_element(alcohol.begin(), alcohol.end()) == Approx(14.8).margin(0.05));
  CHECK(*std::min_element(alcohol.begin(), alcohol.end()) == Approx(11.0).margin(0.05));
  CHECK(std::accumulate(alcohol.begin(), alcohol.end(), 0.0) / 178 == Approx(13.0).margin(0.05));
}

TEST_CASE("Wisconsin Diagnostic Breast Cancer is read as scikit-learn ships it") {
  const Table table = Table::read(test::data("wdbc/breast_cancer.csv"));
  CHECK(table.rows() == 569);
  CHECK(table.width() == 31);
  CHECK(all_numbers(table, 30).size() == 569U * 30U);
  const std::vector<std::string> classes = table.texts(table.position("class"));
  CHECK(count(classes, "malignant") == 212);
  CHECK(count(classes, "benign") == 357);
  CHECK(classes.front() == "malignant");
  CHECK(classes.back() == "benign");
}

TEST_CASE("Maps that NumPy wrote are read, and their two orders agree") {
  const auto shape = [](const char* name) {
    const Table table = Table::read(test::data(name));
    CHECK(all_numbers(table, table.width()).size() == table.rows() * table.width());
    return std::pair(table.rows(), table.width());
  };
  CHECK(shape("models/mnist_logreg.collapsed_W.npy") == std::pair<std::size_t, std::size_t>(10, 784));
  CHECK(shape("models/mnist_logreg.collapsed_b.npy") == std::pair<std::size_t, std::size_t>(1, 10));
  CHECK(shape("models/wdbc_logreg.collapsed_W.npy") == std::pair<std::size_t, std::size_t>(1, 30));
  CHECK(shape("models/wdbc_logreg.collapsed_b.npy") == std::pair<std::size_t, std::size_t>(1, 1));
}

TEST_CASE("A map and rows read as tables give the logits known from outside") {
  // wdbc_raw_features.csv has no header: scikit-learn's own file holds the same rows with one.
  const Table rows = Table::read(test::data("wdbc/breast_cancer.csv"));
  const std::vector<double> x = all_numbers(rows, 30);
  const std::vector<double> w =
      all_numbers(Table::read(test::data("models/wdbc_logreg.collapsed_W.npy")), 30);
  const double bias = all_numbers(Table::read(test::data("models/wdbc_logreg.collapsed_b.npy")), 1)[0];
  const auto logit = [&](std::ptrdiff_t row) {
    return std::inner_product(w.begin(), w.end(), x.begin() + 30 * row, bias);
  };
  CHECK(logit(0) == Approx(-19.980015463277756).epsilon(1e-9));
  CHECK(logit(1) == Approx(-10.250242822560432).epsilon(1e-9));
}
