// The command that does all of the client's steps over the network, against a server in this program.

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <future>
#include <string>
#include <vector>

#include "end_to_end/program.h"
#include "end_to_end/workshop.h"
#include "opaline/base/file.h"
#include "service/certificates.h"
#include "service/honest_service.h"
#include "service/scripted_server.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;

namespace {

const HonestService& service() {
  static const HonestService one(
      CompiledModel::parse(read_file(workshop() / "shapes.server", kServerFileLimit), "shapes.server"));
  return one;
}

std::vector<std::string> classify(const std::string& url, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"classify", "--key",    workshop() / "alice.key",
                                        "--server", url,        "--model",
                                        "shapes",   "--images", workshop() / "images.idx"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return arguments;
}

std::string predicted(const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {"predict", "--model", workshop() / "shapes.server", "--images",
                                        workshop() / "images.idx"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_ok(arguments).out;
}

// A failure: one line, and nothing on standard output.
void check_failure(const test::Outcome& outcome, int exit_code, const std::string& why) {
  CHECK(outcome.exit_code == exit_code);
  CHECK(outcome.out.empty());
  CHECK(lines_of(outcome.err).size() == 1);
  CAPTURE(outcome.err);
  CHECK(outcome.err.rfind("opaline: ", 0) == 0);
  CHECK(outcome.err.find(why) != std::string::npos);
}

// A reply that is right in all that can be told without the key: only decryption shows that it answers
// nothing.
Bytes forged_answer(const InferRequest& request) {
  FrameReader query(request.query, "query");
  const std::size_t width = read_query_header(query).key.ciphertext_bytes();
  const Bytes reply = service().answer(request);
  FrameReader reader(reply, "reply");
  const ReplyHeader header = read_reply_header(reader);
  Bytes forged = to_frame(header);
  const std::size_t chunk_bytes = (reply.size() - forged.size()) / header.chunks() - kFrameOverhead;
  Bytes ciphertexts(chunk_bytes / width * width);
  for (std::size_t end = width; end <= ciphertexts.size(); end += width) ciphertexts[end - 1] = 2;
  for (std::size_t chunk = 0; chunk < header.chunks(); ++chunk) {
    const Bytes frame = chunk_frame(ChunkKind::reply, message_digest(header), chunk, ciphertexts);
    forged.insert(forged.end(), frame.begin(), frame.end());
  }
  return forged;
}

}  // namespace

TEST_CASE("classify prints what predict prints") {
  const ScriptedServer server({service().give()});
  for (const std::vector<std::string>& more : std::vector<std::vector<std::string>>{
           {},
           {"--json", "--scores"},
           {"--scores", "--range", "7:19", "--labels", workshop() / "labels.idx"}}) {
    const auto outcome = run(classify(server.url(), more));
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.out == predicted(more));
    CHECK(outcome.err.empty());
  }
}

TEST_CASE("inputs are counted through all requests") {
  for (const char* layout : {"auto", "plain", "latency"}) {
    const ScriptedServer server({service().give()});
    const auto outcome = run(classify(
        server.url(), {"--json", "--scores", "--range", "0:11", "--batch", "4", "--layout", layout}));
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.out == predicted({"--json", "--scores", "--range", "0:11"}));
    CHECK(server.connections() == 1 + 3);
  }
}

TEST_CASE("a reply that is not sound prints nothing, and all queries are sent before one is decrypted") {
  const ScriptedServer server({service().give_spec(), service().give_answer(),
                               [](Wire& wire) {
                                 const InferRequest request = service().read(wire.request());
                                 wire.send(written(service().reply_with(request, forged_answer(request))));
                               },
                               service().give_answer()});
  const auto outcome = run(classify(server.url(), {"--range", "0:12", "--batch", "4", "--layout", "plain"}));
  check_failure(outcome, 1, "reply");
  CHECK(server.connections() == 1 + 3);
}

TEST_CASE("waiting for a busy server is said on standard error, unless --quiet") {
  for (const bool quiet : {false, true}) {
    const ScriptedServer server({service().give_spec(),
                                 says(http_reply(503, R"({"error": "full"})", "Connection: close\r\n")),
                                 service().give_answer()});
    std::vector<std::string> more = {"--range", "0:4"};
    if (quiet) more.push_back("--quiet");
    const auto outcome = run(classify(server.url(), more));
    CHECK(outcome.exit_code == 0);
    CHECK(outcome.out == predicted({"--range", "0:4"}));
    CHECK(outcome.err.empty() == quiet);
    if (!quiet) CHECK(outcome.err.find("(HTTP 503, full); attempt 2 of 5 in ") != std::string::npos);
  }
}

