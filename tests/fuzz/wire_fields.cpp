#include "fuzz/wire_fields.h"

#include <google/protobuf/unknown_field_set.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace opaline::fuzz {
namespace {

using google::protobuf::UnknownField;
using google::protobuf::UnknownFieldSet;

constexpr int kDeepest = 12;
constexpr int kFewFields = 24;
constexpr std::uint64_t kTelling[] = {0,
                                      1,
                                      2,
                                      7,
                                      8,
                                      40,
                                      128,
                                      1024,
                                      std::numeric_limits<std::int32_t>::max(),
                                      std::uint64_t{1} << 31,
                                      std::uint64_t{1} << 32,
                                      std::uint64_t{1} << 62,
                                      std::numeric_limits<std::int64_t>::max(),
                                      std::uint64_t{1} << 63,
                                      std::numeric_limits<std::uint64_t>::max()};

std::uint64_t changed_number(std::uint64_t number, Mutator& mutator) {
  switch (mutator.below(4)) {
    case 0:
      return mutator.one_of(kTelling);
    case 1:
      return number + 1;
    case 2:
      return number - 1;
    default:
      return number ^ (std::uint64_t{1} << mutator.below(64));
  }
}

Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

Bytes written(const UnknownFieldSet& fields) {
  std::string text;
  return fields.SerializeToString(&text) ? bytes_of(text) : Bytes();
}

bool read(const Bytes& message, UnknownFieldSet& fields) {
  return fields.ParseFromArray(message.data(), static_cast<int>(message.size())) && !fields.empty();
}

Bytes mutate_level(Bytes message, std::size_t limit, Mutator& mutator, int levels);

// A field with another value.
void change_value(UnknownField& field, std::size_t limit, Mutator& mutator, int levels) {
  switch (field.type()) {
    case UnknownField::TYPE_VARINT:
      field.set_varint(changed_number(field.varint(), mutator));
      break;
    case UnknownField::TYPE_FIXED32:
      field.set_fixed32(static_cast<std::uint32_t>(changed_number(field.fixed32(), mutator)));
      break;
    case UnknownField::TYPE_FIXED64:
      field.set_fixed64(changed_number(field.fixed64(), mutator));
      break;
    case UnknownField::TYPE_LENGTH_DELIMITED: {
      const Bytes changed = mutate_level(bytes_of(field.length_delimited()), limit, mutator, levels - 1);
      field.set_length_delimited(std::string(changed.begin(), changed.end()));
      break;
    }
    case UnknownField::TYPE_GROUP:
      break;
  }
}

Bytes mutate_level(Bytes message, std::size_t limit, Mutator& mutator, int levels) {
  UnknownFieldSet fields;
  if (levels == 0 || mutator.one_in(16) || !read(message, fields)) {
    mutator.change(message, limit);
    return message;
  }
  const int count = fields.field_count();
  const auto any = [&] { return static_cast<int>(mutator.below(static_cast<std::size_t>(count))); };
  const int place = any();
  UnknownFieldSet changed;
  const auto copy = [&](int first, int end) {
    for (int i = first; i < end; ++i) changed.AddField(fields.field(i));
  };
  switch (mutator.below(10)) {
    case 0:  // leave one out
      copy(0, place);
      copy(place + 1, count);
      break;
    case 1:  // one more of a kind there is, before another
      copy(0, place);
      changed.AddField(fields.field(any()));
      copy(place, count);
      break;
    case 2: {  // exchange two
      const int other = any();
      for (int i = 0; i < count; ++i) {
        changed.AddField(fields.field(i == place ? other : i == other ? place : i));
      }
      break;
    }
    case 3:  // one of another number
      copy(0, count);
      if (fields.field(place).type() == UnknownField::TYPE_VARINT) {
        changed.AddVarint(1 + static_cast<int>(mutator.below(kFewFields)), fields.field(place).varint());
      } else if (fields.field(place).type() == UnknownField::TYPE_LENGTH_DELIMITED) {
        changed.AddLengthDelimited(1 + static_cast<int>(mutator.below(kFewFields)),
                                   fields.field(place).length_delimited());
      }
      break;
    default:
      copy(0, count);
      change_value(*changed.mutable_field(place), limit, mutator, levels);
  }
  return written(changed);
}

}  // namespace

Bytes mutate_message(Bytes message, std::size_t limit, Mutator& mutator) {
  return mutate_level(std::move(message), limit, mutator, kDeepest);
}

}  // namespace opaline::fuzz
