#include "opaline/inference/server.h"

#include <omp.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/inference/ciphertext_bytes.h"
#include "opaline/inference/lots.h"
#include "opaline/inference/recently_used.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/packing/packed_map.h"
#include "opaline/packing/slot_layout.h"
#include "opaline/paillier/affine_batch.h"
#include "opaline/paillier/ciphertext.h"
#include "opaline/paillier/named_errors.h"

namespace opaline {
namespace {

/// Layouts that are remembered.
constexpr std::size_t kMostLayouts = 8;

/// For queries that examine() has let in, and for whoever does without.
constexpr QueryLimits kAnyQuery{kLargestKeyBits, std::numeric_limits<std::size_t>::max(), false};

/// Before anything is calculated with the key.
void check_key_limits(const Integer& n, const KeyProof* proof, const QueryLimits& limits) {
  if (bit_length(n) > limits.largest_key_bits) {
    throw Error(ErrorKind::too_large, "its key has " + std::to_string(bit_length(n)) +
                                          " bits, more than the " + std::to_string(limits.largest_key_bits) +
                                          " allowed here");
  }
  if (limits.require_key_proof && proof == nullptr) {
    throw InvalidKey(KeyRule::proof_demanded,
                     "its key lacks the proof that gcd(n, phi(n)) = 1, which is demanded here: `opaline key "
                     "prove NAME.key` adds it, then encrypt again");
  }
}

/// With the same proof, too: a key has only one.
bool is_same(const PublicKey& key, const Integer& n, const KeyProof* proof) {
  if (key.n() != n || (key.proof() == nullptr) != (proof == nullptr)) return false;
  return proof == nullptr || *key.proof() == *proof;
}

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
  explicit Caches(std::size_t most_keys) : evaluators(most_keys) {}

  RecentlyUsed<Evaluator> evaluators;
  RecentlyUsed<Packed> layouts{kMostLayouts};
};

Server::Server(CompiledModel model, const Backend& backend, std::size_t most_keys)
    : model_(std::move(model)), backend_(&backend), caches_(std::make_unique<Caches>(most_keys)) {}
Server::Server(Server&&) noexcept = default;
Server& Server::operator=(Server&&) noexcept = default;
Server::~Server() = default;

/// Some chunks of a query, checked, and what is added to their replies.
struct Server::Lot {
  std::size_t first;
  std::size_t end;
  std::vector<Integer> constants;
  std::vector<Ciphertext> inputs;
};

/// A query that is granted, and what its chunks need.
struct Server::Opened {
  Opened(QueryHeader query, const SlotLayout& its_layout, std::shared_ptr<const Evaluator> its_evaluator,
         std::shared_ptr<const Packed> its_map)
      : header(std::move(query)),
        layout(its_layout),
        evaluator(std::move(its_evaluator)),
        packed(std::move(its_map)),
        query_digest(message_digest(header)),
        reply(reply_to(header)),
        reply_digest(message_digest(reply)) {}

  Bytes read_chunk(FrameReader& query, std::size_t index) const {
    return opaline::read_chunk(query, ChunkKind::query, query_digest, index,
                               layout.ciphertexts() * header.key.ciphertext_bytes());
  }

  Lot read(FrameReader& query, std::size_t first, std::size_t end) const {
    Lot lot{first, end, {}, {}};
    Bytes bytes;
    for (std::size_t i = first; i < end; ++i) {
      const Bytes one = read_chunk(query, i);
      bytes.insert(bytes.end(), one.begin(), one.end());
      for (Integer& constant : packed->map.constants()) lot.constants.push_back(std::move(constant));
    }
    if (end == header.chunks()) query.expect_end();
    lot.inputs = with_name(query.name(), [&] { return parse_ciphertexts(header.key, bytes); });
    return lot;
  }

  AffineTask task(const Lot& lot) const { return {*evaluator, packed->schedule, lot.constants, lot.inputs}; }

  void write(const Lot& lot, std::span<const Ciphertext> outputs, const ByteSink& out) const {
    for (std::size_t i = lot.first; i < lot.end; ++i) {
      const auto of_chunk = outputs.subspan((i - lot.first) * layout.replies(), layout.replies());
      out(chunk_frame(ChunkKind::reply, reply_digest, i, ciphertext_bytes(of_chunk)));
    }
  }

