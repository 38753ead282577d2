#include "opaline/service/open_inference.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "opaline/base/error.h"

namespace opaline {
namespace {

using Json = nlohmann::json;                 // what is read: members are found in logarithmic time
using WrittenJson = nlohmann::ordered_json;  // never read into: each new member is compared with all others

constexpr const char* kQuery = "query";
constexpr const char* kReply = "reply";
constexpr const char* kBytes = "BYTES";
constexpr std::size_t kLengthBytes = 4;  // before every element of a binary BYTES tensor
constexpr std::size_t kShownOfBody = 200;

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::damaged, why); }

[[noreturn]] void refuse_json(std::size_t byte) {
  // The parser's own words quote what stands there, which may be long.
  refuse("not JSON: wrong at byte " + std::to_string(byte));
}

// Where the text that begins at `first`, behind its '"', ends.
std::size_t end_of_text(ByteView json, std::size_t first) {
  std::size_t at = first;
  for (; at < json.size() && json[at] >= ' '; ++at) {
    if (json[at] == '"') return at;
    if (json[at] == '\\') ++at;
  }
  refuse_json(std::min(at, json.size()) + 1);
}

// What stands for a text that was taken out: longer than any that was not.
const std::string& long_text_mark() {
  static const std::string mark(kLongestText + 1, '*');
  return mark;
}

// JSON without its one long text.
struct Stripped {
  std::string rest;
  std::size_t mark_at = std::string::npos;  // in the rest
  ByteView long_text;                       // as it stands in the JSON; empty if there is none
};

void take_text(Stripped& stripped, ByteView text) {
  if (text.size() <= kLongestText) {
    stripped.rest.append(text.begin(), text.end());
  } else if (stripped.long_text.empty()) {
    stripped.mark_at = stripped.rest.size();
    stripped.rest += long_text_mark();
    stripped.long_text = text;
  } else {
    refuse("two texts in the JSON are longer than " + std::to_string(kLongestText) + " bytes");
  }
}

Stripped strip(ByteView json, std::size_t deepest) {
  Stripped stripped;
  std::size_t depth = 0;
  for (std::size_t at = 0; at < json.size(); ++at) {
    const char symbol = static_cast<char>(json[at]);
    stripped.rest += symbol;
    if ((symbol == '{' || symbol == '[') && depth++ == deepest) {
      throw Error(ErrorKind::too_large, "JSON nested more than " + std::to_string(deepest) + " deep");
    }
    if ((symbol == '}' || symbol == ']') && depth > 0) --depth;
    if (symbol == '"') {
      const std::size_t end = end_of_text(json, at + 1);
      take_text(stripped, json.subspan(at + 1, end - at - 1));
      stripped.rest += '"';
      at = end;
    }
    if (stripped.rest.size() > kLargestJson) {
      refuse("the JSON has more than " + std::to_string(kLargestJson) + " bytes beside the tensor's text");
    }
  }
  return stripped;
}

struct Document {
  Json root;
  ByteView long_text;
};

// The parser takes many times the memory of what it reads, so it sees only what has a limit.
Document read_json(ByteView json, std::size_t deepest) {
  const Stripped stripped = strip(json, deepest);
  try {
    return {Json::parse(stripped.rest), stripped.long_text};
  } catch (const Json::parse_error& error) {
    const bool behind = error.byte > stripped.mark_at;
    refuse_json(error.byte + (behind ? stripped.long_text.size() - long_text_mark().size() : 0));
  } catch (const Json::exception&) {
    refuse("not JSON: a number in it is beyond double precision");
  }
}

// A member of an object, or null; the object itself must be one.
const Json& member(const Json& object, const char* name) {
  static const Json missing;
  if (!object.is_object()) refuse("not a JSON object where one is expected");
  const auto found = object.find(name);
  return found == object.end() ? missing : *found;
}

bool flag(const Json& parameters, const char* name) {
  if (parameters.is_null()) return false;
  const Json& value = member(parameters, name);
  if (value.is_null()) return false;
  if (!value.is_boolean()) refuse(std::string("the parameter ") + name + " is not true or false");
  return value.get<bool>();
}

// The JSON part of a body and the binary part behind it.
struct Parts {
  Document json;
  std::optional<ByteView> binary;
};

