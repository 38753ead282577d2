// A model behind servers that fail, stall, lie, or change their mind.

#include "opaline/service/remote_model.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "inference/parties.h"
#include "opaline/service/open_inference.h"
#include "service/honest_service.h"
#include "service/scripted_server.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;
using std::chrono::milliseconds;

namespace {

const HonestService& service() {
  static const HonestService one(small_model());
  return one;
}

// Quick to lose patience.
RemoteModelSettings settings_for(const std::string& url) {
  RemoteModelSettings settings;
  settings.url = url;
  settings.model = "test";
  settings.attempts = 3;
  settings.back_off = {milliseconds(1), milliseconds(5)};
  settings.attempt_time = milliseconds(3000);
  settings.total_time = milliseconds(10'000);
  return settings;
}

struct Query {
  std::vector<EncodedInput> inputs;
  Bytes bytes;
};

Query make_query(std::size_t count = 3, Packing packing = Packing::plain) {
  const QueryEncryptor encryptor = encryptor_for(service().spec(), alice());
  Query query{make_inputs(service().spec(), count), {}};
  query.bytes = encryptor.encrypt(query.inputs, layout_for(service().spec(), packing, count));
  return query;
}

bool is_right(const Query& query, const Bytes& reply) {
  return decryptor_for(service().spec(), alice()).decrypt(reply) == predict(service().model(), query.inputs);
}

// What an inference comes to when a server that has given its spec plays these scripts.
struct Result {
  std::optional<Error> error;
  Bytes reply;
  std::vector<AttemptNote> notes;
  std::size_t asked = 0;  // connections after the one for the spec

  std::optional<ErrorKind> kind() const { return error ? std::optional(error->kind()) : std::nullopt; }
  std::string text() const { return error ? error->what() : ""; }
};

Result infer(
    const std::vector<Script>& scripts, const Query& query,
    const std::function<void(RemoteModelSettings&)>& change = [](RemoteModelSettings&) {}) {
  std::vector<Script> all = {service().give_spec()};
  all.insert(all.end(), scripts.begin(), scripts.end());
  const ScriptedServer server(all);
  Result outcome;
  RemoteModelSettings settings = settings_for(server.url());
  settings.note = [&](const AttemptNote& note) { outcome.notes.push_back(note); };
  change(settings);
  RemoteModel model(settings);
  outcome.error = error_of([&] { outcome.reply = model.infer(query.bytes); });
  outcome.asked = server.connections() - 1;
  return outcome;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("an inference over the wire gives the exact integers") {
  for (const Packing packing : kPackings) {
    const Query query = make_query(5, packing);
    const Result outcome = infer({service().give_answer()}, query);
    REQUIRE_FALSE(outcome.error);
    CHECK(is_right(query, outcome.reply));
    CHECK(outcome.notes.empty());
  }
}

TEST_CASE("requests go to the model's paths, with the token") {
  std::vector<std::string> requests;
  const auto listen = [&](const Script& script) {
    return [&requests, script](Wire& wire) {
      // Listens in on what the script is told.
      class Tap : public Wire {
       public:
        Tap(Wire& wire, std::string& heard) : wire_(wire), heard_(heard) {}

       protected:
        std::size_t read_some(char* memory, std::size_t bytes) override {
          if (text_.empty()) heard_ = text_ = wire_.request();
          const std::size_t count = std::min(bytes, text_.size() - given_);
          text_.copy(memory, count, given_);
          given_ += count;
          return count;
        }
        bool write_all(const std::string& bytes) override { return wire_.send(bytes); }

       private:
        Wire& wire_;
        std::string& heard_;
        std::string text_;
        std::size_t given_ = 0;
      } tap(wire, requests.emplace_back());
      script(tap);
    };
  };
  const ScriptedServer server({listen(service().give_spec()), listen(service().give_answer())});
  RemoteModelSettings settings = settings_for(server.url() + "/prefix");
  settings.model = "a name/with?more";
  settings.token = "s3cret";
  settings.model_id = service().spec().model_id;
  RemoteModel model(settings);
  CHECK(model.spec().serialise() == service().spec().serialise());
  const Query query = make_query();
  CHECK(is_right(query, model.infer(query.bytes)));
  REQUIRE(requests.size() == 2);
  CHECK(requests[0].rfind("GET /prefix/v2/models/a%20name%2Fwith%3Fmore/spec HTTP/1.1\r\n", 0) == 0);
  CHECK(requests[1].rfind("POST /prefix/v2/models/a%20name%2Fwith%3Fmore/infer HTTP/1.1\r\n", 0) == 0);
  for (const std::string& request : requests) CHECK(field_in(request, "Authorization") == "Bearer s3cret");
  CHECK(service().read(requests[1]).query == query.bytes);
}

TEST_CASE("a model that is not the pinned one is refused before anything is sent to it") {
  const ScriptedServer server({service().give_spec()});
  RemoteModelSettings settings = settings_for(server.url());
  settings.model_id = Digest{1, 2, 3};
  const auto error = error_of([&] { RemoteModel{settings}; });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::wrong_model);
  CHECK(contains(error->what(), "the server's model has changed: pinned 010203"));
  CHECK(contains(error->what(), to_hex(service().spec().model_id)));
}

TEST_CASE("a query for another model is not sent") {
  const QueryEncryptor other = encryptor_for(tiny_model().client_spec(), alice());
  const Query query{{}, other.encrypt(make_inputs(tiny_model().client_spec(), 1))};
  const Result outcome = infer({service().give_answer()}, query);
  CHECK(outcome.kind() == ErrorKind::wrong_model);
  CHECK(outcome.asked == 0);
  CHECK(infer({service().give_answer()}, {{}, {1, 2, 3}}).kind() == ErrorKind::damaged);
}

TEST_CASE("a busy server is asked again") {
  const Query query = make_query();
  for (const unsigned status : {408U, 429U, 502U, 503U, 504U}) {
    CAPTURE(status);
    const Result outcome =
        infer({says(http_reply(status, R"({"error": "later"})", "Retry-After: 0\r\nConnection: close\r\n")),
               service().give_answer()},
              query);
    REQUIRE_FALSE(outcome.error);
    CHECK(is_right(query, outcome.reply));
    REQUIRE(outcome.notes.size() == 1);
    CHECK(outcome.notes.front().attempt == 1);
    CHECK(outcome.notes.front().attempts == 3);
    CHECK(contains(outcome.notes.front().reason, "(HTTP " + std::to_string(status) + ", later)"));
  }
}

TEST_CASE("Retry-After is honoured") {
  const Query query = make_query();
  const auto start = std::chrono::steady_clock::now();
  const Result outcome =
      infer({says(http_reply(503, "", "Retry-After: 1\r\n")), service().give_answer()}, query);
  REQUIRE_FALSE(outcome.error);
  REQUIRE(outcome.notes.size() == 1);
  CHECK(outcome.notes.front().wait >= milliseconds(1000));
  CHECK(std::chrono::steady_clock::now() - start >= milliseconds(1000));
}

TEST_CASE("a Retry-After beyond the time limit is not waited for") {
  const Result outcome = infer({says(http_reply(429, "", "Retry-After: 3600\r\n"))}, make_query());
  CHECK(outcome.kind() == ErrorKind::network);
  CHECK(contains(outcome.text(), "in 3600."));
  CHECK(outcome.notes.empty());
  CHECK(outcome.asked == 1);
}

TEST_CASE("attempts come to an end") {
  const Result outcome = infer({says(http_reply(503, R"({"error": "full"})"))}, make_query());
  CHECK(outcome.kind() == ErrorKind::network);
  CHECK(contains(outcome.text(), "full"));
  CHECK(contains(outcome.text(), "gave up after 3 attempts"));
  CHECK(outcome.notes.size() == 2);
}

TEST_CASE("other refusals are final, and say what to do") {
  struct Case {
    unsigned status;
    ErrorKind kind;
    const char* says;
  };
  const Query query = make_query();
  for (const Case& one :
       {Case{301, ErrorKind::invalid_argument, "elsewhere, to \"https://other/\""},
        Case{400, ErrorKind::damaged, "does not understand"},
        Case{401, ErrorKind::authentication, "asks for a token"},
        Case{403, ErrorKind::authentication, "asks for a token"},
        Case{404, ErrorKind::invalid_argument, "no model test"},
        Case{409, ErrorKind::wrong_model, "has changed"}, Case{413, ErrorKind::too_large, "fewer inputs"},
        Case{415, ErrorKind::damaged, "does not understand"},
        Case{204, ErrorKind::damaged, "does not understand"},
        Case{500, ErrorKind::fault, "the server failed"}}) {
    CAPTURE(one.status);
    const std::string body = one.status == 204 ? "" : R"({"error": "because"})";
    const Result outcome = infer(
        {says(http_reply(one.status, body, "Location: https://other/\r\n")), service().give_answer()}, query);
    CHECK(outcome.kind() == one.kind);
    CAPTURE(outcome.text());
    CHECK(contains(outcome.text(), one.says));
    CHECK(contains(outcome.text(), one.status == 204 ? "(HTTP 204)" : "because)"));
    CHECK(outcome.text().rfind("http://127.0.0.1:", 0) == 0);
    CHECK(outcome.notes.empty());
  }
  const Result known = infer({says(http_reply(401, ""))}, query,
                             [](RemoteModelSettings& settings) { settings.token = "s3cret"; });
  CHECK(contains(known.text(), "does not accept the token"));
  CHECK_FALSE(contains(known.text(), "s3cret"));
}

TEST_CASE("a lost connection is made again") {
  const Query query = make_query();
  const std::vector<Script> losses = {
      [](Wire&) {},
      [](Wire& wire) { wire.request(); },
      says("HTTP/1.1 200 OK\r\nContent-Le"),
      says("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{\"model_na"),
  };
  for (std::size_t i = 0; i < losses.size(); ++i) {
    CAPTURE(i);
    const Result outcome = infer({losses[i], service().give_answer()}, query);
    REQUIRE_FALSE(outcome.error);
    CHECK(is_right(query, outcome.reply));
    CHECK(outcome.notes.size() == 1);
  }
}

TEST_CASE("a refused connection is tried again") {
  const unsigned short port = free_port();
  std::unique_ptr<ScriptedServer> server;
  RemoteModelSettings settings = settings_for("http://127.0.0.1:" + std::to_string(port));
  settings.note = [&](const AttemptNote& note) {
    CHECK(contains(note.reason, "no connection"));
    server = std::make_unique<ScriptedServer>(
        std::vector<Script>{service().give_spec(), service().give_answer()}, port);
  };
  RemoteModel model(settings);
  const Query query = make_query();
  CHECK(is_right(query, model.infer(query.bytes)));
}

TEST_CASE("an attempt that takes too long is made again") {
  const Query query = make_query();
  const Result outcome =
      infer({[](Wire& wire) {
               wire.request();
               wire.send("HTTP/1.1 200 OK\r\nContent-Length: 3000\r\n\r\n");
               wire.trickle("x", milliseconds(10));
             },
             service().give_answer()},
            query, [](RemoteModelSettings& settings) { settings.attempt_time = milliseconds(3000); });
  REQUIRE_FALSE(outcome.error);
  CHECK(is_right(query, outcome.reply));
  REQUIRE(outcome.notes.size() == 1);
  CHECK(contains(outcome.notes.front().reason, "not complete in time"));
}

TEST_CASE("all attempts together end by the deadline") {
  const auto start = std::chrono::steady_clock::now();
  const Result outcome = infer({says(http_reply(503, ""))}, make_query(), [](RemoteModelSettings& settings) {
    settings.attempts = 1'000'000;
    settings.back_off = {milliseconds(20), milliseconds(20)};
    settings.total_time = milliseconds(300);
  });
  CHECK(outcome.kind() == ErrorKind::network);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
}

TEST_CASE("a reply from another model is refused, and not asked for again") {
  const Result outcome = infer({[](Wire& wire) {
                                 const InferRequest request = service().read(wire.request());
                                 wire.send(written(infer_reply(request, {"test", "2", std::string(64, 'a')},
                                                               service().answer(request))));
                               }},
                               make_query());
  CHECK(outcome.kind() == ErrorKind::wrong_model);
  CHECK(contains(outcome.text(), "answered as aaaa"));
  CHECK(outcome.asked == 1);
}

TEST_CASE("a reply to another query is refused") {
  const Query query = make_query();
  const Query other = make_query();
  const Result outcome = infer({[&](Wire& wire) {
                                 InferRequest request = service().read(wire.request());
                                 request.query = other.bytes;
                                 wire.send(written(service().reply_with(request, service().answer(request))));
                               }},
                               query);
  CHECK(outcome.kind() == ErrorKind::damaged);
  CHECK(contains(outcome.text(), "belongs to another query"));
}

TEST_CASE("damaged replies are refused before anything is decrypted, and not asked for again") {
  const Query query = make_query(3);
  const std::vector<std::function<void(Bytes&)>> changes = {
      [](Bytes& reply) { reply.clear(); },
      [](Bytes& reply) { reply.pop_back(); },
      [](Bytes& reply) { reply.push_back(0); },
      [](Bytes& reply) { reply.front() ^= 1; },
      [](Bytes& reply) { reply[reply.size() / 2] ^= 1; },
      [](Bytes& reply) { reply.back() ^= 1; },
      [](Bytes& reply) {  // a chunk is missing
        std::vector<Bytes> frames = frames_of(reply);
        frames.pop_back();
        reply = join(frames);
      },
      [](Bytes& reply) {  // two have changed places
        std::vector<Bytes> frames = frames_of(reply);
        std::swap(frames[1], frames[2]);
        reply = join(frames);
      },
      [](Bytes& reply) {  // one stands there twice
        std::vector<Bytes> frames = frames_of(reply);
        frames.push_back(frames.back());
        reply = join(frames);
      }};
  for (std::size_t i = 0; i < changes.size(); ++i) {
    CAPTURE(i);
    const Result outcome = infer({service().give_changed(changes[i])}, query);
    CHECK(outcome.kind() == ErrorKind::damaged);
    CHECK(outcome.asked == 1);
  }
}

TEST_CASE("bodies that are no reply are refused") {
  const Query query = make_query();
  const std::string id = to_hex(service().spec().model_id);
  const std::string head = R"({"model_name":"test","model_version":"1","parameters":{"model_id":")" + id +
                           R"("},"outputs":[{"name":"reply","datatype":"BYTES","shape":[1],)";
  const auto binary = [&](std::size_t size, std::size_t header_length, const std::string& bytes) {
    const std::string json = head + R"("parameters":{"binary_data_size":)" + std::to_string(size) + "}}]}";
    const std::size_t told = header_length == 0 ? json.size() : header_length;
    return http_reply(200, json + bytes, "Inference-Header-Content-Length: " + std::to_string(told) + "\r\n");
  };
  for (const std::string& reply :
       {http_reply(200, ""), http_reply(200, "hello"), http_reply(200, "{}"), http_reply(200, "[1, 2]"),
        http_reply(200, std::string(1000, '[')), http_reply(200, head + R"("data":["!!!"]}]})"),
        http_reply(200, head + R"("data":["AAAA"]}]})"), binary(5, 0, std::string("\x01\0\0\0x", 5)),
        binary(5, 0, std::string("\x02\0\0\0x", 5)), binary(5, 0, std::string("\xff\xff\xff\xff", 4) + "x"),
        binary(4'000'000'000, 0, std::string("\x01\0\0\0x", 5)), binary(0, 0, ""),
        binary(5, 100'000, std::string("\x01\0\0\0x", 5)), binary(5, 10, std::string("\x01\0\0\0x", 5))}) {
    CAPTURE(reply);
    const Result outcome = infer({says(reply)}, query);
    CHECK((outcome.kind() == ErrorKind::damaged || outcome.kind() == ErrorKind::too_large));
    CHECK(outcome.text().rfind("http://127.0.0.1:", 0) == 0);
    CHECK(outcome.asked == 1);
  }
}

TEST_CASE("a reply larger than any to the query is refused by its length") {
  const Query query = make_query();
  const Result outcome = infer({says("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n")}, query);
  CHECK(outcome.kind() == ErrorKind::too_large);
  CHECK(outcome.asked == 1);
}

TEST_CASE("a reply as base64 in JSON will do") {
  const Query query = make_query(40);
  const Result outcome = infer({[](Wire& wire) {
                                 InferRequest request = service().read(wire.request());
                                 request.reply_form = TensorForm::json;
                                 wire.send(written(service().reply_with(request, service().answer(request))));
                               }},
                               query);
  REQUIRE_FALSE(outcome.error);
  CHECK(is_right(query, outcome.reply));
}

TEST_CASE("a spec that is none is refused") {
  for (const std::string body : {"", "hello", "{}"}) {
    const ScriptedServer server({says(http_reply(200, body))});
    const auto error = error_of([&] { RemoteModel{settings_for(server.url())}; });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::damaged);
    CHECK(std::string(error->what()).rfind(server.url() + "/v2/models/test/spec: ", 0) == 0);
  }
  Bytes altered = service().spec().serialise();
  altered[altered.size() / 2] ^= 1;
  const ScriptedServer server({says(http_reply(200, text_of(altered)))});
  CHECK(kind_of([&] { RemoteModel{settings_for(server.url())}; }) == ErrorKind::damaged);
}

TEST_CASE("a server's words are shown short and clean") {
  const Result outcome =
      infer({says(http_reply(400, R"({"error": "a\u001b[31m\r\nb)" + std::string(10'000, 'x') + R"("})"))},
            make_query());
  CHECK(outcome.text().size() < 500);
  CHECK(contains(outcome.text(), "a [31m  bxxx"));
}

TEST_CASE("settings that make no sense are refused, and a token is not repeated") {
  const auto error_with = [](const std::function<void(RemoteModelSettings&)>& change) {
    RemoteModelSettings settings = settings_for("http://127.0.0.1:1");
    change(settings);
    const auto error = error_of([&] { RemoteModel{settings}; });
    REQUIRE(error);
    CHECK_FALSE(contains(error->what(), "s3cret"));
    return error->kind();
  };
  using Settings = RemoteModelSettings;
  CHECK(error_with([](Settings& one) { one.model = ""; }) == ErrorKind::invalid_argument);
  CHECK(error_with([](Settings& one) { one.attempts = 0; }) == ErrorKind::invalid_argument);
  CHECK(error_with([](Settings& one) { one.token = "s3cret\n"; }) == ErrorKind::invalid_argument);
  CHECK(error_with([](Settings& one) { one.token = "two s3cret"; }) == ErrorKind::invalid_argument);
  CHECK(error_with([](Settings& one) { one.url = "127.0.0.1"; }) == ErrorKind::invalid_argument);
  CHECK(error_with([](Settings& one) { one.url = "http://192.0.2.1"; }) == ErrorKind::authentication);
}
