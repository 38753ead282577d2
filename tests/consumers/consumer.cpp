// What a program outside the project does with the library: a whole round trip, and one call into each layer
// that stands on another library, so that a link dependency that is missing from the package is noticed.

#include <cstdio>

#include "opaline/base/error.h"
#include "opaline/inference/client.h"
#include "opaline/inference/server.h"
#include "opaline/model/onnx_network.h"

namespace {

opaline::CompiledModel model() {
  opaline::ClientSpec spec;
  spec.name = "consumer";
  spec.input_shape = {2};
  spec.inputs = 2;
  spec.outputs = 1;
  spec.encoding.bits = 4;
  spec.labels = {"0"};
  return {spec, {-3, 5}, {7}};
}

bool refuses_what_is_no_onnx_file() {
  try {
    opaline::import_onnx(opaline::as_bytes("no network"), "text");
  } catch (const opaline::Error& error) {
    return error.kind() == opaline::ErrorKind::damaged;
  }
  return false;
}

}  // namespace

int main() {
  const opaline::SecretKey key = opaline::SecretKey::generate(opaline::kSmallestKeyBits);
  const opaline::Server server(model());
  const opaline::ClientSpec& spec = server.model().client_spec();
  const opaline::Bytes query = opaline::QueryEncryptor(spec, opaline::Encryptor(key)).encrypt({{2, 11}});
  const auto answers = opaline::ReplyDecryptor(spec, opaline::Decryptor(key)).decrypt(server.answer(query));
  std::printf("%lld\n", static_cast<long long>(answers.at(0).at(0)));
  return answers.at(0).at(0) == -3 * 2 + 5 * 11 + 7 && refuses_what_is_no_onnx_file() ? 0 : 1;
}
