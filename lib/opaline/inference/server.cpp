#include "opaline/inference/server.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <utility>
#include <vector>

#include "opaline/base/error.h"
#include "opaline/inference/ciphertext_bytes.h"
#include "opaline/inference/named_errors.h"
#include "opaline/packing/slot_layout.h"
#include "opaline/paillier/ciphertext.h"

namespace opaline {
namespace {

// Fewest bits for which every |weight| < 2^(bits − 1), as Evaluator counts them: two at least.
unsigned magnitude_bits(std::span<const std::int32_t> weights) {
  std::uint32_t magnitudes = 1;
  for (const std::int32_t weight : weights) magnitudes |= static_cast<std::uint32_t>(std::abs(weight));
  return static_cast<unsigned>(std::bit_width(magnitudes)) + 1;
}

// What makes every slot of output k non-negative, the model's bias included.
std::vector<Integer> offsets(const SlotLayout& layout, std::span<const std::int64_t> bias) {
  std::vector<Integer> all;
  all.reserve(bias.size());
  for (const std::int64_t one : bias) all.push_back(layout.offset(one));
  return all;
}

}  // namespace

/// Evaluators of the keys that asked last, so that a key's checks, its arithmetic and left-over noise need
/// not be made anew.
class Server::Evaluators {
 public:
  explicit Evaluators(const Backend& backend) : backend_(backend) {}

  std::shared_ptr<const Evaluator> of(const Integer& n) {
    {
      const std::lock_guard lock(mutex_);
      const auto found = std::find_if(recent_.begin(), recent_.end(), [&](const auto& evaluator) {
        return evaluator->public_key().n() == n;
      });
      if (found != recent_.end()) {
        std::rotate(recent_.begin(), found, found + 1);
        return recent_.front();
      }
    }
    auto fresh = std::make_shared<const Evaluator>(PublicKey(n), backend_);
    const std::lock_guard lock(mutex_);
    recent_.insert(recent_.begin(), fresh);
    if (recent_.size() > kMost) recent_.pop_back();
    return fresh;
  }

 private:
  static constexpr std::size_t kMost = 16;
  const Backend& backend_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const Evaluator>> recent_;
};

Server::Server(CompiledModel model, const Backend& backend)
    : model_(std::move(model)),
      schedule_(WeightMatrix{model_.client_spec().outputs, model_.client_spec().inputs, model_.weights(),
                             magnitude_bits(model_.weights())},
                backend.lanes()),
      evaluators_(std::make_unique<Evaluators>(backend)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

void Server::answer(FrameReader& query, const ByteSink& out, const ImageProgress& progress) const {
  const ClientSpec& spec = model_.client_spec();
  std::shared_ptr<const Evaluator> evaluator;
  const QueryHeader header = read_query_header(query, [&](const Integer& n) {
    evaluator = evaluators_->of(n);
    return evaluator->public_key();
  });
  if (header.model_id != spec.model_id) {
    throw Error(ErrorKind::wrong_model,
                query.name() + ": made for another model; encrypt it again with this model's client file");
  }
  const PublicKey& key = header.key;
  const SlotLayout layout = with_name(query.name(), [&] {
    return SlotLayout::granted(header.layout, spec.bound, spec.encoding.maximum(), key.bits());
  });
  const std::vector<Integer> constants = offsets(layout, model_.bias());

  const Digest query_digest = message_digest(header);
  const ReplyHeader reply{key.fingerprint(), spec.model_id, header.layout, header.images};
  const Digest reply_digest = message_digest(reply);
  out(to_frame(reply));
  for (std::size_t chunk = 0; chunk < header.chunks(); ++chunk) {
    const Bytes bytes =
        read_chunk(query, ChunkKind::query, query_digest, chunk, spec.inputs * key.ciphertext_bytes());
    if (chunk + 1 == header.chunks()) query.expect_end();
    const std::vector<Ciphertext> inputs =
        with_name(query.name(), [&] { return parse_ciphertexts(key, bytes); });
    const std::vector<Ciphertext> outputs = evaluator->affine(schedule_, constants, inputs);
    out(chunk_frame(ChunkKind::reply, reply_digest, chunk, ciphertext_bytes(outputs)));
    progress(std::min(header.images, (chunk + 1) * layout.slots()));
  }
}

Bytes Server::answer(ByteView query) const {
  FrameReader reader(query, "query");
  Bytes reply;
  answer(
      reader, [&](ByteView frame) { reply.insert(reply.end(), frame.begin(), frame.end()); },
      [](std::size_t) {});
  return reply;
}

}  // namespace opaline
