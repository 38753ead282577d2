#pragma once

#include <cstddef>
#include <functional>

#include "opaline/base/bytes.h"

namespace opaline {

/// A field of a protobuf message as it stands on the wire.
struct WireField {
  enum class Type { varint, fixed, contents };

  int number = 0;
  Type type = Type::varint;
  ByteView contents;  ///< of a text, a message or packed numbers
};

/// Shows `visit` the fields of a message, not those of messages in it, and takes no memory: two bytes on the
/// wire can be hundreds in memory, so that what a stranger wrote has to be counted before protobuf reads it.
/// `visit` says whether to go on. True if it was shown a whole message; groups, which nobody writes any more,
/// are no part of one.
bool walk_wire(ByteView message, const std::function<bool(const WireField& field)>& visit);

/// How many whole numbers stand packed one behind the other.
std::size_t packed_numbers(ByteView packed);

}  // namespace opaline