Parts read_parts(ByteView body, const std::string& header_length, std::size_t deepest) {
  if (header_length.empty()) return {read_json(body, deepest), std::nullopt};
  std::size_t length = 0;
  const auto [end, error] =
      std::from_chars(header_length.data(), header_length.data() + header_length.size(), length);
  if (error != std::errc() || end != header_length.data() + header_length.size() || length > body.size()) {
    refuse(std::string(kHeaderLengthField) + " is not a length within the body");
  }
  return {read_json(body.first(length), deepest), body.subspan(length)};
}

Bytes from_binary(const Json& size, const std::optional<ByteView>& binary) {
  if (!binary) refuse(std::string("binary data without the field ") + kHeaderLengthField);
  if (!size.is_number_unsigned() || size.get<std::uint64_t>() != binary->size()) {
    refuse("binary_data_size is not the " + std::to_string(binary->size()) + " bytes behind the JSON");
  }
  if (binary->size() < kLengthBytes) refuse("the binary data has no length of its element");
  std::uint32_t length = 0;
  for (std::size_t i = kLengthBytes; i-- > 0;) length = length << 8 | (*binary)[i];
  if (length != binary->size() - kLengthBytes) {
    refuse("the element's length of " + std::to_string(length) + " bytes does not fit the binary data");
  }
  return {binary->begin() + kLengthBytes, binary->end()};
}

// The character of an escape, behind its '\'; its length is taken off. Only those that stand for one of ASCII
// that base64 has: some write '/' as "\/" and '+' as "\u002B".
char take_escaped(std::string_view& text) {
  constexpr std::string_view ascii = "u00";
  constexpr std::size_t length = 5;
  if (text.starts_with('/')) {
    text.remove_prefix(1);
    return '/';
  }
  unsigned code = 0;
  const std::string_view digits = text.substr(0, length);
  if (digits.size() == length && digits.starts_with(ascii)) {
    const auto [end, error] = std::from_chars(digits.data() + ascii.size(), digits.data() + length, code, 16);
    if (error == std::errc() && end == digits.data() + length) {
      text.remove_prefix(length);
      return static_cast<char>(code);
    }
  }
  refuse("an escape in the tensor's data stands for nothing that base64 has");
}

// Base64 as it stands in JSON.
Bytes from_json_base64(ByteView json) {
  std::string_view text(reinterpret_cast<const char*>(json.data()), json.size());
  if (text.find('\\') == std::string_view::npos) return from_base64(text);
  std::string plain;
  plain.reserve(text.size());
  while (!text.empty()) {
    const char symbol = text.front();
    text.remove_prefix(1);
    plain += symbol == '\\' ? take_escaped(text) : symbol;
  }
  return from_base64(plain);
}

Bytes from_data(const Json& data, const Json& parameters, ByteView long_text) {
  if (!parameters.is_null()) {
    const Json& form = member(parameters, "content_type");
    if (!form.is_null() && form != "base64") refuse("the tensor's content_type is not base64");
  }
  if (!data.is_array() || data.size() != 1 || !data.front().is_string()) {
    refuse("the tensor's data is not a list of one base64 text");
  }
  const auto& text = data.front().get_ref<const std::string&>();
  return text == long_text_mark() ? from_json_base64(long_text) : from_base64(text);
}

// The one element of the one tensor in a list.
Bytes only_tensor(const Json& list, const char* name, const Parts& parts) {
  if (!list.is_array() || list.size() != 1) refuse(std::string("there is not just one tensor, ") + name);
  const Json& tensor = list.front();
  if (member(tensor, "name") != name) refuse(std::string("the tensor is not named ") + name);
  if (member(tensor, "datatype") != kBytes) refuse("the tensor's datatype is not BYTES");
  if (member(tensor, "shape") != Json::array({1})) refuse("the tensor's shape is not [1]");
  const Json& parameters = member(tensor, "parameters");
  const Json& size = parameters.is_null() ? parameters : member(parameters, "binary_data_size");
  const Json& data = member(tensor, "data");
  if (!size.is_null() && !data.is_null()) refuse("the tensor has both data and binary_data_size");
  if (!size.is_null()) return from_binary(size, parts.binary);
  if (parts.binary && !parts.binary->empty()) refuse("there are bytes behind the JSON that no tensor claims");
  return from_data(data, parameters, parts.json.long_text);
}

Bytes length_and(ByteView bytes) {
  if (bytes.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw Error(ErrorKind::too_large, "a BYTES element of more than 2^32 - 1 bytes");
  }
  Bytes result;
  result.reserve(kLengthBytes + bytes.size());
  for (std::size_t i = 0; i < kLengthBytes; ++i) {
    result.push_back(static_cast<std::uint8_t>(bytes.size() >> (8 * i)));
  }
  result.insert(result.end(), bytes.begin(), bytes.end());
  return result;
}

