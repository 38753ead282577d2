#include <compiled_model.pb.h>

#include <catch2/catch.hpp>
#include <functional>
#include <limits>
#include <random>

#include "opaline/base/error.h"
#include "opaline/base/frame.h"
#include "opaline/model/compiled_model.h"
#include "sample_model.h"

using namespace opaline;
using opaline::test::sample_model;

namespace {

constexpr std::uint32_t kVersion = 3;
constexpr FrameKind kServer = {'S', 'R', 'V', 'R'};
constexpr FrameKind kClient = {'C', 'L', 'N', 'T'};
constexpr std::size_t kFrameHead = 20;
constexpr std::size_t kFrameTail = 32;

Bytes payload_of(const Bytes& file) { return {file.begin() + kFrameHead, file.end() - kFrameTail}; }

ErrorKind refusal(const std::function<void()>& parse, const std::string& name) {
  try {
    parse();
  } catch (const Error& error) {
    CHECK(std::string(error.what()).rfind(name + ": ", 0) == 0);
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.kind();
  }
  FAIL_CHECK("accepted");
  return ErrorKind::fault;
}

ErrorKind server_refusal(const Bytes& file) {
  return refusal([&] { CompiledModel::parse(file, "m.server"); }, "m.server");
}

ErrorKind client_refusal(const Bytes& file) {
  return refusal([&] { ClientSpec::parse(file, "m.client"); }, "m.client");
}

/// A client file with an intact checksum whose message has been changed.
Bytes changed_client(const std::function<void(model::ClientSpec&)>& change) {
  const Bytes payload = payload_of(sample_model().client_spec().serialise());
  model::ClientSpec wire;
  REQUIRE(wire.ParseFromArray(payload.data(), static_cast<int>(payload.size())));
  change(wire);
  return make_frame(kClient, kVersion, as_bytes(wire.SerializeAsString()));
}

Bytes changed_server(const std::function<void(model::CompiledModel&, model::ClientSpec&)>& change) {
  const Bytes payload = payload_of(sample_model().serialise());
  model::CompiledModel wire;
  REQUIRE(wire.ParseFromArray(payload.data(), static_cast<int>(payload.size())));
  model::ClientSpec spec;
  REQUIRE(spec.ParseFromString(wire.client_spec()));
  change(wire, spec);
  wire.set_client_spec(spec.SerializeAsString());
  return make_frame(kServer, kVersion, as_bytes(wire.SerializeAsString()));
}

}  // namespace

TEST_CASE("model files truncated at any length are refused") {
  const Bytes server = sample_model().serialise();
  for (std::size_t length = 0; length < server.size(); ++length) {
    server_refusal(Bytes(server.begin(), server.begin() + static_cast<std::ptrdiff_t>(length)));
  }
  const Bytes client = sample_model().client_spec().serialise();
  for (std::size_t length = 0; length < client.size(); ++length) {
    client_refusal(Bytes(client.begin(), client.begin() + static_cast<std::ptrdiff_t>(length)));
  }
}

TEST_CASE("model files with any bit flipped are refused") {
  for (Bytes file : {sample_model().serialise(), sample_model().client_spec().serialise()}) {
    const bool server = peek_frame_kind(file) == kServer;
    for (std::size_t i = 0; i < file.size(); ++i) {
      for (unsigned bit = 0; bit < 8; ++bit) {
        file[i] = static_cast<std::uint8_t>(file[i] ^ (1U << bit));
        server ? server_refusal(file) : client_refusal(file);
        file[i] = static_cast<std::uint8_t>(file[i] ^ (1U << bit));
      }
    }
  }
}

TEST_CASE("model files of another kind or version, or with something behind them, are refused") {
  const Bytes client = sample_model().client_spec().serialise();
  CHECK(server_refusal(client) == ErrorKind::damaged);
  CHECK(client_refusal(sample_model().serialise()) == ErrorKind::damaged);
  CHECK(client_refusal(make_frame(kClient, kVersion - 1, payload_of(client))) ==
        ErrorKind::unsupported_version);
  Bytes longer = client;
  longer.push_back(0);
  CHECK(client_refusal(longer) == ErrorKind::damaged);
  CHECK(client_refusal(make_frame(kClient, kVersion, Bytes(kClientFileLimit + 1))) == ErrorKind::too_large);
  CHECK(client_refusal(make_frame(kClient, kVersion, {})) == ErrorKind::damaged);
  CHECK(server_refusal(make_frame(kServer, kVersion, {})) == ErrorKind::damaged);
}

