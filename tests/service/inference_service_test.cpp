// The whole service in one process, by a socket: the protocol, and messages nobody should send.
#include "opaline/service/inference_service.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "inference/parties.h"
#include "opaline/base/file.h"
#include "opaline/service/open_inference.h"
#include "service/raw_client.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;
using namespace std::chrono_literals;
using Json = nlohmann::json;

namespace {

const std::string kToken = "a-token-of-this-test";

struct Running {
  explicit Running(const std::string& tokens = "") {
    write_file(folder / "tiny.server", tiny_model().serialise(), FileMode::everyone);
    write_file(folder / "small.server", small_model().serialise(), FileMode::everyone);
    settings.models = {{"tiny", folder / "tiny.server"}, {"small", folder / "small.server"}};
    settings.workers = 2;
    settings.version = "1.2.3";
    if (!tokens.empty()) {
      settings.token_file = folder / "tokens";
      std::ofstream(settings.token_file) << tokens;
      std::filesystem::permissions(settings.token_file, std::filesystem::perms(0600));
    }
    service.emplace(settings, default_backend(), log);
    const std::string url = service->url();
    port = static_cast<std::uint16_t>(std::stoul(url.substr(url.rfind(':') + 1)));
  }

  RawClient::Reply ask(const std::string& bytes) const {
    RawClient client(port);
    client.send(bytes);
    return client.receive();
  }

  std::vector<std::string> lines() {
    const std::lock_guard lock(mutex);
    return logged;
  }