// A body with one tensor in the list `list` of `message`.
InferBody make_body(WrittenJson message, const char* list, const char* name, ByteView bytes,
                    TensorForm form) {
  WrittenJson tensor{{"name", name}, {"datatype", kBytes}, {"shape", {1}}};
  Bytes binary;
  if (form == TensorForm::binary) {
    binary = length_and(bytes);
    tensor["parameters"] = {{"binary_data_size", binary.size()}};
  } else {
    tensor["parameters"] = {{"content_type", "base64"}};
    tensor["data"] = WrittenJson::array({to_base64(bytes)});
  }
  message[list] = WrittenJson::array({std::move(tensor)});
  const std::string json = message.dump();
  InferBody body{form == TensorForm::binary ? "application/octet-stream" : "application/json", {}, {}};
  if (form == TensorForm::binary) body.fields.emplace_back(kHeaderLengthField, std::to_string(json.size()));
  body.body.reserve(json.size() + binary.size());
  body.body.assign(json.begin(), json.end());
  body.body.insert(body.body.end(), binary.begin(), binary.end());
  return body;
}

std::string text_of(const Json& value, const char* what) {
  if (!value.is_string()) refuse(std::string(what) + " is not a text");
  const auto& text = value.get_ref<const std::string&>();
  if (text.size() > kLongestText) {
    refuse(std::string(what) + " is longer than " + std::to_string(kLongestText) + " bytes");
  }
  return text;
}

}  // namespace

InferRequest parse_infer_request(ByteView body, const std::string& header_length, std::size_t deepest) {
  const Parts parts = read_parts(body, header_length, deepest);
  const Json& message = parts.json.root;
  InferRequest request;
  const Json& id = member(message, "id");
  if (!id.is_null()) request.id = text_of(id, "id");
  const Json& parameters = member(message, "parameters");
  if (flag(parameters, "binary_data_output")) request.reply_form = TensorForm::binary;
  const Json& outputs = member(message, "outputs");
  if (!outputs.is_null() && !(outputs.is_array() && outputs.size() <= 1)) {
    refuse("outputs is not a list of at most the one output, reply");
  }
  for (const Json& output : outputs) {
    if (member(output, "name") != kReply) refuse("the only output is named reply");
    const Json& wanted = member(output, "parameters");
    if (!wanted.is_null() && !member(wanted, "binary_data").is_null()) {
      request.reply_form = flag(wanted, "binary_data") ? TensorForm::binary : TensorForm::json;
    }
  }
  request.query = only_tensor(member(message, "inputs"), kQuery, parts);
  return request;
}

HttpReply infer_reply(const InferRequest& request, const AnsweringModel& model, Bytes reply) {
  WrittenJson message{{"model_name", model.name}, {"model_version", model.version}};
  if (request.id) message["id"] = *request.id;
  message["parameters"] = {{"model_id", model.id}};
  InferBody body = make_body(std::move(message), "outputs", kReply, reply, request.reply_form);
  return {200, std::move(body.content_type), std::move(body.fields), std::move(body.body)};
}

InferBody infer_body(ByteView query, TensorForm form) {
  WrittenJson message = WrittenJson::object();
  if (form == TensorForm::binary) message["parameters"] = {{"binary_data_output", true}};
  return make_body(std::move(message), "inputs", kQuery, query, form);
}

InferAnswer parse_infer_reply(ByteView body, const std::string& header_length) {
  const Parts parts = read_parts(body, header_length, kDeepestJson);
  const Json& message = parts.json.root;
  InferAnswer answer;
  answer.model.name = text_of(member(message, "model_name"), "model_name");
  answer.model.version = text_of(member(message, "model_version"), "model_version");
  const Json& parameters = member(message, "parameters");
  answer.model.id = text_of(member(parameters, "model_id"), "model_id");
  answer.reply = only_tensor(member(message, "outputs"), kReply, parts);
  return answer;
}

std::string error_message(ByteView body) {
  if (body.size() <= kLargestJson) {
    const Json message = Json::parse(body.begin(), body.end(), nullptr, false);
    if (message.is_object()) {
      const auto found = message.find("error");
      if (found != message.end() && found->is_string()) return found->get<std::string>();
    }
  }
  const ByteView shown = body.first(std::min(body.size(), kShownOfBody));
  std::string text(shown.begin(), shown.end());
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, ' ');
  return text;
}

}  // namespace opaline