TEST_CASE("client files with an intact checksum but impossible contents are damaged") {
  CHECK_NOTHROW(ClientSpec::parse(changed_client([](model::ClientSpec&) {}), "m.client"));
  const auto refused = [](const std::function<void(model::ClientSpec&)>& change) {
    CHECK(client_refusal(changed_client(change)) == ErrorKind::damaged);
  };
  const double undefined = std::numeric_limits<double>::quiet_NaN();
  refused([](auto& w) { w.set_model_id("short"); });
  refused([](auto& w) { w.set_name("line\nbreak"); });
  refused([](auto& w) { w.set_name("\xff"); });
  refused([](auto& w) { w.add_input_shape(std::uint64_t{1} << 62); });
  refused([](auto& w) { w.clear_input_shape(); });
  refused([](auto& w) { w.set_outputs(4); });
  refused([](auto& w) { w.set_outputs(std::uint64_t{1} << 63); });
  refused([](auto& w) { w.clear_encoding(); });
  refused([](auto& w) { w.mutable_encoding()->set_bits(17); });
  refused([&](auto& w) { w.mutable_encoding()->set_lowest(0, undefined); });
  refused([](auto& w) { w.clear_pixels(); });
  refused([&](auto& w) { w.mutable_pixels()->set_scale(undefined); });
  refused([](auto& w) { w.add_labels("a fourth"); });
  refused([](auto& w) { w.set_labels(0, std::string("\0", 1)); });
  refused([](auto& w) { w.clear_activation(); });
  refused([](auto& w) { w.set_activation(static_cast<model::OutputActivation>(99)); });
  refused([&](auto& w) { w.set_output_scales(0, undefined); });
  refused([](auto& w) { w.set_output_scales(0, -1.0); });
  refused([](auto& w) { w.set_bound(std::uint64_t{1} << 62); });
  refused([](auto& w) { w.set_weight_bits(1); });
  refused([](auto& w) { w.set_weight_bits(25); });
  refused([](auto& w) { w.set_mask_bits(129); });
  refused([](auto& w) { w.add_unused(99); });
  refused([](auto& w) {
    w.add_unused(2);
    w.add_unused(1);
  });
  refused([](auto& w) { w.set_bound(std::numeric_limits<std::uint64_t>::max()); });
  refused([](auto& w) { w.mutable_encoding()->add_lowest(0.0); });
  refused([](auto& w) {
    w.mutable_encoding()->add_lowest(0.0);
    w.mutable_encoding()->add_highest(1.0);
  });
  refused([](auto& w) { w.mutable_encoding()->set_highest(0, -1.0); });
  refused([](auto& w) { w.clear_output_scales(); });
  refused([](auto& w) { w.add_output_scales(1.0); });
  refused([](auto& w) { w.set_output_offset(std::numeric_limits<std::int64_t>::min()); });
  refused([](auto& w) { w.set_features("sift"); });
  refused([](auto& w) {
    w.set_features("gradients");  // of version 0, and not for 4 inputs
  });
  refused([](auto& w) {
    w.set_features("gradients");
    w.set_features_version(1);
  });
  refused([](auto& w) { w.add_columns("one"); });
  refused([](auto& w) { w.add_answers("line\nbreak"); });
}