  TemporaryFolder folder;
  ServiceSettings settings;
  std::mutex mutex;
  std::vector<std::string> logged;
  EventLog log{[this](std::string_view line) {
    const std::lock_guard lock(mutex);
    logged.emplace_back(line);
  }};
  std::optional<InferenceService> service;
  std::uint16_t port = 0;
};

std::string text(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

std::string infer_request(const std::string& model, const Bytes& query, TensorForm form = TensorForm::json,
                          std::string fields = "") {
  const InferBody body = infer_body(query, form);
  fields += "Content-Type: " + body.content_type + "\r\n";
  for (const auto& [name, value] : body.fields) fields += name + ": " + value + "\r\n";
  return request("POST", "/v2/models/" + model + "/infer", text(body.body), fields);
}

Bytes tiny_query(const SecretKey& key = alice()) {
  const CompiledModel model = tiny_model();
  return encryptor_for(model.client_spec(), key).encrypt(make_inputs(model.client_spec(), 1));
}

std::vector<std::vector<std::int64_t>> answer_in(const RawClient::Reply& reply) {
  const std::string length = reply.field(kHeaderLengthField);
  return decryptor_for(tiny_model().client_spec(), alice())
      .decrypt(parse_infer_reply(as_bytes(reply.body), length).reply);
}

std::vector<std::vector<std::int64_t>> expected() {
  return predict(tiny_model(), make_inputs(tiny_model().client_spec(), 1));
}

void check_error(const RawClient::Reply& reply, unsigned status) {
  CHECK(reply.status == status);
  CHECK(reply.field("Content-Type") == "application/json");
  CHECK(Json::parse(reply.body).at("error").is_string());
}

}  // namespace

TEST_CASE("Required endpoints answer as the protocol says", "[service]") {
  const Running running;
  const auto get = [&](const std::string& target) {
    const auto reply = running.ask(request("GET", target));
    CHECK(reply.status == 200);
    CHECK(reply.field("Content-Type") == "application/json");
    return Json::parse(reply.body);
  };
  CHECK(get("/v2/health/live").at("live") == true);
  CHECK(get("/v2/health/ready").at("ready") == true);
  const Json server = get("/v2");
  CHECK(server.at("name") == "opaline");
  CHECK(server.at("version") == "1.2.3");
  CHECK(server.at("extensions").at(0) == "binary_tensor_data");
  const Json model = get("/v2/models/tiny");
  CHECK(model.at("name") == "tiny");
  CHECK(model.at("platform") == "opaline_paillier");
  CHECK(model.at("inputs") == Json::parse(R"([{"name":"query","datatype":"BYTES","shape":[1]}])"));
  CHECK(model.at("outputs") == Json::parse(R"([{"name":"reply","datatype":"BYTES","shape":[1]}])"));
  const std::string version = model.at("versions").at(0);
  CHECK(version == to_hex(tiny_model().client_spec().model_id).substr(0, 16));
  CHECK(get("/v2/models/tiny/versions/" + version) == model);
  CHECK(get("/v2/models/tiny/ready") == Json::parse(R"({"name":"tiny","ready":true})"));
  CHECK(get("/v2/models/tiny/versions/" + version + "/ready").at("ready") == true);
  const auto spec = running.ask(request("GET", "/v2/models/tiny/spec"));
  CHECK(spec.body == text(tiny_model().client_spec().serialise()));
  const auto metrics = running.ask(request("GET", "/metrics"));
  CHECK(metrics.status == 200);
  CHECK(metrics.field("Content-Type").rfind("text/plain; version=0.0.4", 0) == 0);
  for (const char* name : {"opaline_requests_total", "opaline_queue_depth", "opaline_workers",
                           "opaline_build_info", "opaline_received_bytes_total", "opaline_model_info"}) {
    CHECK(metrics.body.find(name) != std::string::npos);
  }
}

TEST_CASE("A query is answered in either form", "[service]") {
  const Running running;
  for (const TensorForm form : {TensorForm::json, TensorForm::binary}) {
    const auto reply = running.ask(infer_request("tiny", tiny_query(), form));
    REQUIRE(reply.status == 200);
    CHECK(answer_in(reply) == expected());
  }
  const auto metrics = running.ask(request("GET", "/metrics"));
  CHECK(metrics.body.find("opaline_inputs_total{model=\"tiny\"} 2") != std::string::npos);
  CHECK(metrics.body.find("opaline_evaluation_seconds_count{model=\"tiny\"} 2") != std::string::npos);
}

TEST_CASE("Wrong targets, methods and types have their statuses", "[service]") {
  const Running running;
  const std::string good = infer_request("tiny", tiny_query());
  check_error(running.ask(request("GET", "/")), 404);
  check_error(running.ask(request("GET", "/v2/models/none")), 404);
  check_error(running.ask(request("GET", "/v2/models/tiny/versions/1")), 404);
  check_error(running.ask(request("GET", "/v2/models/../tiny.server")), 404);
  check_error(running.ask(infer_request("none", tiny_query())), 404);
  check_error(running.ask(infer_request("tiny/versions/1", tiny_query())), 404);
  const auto wrong_method = running.ask(request("GET", "/v2/models/tiny/infer"));
  check_error(wrong_method, 405);
  CHECK(wrong_method.field("Allow") == "POST");
  check_error(running.ask(request("POST", "/v2", "{}")), 405);
  check_error(running.ask(request("DELETE", "/v2/models/tiny")), 405);
  check_error(running.ask(request("POST", "/v2/models/tiny/infer", "{}", "Content-Type: text/plain\r\n")),
              415);
  check_error(running.ask(request("POST", "/v2/models/tiny/infer", "{}",
                                  "Content-Type: application/octet-stream\r\n")),
              415);
  check_error(running.ask(request("POST", "/v2/models/tiny/infer", "{}", "Content-Encoding: gzip\r\n")), 415);
  check_error(running.ask(request("POST", "/v2/models/tiny/infer", "{}")), 400);
  check_error(running.ask(request("POST", "/v2/models/tiny/infer", std::string(100'000, '['))), 413);
  check_error(running.ask(infer_request("small", tiny_query())), 409);
  CHECK(running.ask(good).status == 200);
}

TEST_CASE("Every prefix and many flipped bits of a query are refused, and nothing else happens",
          "[service]") {
  const Running running;
  const Bytes query = tiny_query();
  RawClient client(running.port);  // one connection: no refusal ends it
  for (std::size_t length = 0; length < query.size(); length += 1 + length / 16) {
    CAPTURE(length);
    client.send(infer_request("tiny", Bytes(query.begin(), query.begin() + static_cast<long>(length)),
                              TensorForm::binary));
    check_error(client.receive(), 400);
  }
  for (std::size_t bit = 0; bit < 8 * query.size(); bit += 61) {
    CAPTURE(bit);
    Bytes flipped = query;
    flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1U << (bit % 8)));
    client.send(infer_request("tiny", flipped, TensorForm::binary));
    const auto reply = client.receive();
    CHECK((reply.status == 400 || reply.status == 413));
    CHECK(Json::parse(reply.body).at("error").is_string());
  }
  client.send(infer_request("tiny", query));
  CHECK(answer_in(client.receive()) == expected());
}

TEST_CASE("A ciphertext that is no unit is refused, its neighbours are not", "[service]") {
  const Running running;
  const CompiledModel model = tiny_model();
  OpenQuery open = open_query(tiny_query(), model.client_spec());
  std::fill(open.chunks[0].begin(), open.chunks[0].end(), 0);
  check_error(running.ask(infer_request("tiny", close(open))), 400);
  std::fill(open.chunks[0].begin(), open.chunks[0].end(), 0xff);
  check_error(running.ask(infer_request("tiny", close(open))), 400);
  // n itself has a factor in common with n.
  open = open_query(tiny_query(), model.client_spec());
  const Bytes n = to_bytes(alice().public_key().n());
  const std::size_t width = alice().public_key().ciphertext_bytes();
  std::fill(open.chunks[0].begin(), open.chunks[0].begin() + static_cast<long>(width), 0);
  std::copy(n.begin(), n.end(), open.chunks[0].begin() + static_cast<long>(width - n.size()));
  check_error(running.ask(infer_request("tiny", close(open))), 400);
  CHECK(answer_in(running.ask(infer_request("tiny", tiny_query()))) == expected());
}

TEST_CASE("Tokens open what they are granted, and no log knows them", "[service]") {
  Running running(kToken + " name=ward rate=0.001 burst=3 quota=2\n");
  const std::string bearer = "Authorization: Bearer " + kToken + "\r\n";
  CHECK(running.ask(request("GET", "/v2/health/ready")).status == 200);
  for (const char* target : {"/v2/models/tiny", "/v2/models/tiny/spec", "/v2/models/none", "/metrics"}) {
    const auto reply = running.ask(request("GET", target));
    check_error(reply, 401);
    CHECK(reply.field("WWW-Authenticate") == "Bearer");
  }
  check_error(running.ask(infer_request("tiny", tiny_query())), 401);
  check_error(
      running.ask(infer_request("tiny", tiny_query(), TensorForm::json, "Authorization: Bearer no\r\n")),
      401);
  CHECK(running.ask(request("GET", "/v2/models/tiny", "", bearer)).status == 200);
  const std::string good = infer_request("tiny", tiny_query(), TensorForm::json, bearer);
  CHECK(running.ask(good).status == 200);
  CHECK(running.ask(good).status == 200);
  const auto quota = running.ask(good);
  check_error(quota, 429);
  CHECK(std::stoul(quota.field("Retry-After")) <= 24 * 3600);
  const auto rate = running.ask(good);
  check_error(rate, 429);
  running.service.reset();
  for (const std::string& line : running.lines()) {
    CHECK(Json::parse(line).contains("event"));
    CHECK(line.find(kToken) == std::string::npos);
  }
}

TEST_CASE("Models are exchanged under load without a failed request", "[service]") {
  Running running;
  const CompiledModel other = make_model(2, 4, {3, -2}, {7});
  const Bytes first_query = tiny_query();
  const Bytes second_query =
      encryptor_for(other.client_spec(), alice()).encrypt(make_inputs(other.client_spec(), 1));
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0;
  std::atomic<int> strange = 0;
  std::vector<std::thread> clients;
  for (const Bytes& query : {first_query, second_query}) {
    clients.emplace_back([&, query] {
      RawClient client(running.port);
      while (!stop) {
        client.send(infer_request("tiny", query));
        const unsigned status = client.receive().status;
        if (status == 200) ++answered;
        if (status != 200 && status != 409) ++strange;
      }
    });
  }
  std::set<std::string> versions;
  for (int i = 0; i < 20; ++i) {
    const Bytes file = i % 4 == 0 ? other.serialise() : i % 4 == 2 ? tiny_model().serialise() : Bytes(100, 7);
    write_file(running.folder / "tiny.server", file, FileMode::everyone);
    running.service->reload(InferenceService::Reload::everything);
    versions.insert(Json::parse(running.ask(request("GET", "/v2/models/tiny")).body)
                        .at("versions")
                        .at(0)
                        .get<std::string>());
    std::this_thread::sleep_for(5ms);
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  CHECK(versions.size() == 2);
  CHECK(answered > 0);
  CHECK(strange == 0);
}

TEST_CASE("Draining says so and ends", "[service]") {
  Running running;
  running.service->drain(10s);
  CHECK_THROWS_AS(RawClient(running.port), std::runtime_error);
  running.service->drain(0s);
}
