// The demo on the model and the samples that come along.

#include <catch2/catch.hpp>

#include "end_to_end/program.h"

using namespace opaline::test;

TEST_CASE("the demo classifies encrypted digits") {
  const Outcome outcome =
      run({"demo", "--bits", "1024", "--range", "0:60", "--demo-folder", OPALINE_DEMO_FOLDER});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.find("100.00 % (60 of 60)") != std::string::npos);  // equal to the clear
  CHECK(outcome.out.find("of 60") != std::string::npos);
  for (const char* phase :
       {"A key of 1024 bits", "encrypts", "evaluates", "decrypts", "kB", "Accuracy", "Answer: "}) {
    CAPTURE(phase);
    CHECK(outcome.out.find(phase) != std::string::npos);
  }
  CHECK(outcome.out.find('@') != std::string::npos);  // the brightest pixels of a digit
  CHECK(lines_of(outcome.err).size() == 1);           // the warning about the key
}

TEST_CASE("the demo finds its samples by itself") {
  CHECK(run({"demo", "--bits", "1024", "--range", "0:1"}).exit_code == 0);
}