TEST_CASE("client specs of more texts or numbers than there can be are refused before these are made") {
  constexpr std::size_t kMany = std::size_t{4} << 20;
  const auto spec_with = [](const std::string& field, std::size_t count) {
    Bytes wire = payload_of(sample_model().client_spec().serialise());
    for (std::size_t i = 0; i < count; ++i) wire.insert(wire.end(), field.begin(), field.end());
    return wire;
  };
  // The numbers of the fields are those of compiled_model.proto.
  const std::string label("\x3a\x00", 2);
  const std::string column("\x82\x01\x00", 3);
  const std::string answer("\x8a\x01\x00", 3);
  const std::string dimension("\x18\x01", 2);
  const std::string unused("\x68\x01", 2);
  const std::string unused_together("\x6a\x04\x01\x01\x01\x01", 6);
  for (const std::string& field : {label, column, answer, dimension, unused, unused_together}) {
    CAPTURE(to_hex(as_bytes(field)));
    const Bytes wire = spec_with(field, kMany);
    CHECK(client_refusal(make_frame(kClient, kVersion, wire)) == ErrorKind::too_large);
    model::CompiledModel server;
    server.set_client_spec(wire.data(), wire.size());
    CHECK(server_refusal(make_frame(kServer, kVersion, as_bytes(server.SerializeAsString()))) ==
          ErrorKind::too_large);
  }
  // As many as some spec may have are read, and do not fit this one.
  CHECK(client_refusal(make_frame(kClient, kVersion, spec_with(label, 4096 - 3))) == ErrorKind::damaged);
  CHECK(client_refusal(make_frame(kClient, kVersion, spec_with(label, 4097 - 3))) == ErrorKind::too_large);
  // A group, and a text that ends behind the file.
  for (const char* const end : {"\x7b", "\x3a\x05"}) {
    CHECK(client_refusal(make_frame(kClient, kVersion, spec_with(end, 1))) == ErrorKind::damaged);
  }
}

TEST_CASE("server files that contradict themselves are damaged") {
  CHECK_NOTHROW(CompiledModel::parse(changed_server([](auto&, auto&) {}), "m.server"));
  const auto refused = [](const std::function<void(model::CompiledModel&, model::ClientSpec&)>& change,
                          ErrorKind kind = ErrorKind::damaged) {
    CHECK(server_refusal(changed_server(change)) == kind);
  };
  refused([](auto&, auto& s) { s.set_bound(189); });
  refused([](auto&, auto& s) { s.set_bound(191); });
  refused([](auto&, auto& s) { s.set_weight_bits(s.weight_bits() + 1); });
  refused([](auto&, auto& s) { s.set_mask_bits(39); });
  refused([](auto&, auto& s) { s.set_model_id(std::string(32, 'x')); });
  refused([](auto&, auto& s) { s.set_output_scales(0, 0.5); });
  refused([](auto&, auto& s) { s.set_labels(0, "cow"); });
  refused([](auto&, auto& s) { s.set_output_offset(1); });
  refused([](auto&, auto& s) { s.add_answers("class"); });
  refused([](auto&, auto& s) { s.set_regression(true); });
  refused([](auto&, auto& s) { s.mutable_encoding()->set_clipped(true); });
  refused([](auto& m, auto&) { m.set_weights(0, 2); });
  refused([](auto& m, auto&) { m.set_weights(0, std::numeric_limits<std::int32_t>::min()); });
  refused([](auto& m, auto&) { m.add_weights(1); });
  refused([](auto& m, auto&) { m.clear_weights(); });
  refused([](auto& m, auto&) { m.clear_bias(); });
  refused([](auto& m, auto&) { m.set_bias(0, std::numeric_limits<std::int64_t>::min()); });
  refused([](auto& m, auto&) { m.set_bias(0, (std::int64_t{1} << 62) - 1); }, ErrorKind::does_not_fit);
  refused([](auto&, auto& s) { s.clear_input_shape(); });
}

TEST_CASE("random bytes inside an intact frame are refused or read, never worse") {
  const Bytes server = payload_of(sample_model().serialise());
  const Bytes client = payload_of(sample_model().client_spec().serialise());
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same damage every time
  for (int round = 0; round < 20000; ++round) {
    Bytes bytes = round % 2 == 0 ? server : client;
    for (int change = 0; change < 3; ++change)
      bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
    try {
      if (round % 2 == 0) {
        const CompiledModel model = CompiledModel::parse(make_frame(kServer, kVersion, bytes), "m.server");
        CHECK(model.weights().size() == model.client_spec().inputs * model.client_spec().outputs);
      } else {
        const ClientSpec spec = ClientSpec::parse(make_frame(kClient, kVersion, bytes), "m.client");
        CHECK(spec.labels.size() == spec.classes());
      }
    } catch (const Error&) {
      SUCCEED();
    }
  }
}
