#include "opaline/model/wire_walk.h"

#include <google/protobuf/io/coded_stream.h>

#include <algorithm>

namespace opaline {

bool walk_wire(ByteView message, const std::function<bool(const WireField& field)>& visit) {
  constexpr std::uint32_t kVarint = 0;
  constexpr std::uint32_t kFixed64 = 1;
  constexpr std::uint32_t kContents = 2;
  constexpr std::uint32_t kFixed32 = 5;
  google::protobuf::io::CodedInputStream input(message.data(), static_cast<int>(message.size()));
  while (const std::uint32_t tag = input.ReadTag()) {
    WireField field{static_cast<int>(tag >> 3U), WireField::Type::fixed, {}};
    std::uint64_t value = 0;
    switch (tag & 7U) {
      case kVarint:
        field.type = WireField::Type::varint;
        if (!input.ReadVarint64(&value)) return false;
        break;
      case kFixed64:
        if (!input.Skip(8)) return false;
        break;
      case kFixed32:
        if (!input.Skip(4)) return false;
        break;
      case kContents: {
        field.type = WireField::Type::contents;
        if (!input.ReadVarint64(&value)) return false;
        const ByteView rest = message.subspan(static_cast<std::size_t>(input.CurrentPosition()));
        if (value > rest.size() || !input.Skip(static_cast<int>(value))) return false;
        field.contents = rest.first(static_cast<std::size_t>(value));
        break;
      }
      default:
        return false;
    }
    if (!visit(field)) return false;
  }
  return input.ConsumedEntireMessage();
}

std::size_t packed_numbers(ByteView packed) {
  // The last byte of each has its uppermost bit clear.
  return static_cast<std::size_t>(
      std::count_if(packed.begin(), packed.end(), [](std::uint8_t byte) { return byte < 0x80; }));
}

}  // namespace opaline
