#pragma once

#include <memory>
#include <span>
#include <vector>

#include "opaline/base/outcome.h"
#include "opaline/inference/message.h"
#include "opaline/model/compiled_model.h"
#include "opaline/paillier/evaluator.h"

namespace opaline {

/// What a server takes on, beside what its model and its memory allow.
struct QueryLimits {
  std::size_t largest_key_bits = 4096;
  std::size_t most_ciphertexts = std::size_t{1} << 17;
  bool require_key_proof = false;  ///< every query's key carries a proof (paillier/key_proof.h)
};

/// What a query's head says of it.
struct QuerySummary {
  Digest key{};  ///< fingerprint
  std::size_t images = 0;
  std::size_t ciphertexts = 0;
};

/// Evaluates one model on queries. It has no secret key and learns nothing from a query but its sizes. Every
/// ciphertext it sends is re-randomised with its own full-length r^n. Immutable; safe from many threads.
class Server {
 public:
  /// Keeps what it has made for the `most_keys` keys that asked last.
  explicit Server(CompiledModel model, const Backend& backend = default_backend(),
                  std::size_t most_keys = 16);
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  ~Server();

  const CompiledModel& model() const { return model_; }

  /// Reads a query's head: throws what answer() would throw for it, and Error(too_large) for more than the
  /// limits allow, for a key before anything is calculated with it; InvalidKey(proof_demanded) where
  /// they ask for a proof that is not there.
  QuerySummary examine(ByteView query, const QueryLimits& limits) const;

  /// Reads a query and writes the reply, chunk by chunk. An interrupted reply is continued with its chunk
  /// number `first_chunk`; its header has been written then. Error(wrong_model), Error(does_not_fit) for a
  /// layout this model would not grant, Error(invalid_key), Error(invalid_ciphertext) and the reader's own.
  /// `out` and `progress`, which are called by this thread between lots of chunks, may throw to stop it: that
  /// is thrown on, what has been written are whole chunks, and the reply can be continued after them.
  void answer(FrameReader& query, std::size_t first_chunk, const ByteSink& out,
              const ImageProgress& progress) const;

  /// The whole in memory.
  Bytes answer(ByteView query) const;

  /// Queries of any clients at once: the reply to each or what answer() would throw, in order. Those of one
  /// lot (lots.h) share the lanes that none of them fills alone (affine_together), whosever they are; those
  /// of more are answered one after the other. Throws itself only what concerns no single query, such as no
  /// memory.
  std::vector<Outcome<Bytes>> answer_together(std::span<const ByteView> queries) const;

 private:
  struct Packed;
  struct Caches;
  struct Lot;
  struct Opened;

  /// Reads the header of a query and grants it, or throws.
  Opened open(FrameReader& query, const QueryLimits& limits) const;

  CompiledModel model_;
  const Backend* backend_;
  std::unique_ptr<Caches> caches_;
};

}  // namespace opaline