  QueryHeader header;
  SlotLayout layout;
  std::shared_ptr<const Evaluator> evaluator;
  std::shared_ptr<const Packed> packed;
  Digest query_digest;
  ReplyHeader reply;
  Digest reply_digest;
};

Server::Opened Server::open(FrameReader& query, const QueryLimits& limits) const {
  const ClientSpec& spec = model_.client_spec();
  std::shared_ptr<const Evaluator> evaluator;
  const QueryHeader header = read_query_header(query, [&](const Integer& n, const KeyProof* proof) {
    check_key_limits(n, proof, limits);
    const auto same = [&](const Evaluator& known) { return is_same(known.public_key(), n, proof); };
    evaluator = caches_->evaluators.get(same, [&] {
      const PublicKey key(n);
      return std::make_shared<Evaluator>(proof == nullptr ? key : key.with_proof(*proof, *backend_),
                                         *backend_);
    });
    return evaluator->public_key();
  });
  if (header.model_id != spec.model_id) {
    throw Error(ErrorKind::wrong_model,
                query.name() + ": made for another model; encrypt it again with this model's client file");
  }
  const SlotLayout layout = with_name(
      query.name(), [&] { return SlotLayout(header.layout, certificate_of(spec), header.key.bits()); });
  const std::shared_ptr<const Packed> packed =
      caches_->layouts.get([&](const Packed& known) { return known.map.layout().shape() == layout.shape(); },
                           [&] { return std::make_shared<Packed>(layout, model_, backend_->lanes()); });
  return {header, layout, evaluator, packed};
}

void Server::answer(FrameReader& query, std::size_t first_chunk, const ByteSink& out,
                    const ImageProgress& progress) const {
  const Opened opened = open(query, kAnyQuery);
  const std::size_t chunks = opened.header.chunks();
  const std::size_t together = server_lot(opened.layout, static_cast<std::size_t>(omp_get_max_threads()));
  if (first_chunk == 0) out(to_frame(opened.reply));
  for (std::size_t i = 0; i < first_chunk; ++i) opened.read_chunk(query, i);
  for (std::size_t chunk = first_chunk; chunk < chunks; chunk += together) {
    const Lot lot = opened.read(query, chunk, std::min(chunk + together, chunks));
    const AffineTask task = opened.task(lot);
    opened.write(lot, affine_together({&task, 1}).front().value(), out);
    progress(std::min(opened.header.images, lot.end * opened.layout.images()));
  }
}

QuerySummary Server::examine(ByteView query, const QueryLimits& limits) const {
  FrameReader reader(query, "query");
  const Opened opened = open(reader, limits);
  const QuerySummary summary{opened.header.key.fingerprint(), opened.header.images,
                             opened.header.chunks() * opened.layout.ciphertexts()};
  if (summary.ciphertexts > limits.most_ciphertexts) {
    throw Error(ErrorKind::too_large, reader.name() + ": " + std::to_string(summary.ciphertexts) +
                                          " ciphertexts, more than the " +
                                          std::to_string(limits.most_ciphertexts) + " allowed here");
  }
  return summary;
}

Bytes Server::answer(ByteView query) const {
  FrameReader reader(query, "query");
  Bytes reply;
  answer(
      reader, 0, [&](ByteView frame) { reply.insert(reply.end(), frame.begin(), frame.end()); },
      [](std::size_t) {});
  return reply;
}

std::vector<Outcome<Bytes>> Server::answer_together(std::span<const ByteView> queries) const {
  struct Small {
    std::size_t place;
    Opened opened;
    Lot lot;
  };
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  std::vector<std::optional<Small>> read(queries.size());
  std::vector<Outcome<Bytes>> replies(queries.size(), Bytes());
  parallel_for(queries.size(), [&](std::size_t i) {
    replies[i] = outcome_of([&] {
      FrameReader reader(queries[i], "query");
      Opened opened = open(reader, kAnyQuery);
      if (opened.header.chunks() > server_lot(opened.layout, threads)) return Bytes();
      Lot lot = opened.read(reader, 0, opened.header.chunks());
      read[i].emplace(Small{i, std::move(opened), std::move(lot)});
      return Bytes();
    });
  });

  const auto answer_small = [&](std::span<const Small* const> lots) {
    std::vector<AffineTask> tasks;
    for (const Small* const small : lots) tasks.push_back(small->opened.task(small->lot));
    std::vector<Outcome<std::vector<Ciphertext>>> outputs = affine_together(tasks);
    parallel_for(lots.size(), [&](std::size_t i) {
      replies[lots[i]->place] = outcome_of([&] {
        Bytes reply = to_frame(lots[i]->opened.reply);
        lots[i]->opened.write(lots[i]->lot, outputs[i].value(),
                              [&](ByteView frame) { reply.insert(reply.end(), frame.begin(), frame.end()); });
        return reply;
      });
    });
  };
  std::vector<const Small*> lots;
  std::size_t ciphertexts = 0;
  for (std::size_t i = 0; i < queries.size(); ++i) {
    if (!replies[i].succeeded()) continue;
    if (!read[i]) {
      replies[i] = outcome_of([&] { return answer(queries[i]); });
      continue;
    }
    const std::size_t more = read[i]->lot.inputs.size();
    if (!lots.empty() && ciphertexts + more > kServerCiphertexts) {
      answer_small(lots);
      lots.clear();
      ciphertexts = 0;
    }
    lots.push_back(&*read[i]);
    ciphertexts += more;
  }
  if (!lots.empty()) answer_small(lots);
  return replies;
}

}  // namespace opaline
