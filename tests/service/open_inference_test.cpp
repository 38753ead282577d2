#include "opaline/service/open_inference.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <utility>

#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

Bytes bytes(const std::string& text) { return {text.begin(), text.end()}; }

std::string field(const HttpFields& fields, const std::string& name) {
  for (const auto& [key, value] : fields) {
    if (key == name) return value;
  }
  return "";
}

const AnsweringModel kModel{"digits", "0123", "0123456789"};

InferRequest parse(const std::string& json) { return parse_infer_request(bytes(json), ""); }

}  // namespace

TEST_CASE("A request as the protocol writes it", "[open_inference]") {
  const InferRequest request =
      parse(R"({"id":"42","parameters":{"x":1},"inputs":[{"name":"query","shape":[1],"datatype":"BYTES",)"
            R"("parameters":{"content_type":"base64"},"data":["aGVsbG8="]}],"outputs":[{"name":"reply"}]})");
  CHECK(request.id == "42");
  CHECK(request.query == bytes("hello"));
  CHECK(request.reply_form == TensorForm::json);

  const HttpReply reply = infer_reply(request, kModel, bytes("world"));
  CHECK(reply.status == 200);
  CHECK(reply.content_type == "application/json");
  const auto json = nlohmann::json::parse(reply.body);
  CHECK(json.at("id") == "42");
  CHECK(json.at("model_name") == "digits");
  CHECK(json.at("model_version") == "0123");
  const auto& output = json.at("outputs").at(0);
  CHECK(output.at("name") == "reply");
  CHECK(output.at("datatype") == "BYTES");
  CHECK(output.at("shape") == nlohmann::json::array({1}));
  CHECK(output.at("data").at(0) == "d29ybGQ=");
}

TEST_CASE("Binary tensors as the extension lays them out", "[open_inference]") {
  const std::string json =
      R"({"inputs":[{"name":"query","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":9}}],)"
      R"("outputs":[{"name":"reply","parameters":{"binary_data":true}}]})";
  Bytes body = bytes(json);
  for (const char byte : std::string("\5\0\0\0hello", 9)) body.push_back(static_cast<std::uint8_t>(byte));
  const InferRequest request = parse_infer_request(body, std::to_string(json.size()));
  CHECK(request.query == bytes("hello"));
  CHECK(!request.id);
  REQUIRE(request.reply_form == TensorForm::binary);

  const HttpReply reply = infer_reply(request, kModel, bytes("hi"));
  CHECK(reply.content_type == "application/octet-stream");
  const std::size_t length = std::stoul(field(reply.fields, kHeaderLengthField));
  const auto head = nlohmann::json::parse(reply.body.begin(), reply.body.begin() + static_cast<long>(length));
  CHECK(head.at("outputs").at(0).at("parameters").at("binary_data_size") == 6);
  CHECK(!head.contains("id"));
  CHECK(Bytes(reply.body.begin() + static_cast<long>(length), reply.body.end()) ==
        Bytes{2, 0, 0, 0, 'h', 'i'});

  for (std::size_t cut = 1; cut <= body.size(); ++cut) {
    const ByteView part = ByteView(body).first(body.size() - cut);
    CHECK(kind_of([&] { parse_infer_request(part, std::to_string(json.size())); }) == ErrorKind::damaged);
  }
  for (const char* length_field : {"x", "-1", "1.0", " 3", "99999999999999999999999", "0x10"}) {
    CHECK(kind_of([&] { parse_infer_request(body, length_field); }) == ErrorKind::damaged);
  }
}

TEST_CASE("Both forms come back from the client's side as they went", "[open_inference]") {
  for (const TensorForm form : {TensorForm::json, TensorForm::binary}) {
    for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{1000}}) {
      Bytes query(size);
      for (std::size_t i = 0; i < size; ++i) query[i] = static_cast<std::uint8_t>(37 * i);
      const InferBody body = infer_body(query, form);
      const InferRequest request = parse_infer_request(body.body, field(body.fields, kHeaderLengthField));
      CHECK(request.query == query);
      CHECK(request.reply_form == form);
      const HttpReply reply = infer_reply(request, kModel, query);
      const InferAnswer answer = parse_infer_reply(reply.body, field(reply.fields, kHeaderLengthField));
      CHECK(answer.reply == query);
      CHECK(answer.model.name == "digits");
      CHECK(answer.model.id == "0123456789");
    }
  }
}

