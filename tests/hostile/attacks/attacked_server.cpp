#include "hostile/attacks/attacked_server.h"

#include <cstdlib>
#include <memory>
#include <random>
#include <utility>

#include "inference/parties.h"
#include "opaline/inference/ciphertext_bytes.h"
#include "opaline/paillier/decryptor.h"

namespace opaline::test {

AttackedServer product_server(const CompiledModel& model, const PublicKey& key) {
  const auto server = std::make_shared<const Server>(model);
  return [server, key](const std::vector<Integer>& query) {
    const ClientSpec& spec = server->model().client_spec();
    OpenQuery message{{key, spec.model_id, layout_for(spec, Packing::plain, 1), 1, {}}, {{}}};
    for (const Integer& number : query) {
      const Bytes bytes = to_bytes(number, key.ciphertext_bytes());
      message.chunks[0].insert(message.chunks[0].end(), bytes.begin(), bytes.end());
    }
    std::vector<Integer> reply;
    for (const Ciphertext& one :
         parse_ciphertexts(key, open_reply(server->answer(close(message)), spec, key).chunks[0])) {
      reply.push_back(one.value());
    }
    return reply;
  };
}

AttackedServer weakened_server(const CompiledModel& model, const PublicKey& key,
                               std::function<Integer()> noise) {
  return [model, key, noise = std::move(noise)](const std::vector<Integer>& query) {
    const ClientSpec& spec = model.client_spec();
    std::vector<Integer> inverse;
    for (const Integer& number : query) inverse.push_back(invert_vartime(number, key.n_squared()));
    std::vector<Integer> reply;
    for (std::size_t k = 0; k < spec.outputs; ++k) {
      Integer product = 1 + (Integer(model.bias()[k]) + spec.bound) * key.n();
      for (std::size_t j = 0; j < spec.inputs; ++j) {
        const std::int32_t weight = model.weights()[k * spec.inputs + j];
        const Integer& base = weight < 0 ? inverse[j] : query[j];
        product = product * pow_mod_vartime(base, std::abs(weight), key.n_squared()) % key.n_squared();
      }
      reply.push_back(product * noise() % key.n_squared());
    }
    return reply;
  };
}

CompiledModel random_model(std::size_t inputs, std::size_t outputs, unsigned bits) {
  std::mt19937 random(56);
  const std::int32_t largest = (std::int32_t{1} << (bits - 1)) - 1;
  std::vector<std::int32_t> weights(inputs * outputs);
  for (std::int32_t& weight : weights) {
    weight = static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(2 * largest + 1)) - largest;
  }
  weights[0] = -largest;
  weights[1] = largest;
  weights[2] = 0;
  std::vector<std::int64_t> bias(outputs);
  for (std::int64_t& one : bias) one = static_cast<std::int64_t>(random() % 2001) - 1000;
  return make_model(inputs, 4, std::move(weights), std::move(bias));
}

std::vector<std::int64_t> row_of(const CompiledModel& model, std::size_t output) {
  const auto row = model.weights().subspan(output * model.client_spec().inputs, model.client_spec().inputs);
  return {row.begin(), row.end()};
}

Opened open(const SecretKey& key, const Integer& ciphertext) {
  const PublicKey& n = key.public_key();
  const auto parsed = parse_ciphertexts(n, to_bytes(ciphertext, n.ciphertext_bytes()));
  const Integer plaintext = Decryptor(key).decrypt(parsed).front();
  // ciphertext ≡ r^n mod n, and the n-th root is a power with the inverse exponent.
  const Integer root = invert_vartime(n.n(), (key.p().value() - 1) * (key.q().value() - 1));
  return {plaintext, pow_mod_vartime(ciphertext % n.n(), root, n.n())};
}

}  // namespace opaline::test
