#include "opaline/model/network_notes.h"

#include <catch2/catch.hpp>
#include <string>

#include "support/error_kind.h"

using namespace opaline;
using opaline::test::kind_of;

TEST_CASE("notes survive the way through metadata") {
  NetworkNotes notes;
  notes.features = FeatureMap::gradients;
  notes.columns = {"age", "\"weight\", kg", "größe"};
  notes.answers = {"class"};
  notes.labels = {"benign", "malignant"};
  notes.regression = true;
  notes.ranges = {{-1e-300, 0.1}, {3, 3}, {-5, 1e300}};
  const NetworkNotes again = notes_from_metadata(notes_to_metadata(notes));
  CHECK(again.features == notes.features);
  CHECK(again.columns == notes.columns);
  CHECK(again.answers == notes.answers);
  CHECK(again.labels == notes.labels);
  CHECK(again.regression);
  REQUIRE(again.ranges.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(again.ranges[i].lowest == notes.ranges[i].lowest);
    CHECK(again.ranges[i].highest == notes.ranges[i].highest);
  }
}

TEST_CASE("no notes make no metadata, and other producers' metadata no notes") {
  CHECK(notes_to_metadata({}).empty());
  const NetworkNotes notes = notes_from_metadata({{"author", "{"}, {"opalines", "[1"}});
  CHECK(notes.features == FeatureMap::none);
  CHECK(notes.columns.empty());
  CHECK(notes.ranges.empty());
  CHECK_FALSE(notes.regression);
}

TEST_CASE("notes that cannot be read are refused") {
  const std::pair<const char*, const char*> bad[] = {
      {"opaline.features", "sift"},        {"opaline.task", "clustering"},
      {"opaline.columns", "[\"a\""},       {"opaline.columns", "\"a\""},
      {"opaline.labels", "[1]"},           {"opaline.answers", "[[\"a\"]]"},
      {"opaline.ranges", "[1,2]"},         {"opaline.ranges", "[[1,2,3]]"},
      {"opaline.ranges", "[[\"a\",1]]"},   {"opaline.ranges", "[[1,null]]"},
      {"opaline.ranges", "{\"a\":[1,2]}"},
  };
  for (const auto& entry : bad) {
    INFO(entry.first << " = " << entry.second);
    CHECK(kind_of([&] { notes_from_metadata({entry}); }) == ErrorKind::damaged);
  }
  const std::string deep(1 << 20, '[');
  CHECK(kind_of([&] { notes_from_metadata({{"opaline.columns", deep}}); }) == ErrorKind::damaged);
}
