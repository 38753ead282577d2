#pragma once

#include <memory>

#include "opaline/inference/message.h"
#include "opaline/model/compiled_model.h"
#include "opaline/paillier/evaluator.h"

namespace opaline {

/// Evaluates one model on queries. It has no secret key and learns nothing from a query but its sizes. Every
/// ciphertext it sends is re-randomised with its own full-length r^n. Immutable; safe from many threads.
class Server {
 public:
  explicit Server(CompiledModel model, const Backend& backend = default_backend());
  Server(Server&&) noexcept;
  Server& operator=(Server&&) noexcept;
  ~Server();

  const CompiledModel& model() const { return model_; }

  /// Reads a query and writes the reply, chunk by chunk. An interrupted reply is continued with its chunk
  /// number `first_chunk`; its header has been written then. Error(wrong_model), Error(does_not_fit) for a
  /// layout this model would not grant, Error(invalid_key), Error(invalid_ciphertext) and the reader's own.
  void answer(FrameReader& query, std::size_t first_chunk, const ByteSink& out,
              const ImageProgress& progress) const;

  /// The whole in memory.
  Bytes answer(ByteView query) const;

 private:
  struct Packed;
  struct Caches;

  CompiledModel model_;
  const Backend* backend_;
  std::unique_ptr<Caches> caches_;
};

}  // namespace opaline
