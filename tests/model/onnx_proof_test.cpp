#include <catch2/catch.hpp>
#include <limits>

#include "collapse_check.h"
#include "opaline/model/onnx/proof.h"

using namespace opaline;
using opaline::test::NetworkBuilder;

// A wrong map has to be found out, or the proof proves nothing.
namespace {

/// y = 3 x0 + 4 x1 + 5.
NetworkBuilder known_network() {
  NetworkBuilder network({2});
  network.numbers("w", {2, 1}, {3, 4});
  network.numbers("b", {1}, {5});
  network.node("Gemm", {"x", "w", "b"}, "y");
  return network;
}

std::optional<double> check_map(const AffineMap& map, std::uint64_t multiplications = 2) {
  const NetworkBuilder network = known_network();
  network::Claim claim;
  claim.input = network::read_input(network.model.graph().input(0));
  claim.output = "y";
  claim.multiplications = multiplications;
  claim.elements = 3;
  claim.positions = {1};
  claim.sizes = [] { return AffineMap{2, 1, {3, 4}, {5}}; };
  return network::check_claim(network.model.graph(), {13, 0}, map, claim);
}

ErrorKind kind_of(const AffineMap& map) {
  try {
    check_map(map);
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("a wrong map passed");
  return ErrorKind::io;
}

}  // namespace

TEST_CASE("the right map passes the proof") {
  const std::optional<double> difference = check_map({2, 1, {3, 4}, {5}});
  REQUIRE(difference);
  CHECK(*difference <= 1e-15);
}

TEST_CASE("a wrong map is a fault, however little is wrong") {
  CHECK(kind_of({2, 1, {3, 4 + 1e-7}, {5}}) == ErrorKind::fault);
  CHECK(kind_of({2, 1, {3, 4}, {5 + 1e-7}}) == ErrorKind::fault);
  CHECK(kind_of({2, 1, {4, 3}, {5}}) == ErrorKind::fault);
  CHECK(kind_of({2, 1, {3, 4}, {std::numeric_limits<double>::quiet_NaN()}}) == ErrorKind::fault);
  CHECK(kind_of({2, 2, {3, 4, 3, 4}, {5, 5}}) == ErrorKind::fault);
}

TEST_CASE("the proof is left out where it would cost too much") {
  CHECK_FALSE(check_map({2, 1, {0, 0}, {0}}, std::uint64_t{1} << 34));
}

TEST_CASE("a network whose answers are mostly rounding is refused, and is no fault") {
  NetworkBuilder network({2});
  network.numbers("large", {2}, {1e12F, 1e12F});
  network.numbers("w", {2, 1}, {3, 4});
  network.node("Add", {"x", "large"}, "a");
  network.node("Sub", {"a", "large"}, "b");
  network.node("MatMul", {"b", "w"}, "y");
  CHECK_THAT(test::refusal(network), Catch::Contains("small differences of large numbers"));
}

TEST_CASE("an input that hardly varied in training is no fault") {
  NetworkBuilder network({2});
  network.numbers("mean", {2}, {1, 1});
  network.numbers("deviation", {2}, {1e-40F, 1});
  network.numbers("w", {2, 1}, {0.3F, -2});
  network.node("Sub", {"x", "mean"}, "a");
  network.node("Div", {"a", "deviation"}, "b");
  network.node("MatMul", {"b", "w"}, "y");
  CHECK_THAT(test::refusal(network), Catch::Contains("leave out inputs that hardly vary"));
}

TEST_CASE("a network whose numbers overflow on the way is refused, and is no fault") {
  NetworkBuilder network({1});
  network.numbers("large", {1}, {1e38F});
  for (int i = 0; i < 9; ++i)
    network.node("Mul", {i == 0 ? "x" : "a" + std::to_string(i), "large"}, "a" + std::to_string(i + 1));
  for (int i = 0; i < 8; ++i)
    network.node("Div", {i == 0 ? "a9" : "b" + std::to_string(i), "large"},
                 i == 7 ? "y" : "b" + std::to_string(i + 1));
  CHECK_THAT(test::refusal(network), Catch::Contains("numbers inside the network overflow"));
}

TEST_CASE("large numbers that cancel are accepted while enough of the answer is left") {
  NetworkBuilder network({2});
  network.numbers("large", {2}, {1024, 1024});
  network.numbers("w", {2, 1}, {3, 4});
  network.node("Add", {"x", "large"}, "a");
  network.node("Sub", {"a", "large"}, "b");
  network.node("MatMul", {"b", "w"}, "y");
  test::check(network, {3, 4}, {0});
}