TEST_CASE("the model can be pinned") {
  const ScriptedServer server({service().give()});
  const std::string id = to_hex(service().spec().model_id);
  CHECK(run(classify(server.url(), {"--range", "0:1", "--model-id", id})).exit_code == 0);
  check_failure(run(classify(server.url(), {"--model-id", std::string(64, '0')})), 1,
                "has changed: pinned 0000");
  check_failure(run(classify(server.url(), {"--model-id", "12"})), 2, "--model-id");
  check_failure(run(classify(server.url(), {"--model-id", std::string(64, 'g')})), 2, "--model-id");
}

TEST_CASE("a token comes from a file that is for its owner alone") {
  const TemporaryFolder folder;
  const std::string file = folder / "token";
  std::promise<std::string> asked;
  const ScriptedServer server({[&](Wire& wire) {
    asked.set_value(wire.request());
    wire.send(written(error_reply(401, "no")));
  }});
  const auto with_token = [&](const std::string& text, mode_t mode) {
    write_file(file, as_bytes(text), FileMode::owner_only);
    REQUIRE(::chmod(file.c_str(), mode) == 0);
    return run(classify(server.url(), {"--token-file", file}));
  };
  check_failure(with_token("s3cret\n", 0600), 1, "does not accept the token");
  CHECK(field_in(asked.get_future().get(), "Authorization") == "Bearer s3cret");
  for (const mode_t mode : {0644U, 0640U, 0620U, 0604U}) {
    check_failure(with_token("s3cret\n", mode), 1, "chmod 600");
  }
  for (const std::string text : {"", "\n", "two s3crets\n", "s3cret\nX: y\n"}) {
    const auto outcome = with_token(text, 0600);
    check_failure(outcome, 1, "holds no token");
    CHECK(outcome.err.find("s3cret") == std::string::npos);
  }
  check_failure(run(classify(server.url(), {"--token-file", folder / "none"})), 1, "none");
  CHECK(server.connections() == 1);
}

TEST_CASE("over TLS with an authority of one's own") {
  const TemporaryFolder folder;
  const std::string file = folder / "ca.pem";
  const TlsCertificate certificate = make_certificate("DNS:localhost");
  write_file(file, as_bytes(certificate.certificate), FileMode::everyone);
  boost::asio::ssl::context tls = server_tls(certificate);
  const ScriptedServer server({service().give()}, tls);
  const std::string url = "https://localhost:" + std::to_string(server.port());
  const auto outcome = run(classify(url, {"--ca-file", file, "--range", "0:3"}));
  CHECK(outcome.out == predicted({"--range", "0:3"}));
  check_failure(run(classify(url)), 1, "not trusted");
}

TEST_CASE("what is wrong is found before the server is asked") {
  const ScriptedServer server({service().give()});
  check_failure(run(classify(server.url(), {"--labels", workshop() / "no-labels"})), 1, "no-labels");
  check_failure(run(classify(server.url(), {"--range", "50:70"})), 1, "--range");
  CHECK(server.connections() == 2);  // for the spec
  check_failure(run(classify("http://192.0.2.1")), 1, "--allow-plain-http");
  check_failure(run(classify("192.0.2.1:8080")), 2, "http://");
  check_failure(run(classify("http://alice:s3cret@localhost")), 2, "user name");
  check_failure(run(classify(server.url(), {"--attempts", "0"})), 2, "--attempts");
  check_failure(run(classify(server.url(), {"--timeout", "0"})), 2, "--timeout");
  check_failure(run(classify(server.url(), {"--batch", "0"})), 2, "--batch");
  check_failure(run({"classify", "--key", workshop() / "alice.pub", "--server", server.url(), "--model",
                     "shapes", "--images", workshop() / "images.idx"}),
                1, "alice.pub");
  CHECK(server.connections() == 2);
}

TEST_CASE("a server that is not there is an error that says what to do") {
  const std::string url = "http://127.0.0.1:" + std::to_string(free_port());
  check_failure(run(classify(url, {"--attempts", "1"})), 1, "check that the server runs");
}
