#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/model/client_spec.h"

namespace opaline {

/// Largest server file accepted, in bytes. The largest model a CompiledModel can hold takes about 320 MiB.
inline constexpr std::size_t kServerFileLimit = std::size_t{512} << 20;

/// y = W x + b in integers with the proof that no answer leaves [−bound, bound] (ClientSpec::bound) for any
/// input the encoding can produce. This is also the oracle every encrypted answer is compared with.
/// Immutable.
class CompiledModel {
 public:
  /// Sizes: at most 2^20 inputs, 4096 outputs, 2^26 weights; |weight| < 2^23, |bias| < 2^62.
  /// Computes the certificate and the model id; throws Error(does_not_fit) if the bound would reach 2^62.
  /// `spec`'s model_id, bound and weight_bits are filled in here. An unused input must have no weight.
  CompiledModel(ClientSpec spec, std::vector<std::int32_t> weights, std::vector<std::int64_t> bias);

  const ClientSpec& client_spec() const { return spec_; }
  std::span<const std::int32_t> weights() const { return weights_; }  ///< outputs × inputs, row by row
  std::span<const std::int64_t> bias() const { return bias_; }

  /// The weights of the inputs that are sent: outputs × spec.sent(), row by row.
  std::vector<std::int32_t> sent_weights() const;

  /// The same map for a client that does not send inputs without a weight; all but one if none has any.
  CompiledModel dropping_unused() const;

  /// W x + b, exactly. Error(out_of_range) unless every input lies in [0, encoding.maximum()].
  std::vector<std::int64_t> predict(std::span<const std::int64_t> inputs) const;

  /// The file NAME.server.
  Bytes serialise() const;

  /// Reads NAME.server; recomputes bound and model id and refuses a file whose own do not agree.
  static CompiledModel parse(ByteView file, const std::string& name);

 private:
  ClientSpec spec_;
  std::vector<std::int32_t> weights_;
  std::vector<std::int64_t> bias_;
};

}  // namespace opaline