TEST_CASE("Wrong requests are refused", "[open_inference]") {
  const std::string good = R"({"name":"query","shape":[1],"datatype":"BYTES","data":["aGk="]})";
  CHECK(parse(R"({"inputs":[)" + good + "]}").query == bytes("hi"));
  const std::string wrong[] = {
      "",
      "null",
      "[]",
      "{",
      "{}",
      R"({"inputs":{}})",
      R"({"inputs":[]})",
      R"({"inputs":[1]})",
      R"({"inputs":[)" + good + "," + good + "]}",
      R"({"inputs":[{"name":"other","shape":[1],"datatype":"BYTES","data":["aGk="]}]})",
      R"({"inputs":[{"name":"query","shape":[2],"datatype":"BYTES","data":["aGk="]}]})",
      R"({"inputs":[{"name":"query","shape":[1],"datatype":"FP32","data":["aGk="]}]})",
      R"({"inputs":[{"name":"query","shape":[1],"datatype":"BYTES","data":"aGk="}]})",
      R"({"inputs":[{"name":"query","shape":[1],"datatype":"BYTES","data":["aGk=","aGk="]}]})",
      R"({"inputs":[{"name":"query","shape":[1],"datatype":"BYTES","data":[1]}]})",
      R"({"inputs":[{"name":"query","shape":[1],"datatype":"BYTES","data":["aGk"]}]})",
      R"({"inputs":[{"name":"query","shape":[1],"datatype":"BYTES"}]})",
      R"({"inputs":[{"name":"query","shape":[1],"datatype":"BYTES","parameters":{"binary_data_size":6}}]})",
      R"({"inputs":[{"name":"query","shape":[1],"datatype":"BYTES","parameters":{"content_type":"str"},"data":["aGk="]}]})",
      R"({"id":7,"inputs":[)" + good + "]}",
      R"({"outputs":{},"inputs":[)" + good + "]}",
      R"({"outputs":[{"name":"query"}],"inputs":[)" + good + "]}",
      R"({"parameters":{"binary_data_output":1},"inputs":[)" + good + "]}",
      R"({"inputs":[)" + good + "]} trailing",
      "{\"inputs\":[" + good + "],\"id\":\"\xff\"}"};
  for (const std::string& json : wrong) {
    CAPTURE(json);
    CHECK(kind_of([&] { parse(json); }) == ErrorKind::damaged);
  }
}

TEST_CASE("The one long text of a body is the tensor's, however it is written", "[open_inference]") {
  Bytes query(100'000);
  for (std::size_t i = 0; i < query.size(); ++i) query[i] = static_cast<std::uint8_t>(i * i >> 3);
  const std::string text = to_base64(query);
  REQUIRE(text.find('/') != std::string::npos);
  REQUIRE(text.find('+') != std::string::npos);
  const auto request = [](const std::string& data, const std::string& before = "") {
    return "{" + before + R"("inputs":[{"name":"query","shape":[1],"datatype":"BYTES","data":[")" + data +
           R"("]}]})";
  };
  CHECK(parse(request(text)).query == query);
  const auto replaced = [&](char symbol, const std::string& by) {
    std::string changed;
    for (const char c : text) changed += c == symbol ? by : std::string(1, c);
    return changed;
  };
  CHECK(parse(request(replaced('/', "\\/"))).query == query);
  CHECK(parse(request(replaced('+', "\\u002b"))).query == query);
  CHECK(parse(request(replaced('+', "\\u002B"))).query == query);
  CHECK(parse(request(text, R"("id":")" + std::string(kLongestText, 'x') + "\",")).query == query);
  // What stands for it inside is no query if the body says so itself.
  const std::string mark(kLongestText + 1, '*');
  const std::string long_text = R"("x":")" + text + "\",";
  const std::string wrong[] = {request(mark),
                               request(mark.substr(1), long_text),
                               request(text.substr(1)),
                               request("\\n" + text),
                               request("\\u00" + text),
                               request("\\u00g0" + text),
                               request("\\u0" + text),
                               request(text + "\\"),
                               request(text, R"("id":")" + std::string(kLongestText + 1, 'x') + "\","),
                               request("AAAA", R"("id":")" + text + "\","),
                               request(text, long_text),
                               request(text) + "}"};
  for (const std::string& json : wrong) {
    CAPTURE(json.substr(0, 100));
    CHECK(kind_of([&] { parse(json); }) == ErrorKind::damaged);
  }
  CHECK(parse(request("aGk=", long_text)).query == bytes("hi"));  // of a member that nobody knows
  const auto error = error_of([&] { parse(request(text) + "}"); });
  REQUIRE(error);
  CHECK(std::string(error->what()).ends_with(" " + std::to_string(request(text).size() + 1)));
}

