#pragma once

#include <span>
#include <string>
#include <vector>

#include "opaline/inference/message.h"
#include "opaline/model/client_spec.h"
#include "opaline/paillier/evaluator.h"
#include "opaline/paillier/phe_numbers.h"

namespace opaline {

/// Queries and replies as numbers of python-paillier (phe_numbers.h), which can stand for them where every
/// ciphertext holds one number: in the plain layout (QueryEncryptor::plain). Other layouts are
/// Error(does_not_fit).

/// The encoded inputs of a query, `spec.sent()` an image, whole numbers.
std::vector<PheNumber> numbers_of_query(FrameReader& query, const ClientSpec& spec);

/// The exact answers in a reply, `spec.outputs` an image, whole numbers; re-randomised.
std::vector<PheNumber> numbers_of_reply(FrameReader& reply, const ClientSpec& spec,
                                        const Evaluator& evaluator);

/// The query for inputs that python-paillier encrypted, `spec.sent()` an image, each in
/// [0, spec.encoding.maximum()], which nobody can see: beyond it the answer is worthless or refused.
/// Error(out_of_range) for a negative exponent: fractions cannot be removed without the secret key, and for
/// one with 16^exponent above n; Error(invalid_argument) for numbers that are no whole images.
Bytes query_of_numbers(const ClientSpec& spec, std::span<const PheNumber> numbers,
                       const Evaluator& evaluator);

}  // namespace opaline
