#include <algorithm>
#include <string>

#include "fuzz/json_tree.h"
#include "fuzz/targets/targets.h"
#include "opaline/service/open_inference.h"

// Inputs: the value of Inference-Header-Content-Length, a line feed, the body.
namespace opaline::fuzz {
namespace {

const AnsweringModel kModel{"digits", "0123456789abcdef", "0123"};

Bytes with_length(const std::string& length, ByteView body) {
  Bytes input = bytes_of(length + "\n");
  input.insert(input.end(), body.begin(), body.end());
  return input;
}

struct Split {
  std::string length;
  ByteView body;
};

Split split(ByteView input) {
  const auto end = std::find(input.begin(), input.end(), '\n');
  if (end == input.end()) return {"", input};
  const auto length = static_cast<std::size_t>(end - input.begin());
  return {text_of(input.first(length)), input.subspan(length + 1)};
}

std::vector<Bytes> seeds() {
  const Bytes query = bytes_of("any bytes are a query here");
  std::vector<Bytes> inputs;
  for (const TensorForm form : {TensorForm::json, TensorForm::binary}) {
    const InferBody request = infer_body(query, form);
    inputs.push_back(with_length(field_of(request.fields, kHeaderLengthField), request.body));
    const HttpReply reply = infer_reply({"an id", form, query}, kModel, query);
    inputs.push_back(with_length(field_of(reply.fields, kHeaderLengthField), reply.body));
  }
  inputs.push_back(with_length("", bytes_of(R"({"error": "what went wrong"})")));
  inputs.push_back(with_length(
      "", bytes_of(
              R"({"id": "x", "outputs": [{"name": "reply", "parameters": {"binary_data": true}}], "inputs": )"
              R"([{"name": "query", "datatype": "BYTES", "shape": [1], "data": ["AAAA"]}]})")));
  return inputs;
}

void check_request(const InferRequest& request) {
  for (const TensorForm form : {TensorForm::json, TensorForm::binary}) {
    const InferBody body = infer_body(request.query, form);
    const InferRequest again = parse_infer_request(body.body, field_of(body.fields, kHeaderLengthField));
    require(again.query == request.query && again.reply_form == form, "a request is read as it was written");
  }
  const HttpReply reply = infer_reply(request, kModel, request.query);
  const InferAnswer answer = parse_infer_reply(reply.body, field_of(reply.fields, kHeaderLengthField));
  require(answer.reply == request.query && answer.model.id == kModel.id, "a reply is read as it was written");
}

void run(ByteView input) {
  const Split parts = split(input);
  accepted({ErrorKind::damaged, ErrorKind::too_large},
           [&] { check_request(parse_infer_request(parts.body, parts.length)); });
  accepted({ErrorKind::damaged, ErrorKind::too_large}, [&] { parse_infer_reply(parts.body, parts.length); });
  error_message(parts.body);
}

// The JSON is changed, or the bytes behind it, and the lengths of both are made right.
Bytes mutate(Bytes input, std::size_t limit, Mutator& mutator) {
  const Split parts = split(input);
  const bool binary = !parts.length.empty();
  const auto text_end = std::min<std::size_t>(
      parts.body.size(), binary ? std::strtoull(parts.length.c_str(), nullptr, 10) : parts.body.size());
  std::optional<Json> json = mutator.one_in(4) ? std::nullopt : read_json(parts.body.first(text_end));
  if (!json) {
    mutator.change(input, limit);
    return input;
  }
  const ByteView behind = parts.body.subspan(text_end);
  Bytes bytes(behind.begin(), behind.end());
  if (binary && mutator.one_in(3)) {
    mutator.change(bytes, limit);
  } else {
    mutate_json(*json, mutator, [&](std::string& text) {
      Bytes changed = bytes_of(text);
      mutator.change(changed, limit);
      text = mutator.one_in(2) ? to_base64(changed) : text_of(changed);
    });
  }
  Bytes text = write_json(*json);
  const std::string length = binary ? std::to_string(text.size()) : "";
  text.insert(text.end(), bytes.begin(), bytes.end());
  return with_length(length, text);
}

}  // namespace

FuzzTarget open_inference_target() { return {"open_inference", seeds, run, mutate, 300}; }

}  // namespace opaline::fuzz