TEST_CASE("What a parser would take long for, or much memory, is refused by its size", "[open_inference]") {
  const auto repeated = [](const std::string& open, const auto& element, const std::string& close) {
    std::string json = open + element(0);
    for (std::size_t i = 1; json.size() < std::size_t{1} << 20; ++i) json += "," + element(i);
    return json + close;
  };
  const auto always = [](const char* text) {
    return [text](std::size_t /*i*/) { return std::string(text); };
  };
  const auto member = [](std::size_t i) { return "\"" + std::to_string(i) + "\":0"; };
  const std::string good = R"("inputs":[{"name":"query","shape":[1],"datatype":"BYTES","data":["aGk="]}])";
  const std::string wrong[] = {
      repeated("{", member, "," + good + "}"),
      repeated("{" + good + R"(,"parameters":{)", member, "}}"),
      repeated("[", always("[]"), "]"),
      repeated("[", always("{}"), "]"),
      repeated("[", always("\"\""), "]"),
      repeated("{" + good + R"(,"x":[)", always("0"), "]}"),
      repeated(
          "[", [](std::size_t /*i*/) { return "\"" + std::string(5000, 'x') + "\""; }, "]"),
      std::string(std::size_t{1} << 20, '\n') + "{" + good + "}"};
  for (const std::string& json : wrong) {
    CAPTURE(json.substr(0, 100));
    const auto error = error_of([&] { parse(json); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::damaged);
    CHECK_THAT(error->what(), Catch::Contains("bytes"));
    CHECK_THAT(error->what(), !Catch::Contains("not JSON"));
    CHECK(kind_of([&] { parse_infer_reply(bytes(json), ""); }) == ErrorKind::damaged);
    CHECK(kind_of([&] { parse_infer_request(bytes(json), std::to_string(json.size())); }) ==
          ErrorKind::damaged);
    CHECK(error_message(bytes(json)).size() == 200);
  }
  // The limit itself, with a member twice: the later one counts.
  const std::string most = R"({"id":"1","id":"2",)" + good + "}";
  CHECK(parse(std::string(kLargestJson - most.size(), ' ') + most).id == "2");
  CHECK(kind_of([&] { parse(std::string(kLargestJson - most.size() + 1, ' ') + most); }) ==
        ErrorKind::damaged);
}

TEST_CASE("Deep JSON is refused by its depth, not by the stack", "[open_inference]") {
  const auto nested = [](std::size_t depth) {
    return R"({"inputs":)" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(kind_of([&] { parse(nested(15)); }) == ErrorKind::damaged);
  CHECK(kind_of([&] { parse(nested(16)); }) == ErrorKind::too_large);
  CHECK(kind_of([&] { parse(nested(1'000'000)); }) == ErrorKind::too_large);
  CHECK(kind_of([&] { parse(std::string(1'000'000, '[')); }) == ErrorKind::too_large);
}

TEST_CASE("A refusal does not quote the body", "[open_inference]") {
  for (const std::string& start : {std::string("{\"a"), std::string("[1")}) {
    const auto error = error_of([&] { parse(start + std::string(100'000, '7')); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::damaged);
    CHECK(std::string(error->what()).size() < 100);
  }
}

TEST_CASE("An error's message is found, or what there is of one", "[open_inference]") {
  CHECK(error_message(bytes(R"({"error":"no such model"})")) == "no such model");
  CHECK(error_message(bytes("<html>\n\x01</html>")) == "<html>  </html>");
  CHECK(error_message(bytes(std::string(1000, 'x'))).size() == 200);
  CHECK(error_message({}).empty());
  CHECK(error_message(bytes(R"({"error":")" + std::string(kLargestJson, 'x') + "\"}")).size() == 200);
}
