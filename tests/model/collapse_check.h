#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "network_builder.h"
#include "opaline/base/error.h"
#include "opaline/model/onnx_network.h"

/// Collapsed networks held against numbers worked out by hand from the definitions of the ONNX operators.
namespace opaline::test {

/// The map has exactly these weights (outputs × inputs) and this bias, and the proof was done.
inline void check(const NetworkBuilder& network, const std::vector<double>& weights,
                  const std::vector<double>& bias) {
  const ImportedNetwork imported = import_onnx(network.bytes(), "test");
  CHECK(imported.map.outputs == bias.size());
  CHECK(imported.map.inputs * imported.map.outputs == weights.size());
  CHECK(imported.map.weights == weights);
  CHECK(imported.map.bias == bias);
  REQUIRE(imported.largest_difference.has_value());
  CHECK(*imported.largest_difference <= 1e-9);
}

/// The answers to one input, which say more about operators that only move elements.
inline std::vector<double> answers(const NetworkBuilder& network, const std::vector<double>& x) {
  return import_onnx(network.bytes(), "test").map(x);
}

/// The text of the error that the network is refused with.
inline std::string refusal(const NetworkBuilder& network) {
  try {
    import_onnx(network.bytes(), "test");
  } catch (const Error& error) {
    return error.what();
  }
  FAIL_CHECK("accepted");
  return {};
}

}  // namespace opaline::test
