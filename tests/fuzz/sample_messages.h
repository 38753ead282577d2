#pragma once

#include <span>
#include <vector>

#include "fuzz/fixed_key.h"
#include "fuzz/mutator.h"
#include "opaline/bigint/integer.h"
#include "opaline/inference/client.h"
#include "opaline/inference/message.h"
#include "opaline/packing/slot_layout.h"

/// Queries to sample_model() under fixed_key(), and replies to them.
namespace opaline::fuzz {

/// One of each kind that there is: plain, images side by side, dot products, several answers a slot.
std::vector<LayoutShape> sample_layouts();

/// Repeatable ones, as many as are asked for.
std::vector<EncodedInput> sample_inputs(std::size_t count);

/// With the key's proof if it is proved_key()'s.
Bytes sample_query(const LayoutShape& layout, std::size_t images, const SecretKey& key = fixed_key());

/// What is no ciphertext under fixed_key(), or a strange one.
const std::vector<Integer>& telling_numbers();

/// A message whose chunks belong to its header: `numbers` one after the other, begun again when they are
/// used up.
Bytes message_of(const QueryHeader& header, std::span<const Integer> numbers);
Bytes message_of(const ReplyHeader& header, std::span<const Integer> numbers);

/// A shape like another but for one number.
LayoutShape changed(LayoutShape shape, Mutator& mutator);

}  // namespace opaline::fuzz
