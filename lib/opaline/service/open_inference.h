#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "opaline/base/bytes.h"
#include "opaline/service/http.h"

namespace opaline {

/// Bodies of the Open Inference Protocol (KServe V2, "REST" and "Binary Tensor Data Extension") with one
/// BYTES tensor of one element: `query` to the server, `reply` back.
enum class TensorForm {
  json,   ///< base64 in "data"
  binary  ///< behind the JSON, whose length the field Inference-Header-Content-Length tells
};

/// The field that tells how long the JSON before binary tensors is.
inline constexpr const char* kHeaderLengthField = "Inference-Header-Content-Length";

/// Deepest nesting of JSON that is read, unless told otherwise.
inline constexpr std::size_t kDeepestJson = 16;

/// Of the texts in a body's JSON one, the tensor's, may be of any length. Every other has at most
/// kLongestText bytes as it stands there, and the JSON without that one at most kLargestJson, whitespace and
/// all. So reading takes time in proportion to the body, and memory for the tensor, its text if that has
/// escapes, and a few MiB.
inline constexpr std::size_t kLongestText = 4096;
inline constexpr std::size_t kLargestJson = std::size_t{64} << 10;

struct InferRequest {
  std::optional<std::string> id;
  TensorForm reply_form = TensorForm::json;
  Bytes query;
};

/// Reads a request's body. `header_length`: the value of kHeaderLengthField, empty if the field is missing.
/// Error(damaged) says what is wrong, or which limit of the above is exceeded; Error(too_large) for JSON
/// nested deeper than `deepest`.
InferRequest parse_infer_request(ByteView body, const std::string& header_length,
                                 std::size_t deepest = kDeepestJson);

/// What a reply says of the model that answered.
struct AnsweringModel {
  std::string name;
  std::string version;
  std::string id;  ///< model id in hexadecimal digits
};

/// The reply to a request, in the form that it asked for.
HttpReply infer_reply(const InferRequest& request, const AnsweringModel& model, Bytes reply);

/// The client's side: a request's body with its fields, and the `reply` tensor of a body that came back.
struct InferBody {
  std::string content_type;
  HttpFields fields;
  Bytes body;
};
InferBody infer_body(ByteView query, TensorForm form);

struct InferAnswer {
  AnsweringModel model;
  Bytes reply;
};
/// Error(damaged) if it is not a reply to such a request, Error(too_large) if its JSON is nested deeper than
/// kDeepestJson.
InferAnswer parse_infer_reply(ByteView body, const std::string& header_length);

/// The message of an error's body, or the body's beginning if it has none or more than kLargestJson bytes.
std::string error_message(ByteView body);

}  // namespace opaline
