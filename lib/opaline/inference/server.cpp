#include "opaline/inference/server.h"

#include <omp.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "opaline/base/error.h"
#include "opaline/inference/ciphertext_bytes.h"
#include "opaline/inference/lots.h"
#include "opaline/inference/named_errors.h"
#include "opaline/inference/recently_used.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/packing/packed_map.h"
#include "opaline/packing/slot_layout.h"
#include "opaline/paillier/ciphertext.h"

namespace opaline {
namespace {

/// Keys and layouts that are remembered.
constexpr std::size_t kMostKeys = 16;
constexpr std::size_t kMostLayouts = 8;

}  // namespace

/// A model in a layout, compiled.
struct Server::Packed {
  Packed(const SlotLayout& layout, const CompiledModel& model, std::size_t lanes)
      : map(layout, model.sent_weights(), model.client_spec().weight_bits, model.bias()),
        schedule(map.matrix(), lanes) {}

  PackedMap map;
  MatrixSchedule schedule;
};

/// Evaluators of the keys that asked last, so that a key's checks, its arithmetic and left-over noise need
/// not be made anew, and the model in the layouts that were asked for last.
struct Server::Caches {
  RecentlyUsed<Evaluator> evaluators{kMostKeys};
  RecentlyUsed<Packed> layouts{kMostLayouts};
};

Server::Server(CompiledModel model, const Backend& backend)
    : model_(std::move(model)), backend_(&backend), caches_(std::make_unique<Caches>()) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

void Server::answer(FrameReader& query, std::size_t first_chunk, const ByteSink& out,
                    const ImageProgress& progress) const {
  const ClientSpec& spec = model_.client_spec();
  std::shared_ptr<const Evaluator> evaluator;
  const QueryHeader header = read_query_header(query, [&](const Integer& n) {
    evaluator = caches_->evaluators.get([&](const Evaluator& known) { return known.public_key().n() == n; },
                                        [&] { return std::make_shared<Evaluator>(PublicKey(n), *backend_); });
    return evaluator->public_key();
  });
  if (header.model_id != spec.model_id) {
    throw Error(ErrorKind::wrong_model,
                query.name() + ": made for another model; encrypt it again with this model's client file");
  }
  const PublicKey& key = header.key;
  const SlotLayout layout =
      with_name(query.name(), [&] { return SlotLayout(header.layout, certificate_of(spec), key.bits()); });
  const std::shared_ptr<const Packed> packed =
      caches_->layouts.get([&](const Packed& known) { return known.map.layout().shape() == layout.shape(); },
                           [&] { return std::make_shared<Packed>(layout, model_, backend_->lanes()); });

  const Digest query_digest = message_digest(header);
  const ReplyHeader reply = reply_to(header);
  const Digest reply_digest = message_digest(reply);
  if (first_chunk == 0) out(to_frame(reply));
  const std::size_t chunk_bytes = layout.ciphertexts() * key.ciphertext_bytes();
  const std::size_t together = server_lot(layout, static_cast<std::size_t>(omp_get_max_threads()));
  for (std::size_t i = 0; i < first_chunk; ++i) {
    read_chunk(query, ChunkKind::query, query_digest, i, chunk_bytes);
  }
  for (std::size_t chunk = first_chunk; chunk < header.chunks(); chunk += together) {
    const std::size_t end = std::min(chunk + together, header.chunks());
    Bytes bytes;
    std::vector<Integer> constants;
    for (std::size_t i = chunk; i < end; ++i) {
      const Bytes one = read_chunk(query, ChunkKind::query, query_digest, i, chunk_bytes);
      bytes.insert(bytes.end(), one.begin(), one.end());
      for (Integer& constant : packed->map.constants()) constants.push_back(std::move(constant));
    }
    if (end == header.chunks()) query.expect_end();
    const std::vector<Ciphertext> inputs =
        with_name(query.name(), [&] { return parse_ciphertexts(key, bytes); });
    const std::vector<Ciphertext> outputs = evaluator->affine(packed->schedule, constants, inputs);
    for (std::size_t i = chunk; i < end; ++i) {
      const auto of_chunk = std::span(outputs).subspan((i - chunk) * layout.replies(), layout.replies());
      out(chunk_frame(ChunkKind::reply, reply_digest, i, ciphertext_bytes(of_chunk)));
    }
    progress(std::min(header.images, end * layout.images()));
  }
}

Bytes Server::answer(ByteView query) const {
  FrameReader reader(query, "query");
  Bytes reply;
  answer(
      reader, 0, [&](ByteView frame) { reply.insert(reply.end(), frame.begin(), frame.end()); },
      [](std::size_t) {});
  return reply;
}

}  // namespace opaline
