#include "inference/field_changes.h"

#include <google/protobuf/descriptor.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <set>
#include <stdexcept>

namespace opaline::test {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

template <typename Number>
std::set<Number> others(Number number) {
  constexpr Number kLargest = std::numeric_limits<Number>::max();
  std::set<Number> changed = {0, 1, 2, 3, 1024, number * 2, kLargest / 2 + 1, kLargest};
  changed.insert(static_cast<Number>(number - 1));
  changed.insert(static_cast<Number>(number + 1));
  changed.erase(number);
  return changed;
}

std::set<std::string> others(const std::string& bytes) {
  const char zero = '\0';
  std::set<std::string> changed = {"",
                                   bytes + zero,
                                   zero + bytes,
                                   bytes + bytes,
                                   std::string(bytes.size(), zero),
                                   std::string(bytes.size(), '\xff')};
  if (bytes.empty()) return changed;
  changed.insert(bytes.substr(1));
  changed.insert(bytes.substr(0, bytes.size() - 1));
  changed.insert({bytes.rbegin(), bytes.rend()});
  for (const std::size_t place : {std::size_t{0}, bytes.size() / 2, bytes.size() - 1}) {
    for (const unsigned bit : {0U, 1U, 6U}) {
      std::string flipped = bytes;
      flipped[place] = static_cast<char>(static_cast<unsigned char>(flipped[place]) ^ (1U << bit));
      changed.insert(flipped);
    }
  }
  changed.erase(bytes);
  return changed;
}

void visit_changes(Message& message, const FieldDescriptor& field,
                   const std::function<void(const std::string&)>& visit) {
  const Reflection& reflection = *message.GetReflection();
  const auto with = [&](const auto& set, const auto& value, const auto& changes) {
    for (const auto& other : changes) {
      set(other);
      visit(field.full_name());
    }
    set(value);
  };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32: {
      const std::uint32_t value = reflection.GetUInt32(message, &field);
      with([&](std::uint32_t other) { reflection.SetUInt32(&message, &field, other); }, value, others(value));
      break;
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      const std::uint64_t value = reflection.GetUInt64(message, &field);
      with([&](std::uint64_t other) { reflection.SetUInt64(&message, &field, other); }, value, others(value));
      break;
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string value = reflection.GetString(message, &field);
      with([&](const std::string& other) { reflection.SetString(&message, &field, other); }, value,
           others(value));
      break;
    }
    case FieldDescriptor::CPPTYPE_MESSAGE: {
      for_every_field_change(*reflection.MutableMessage(&message, &field), visit);
      const std::unique_ptr<Message> inner(reflection.GetMessage(message, &field).New());
      inner->CopyFrom(reflection.GetMessage(message, &field));
      reflection.ClearField(&message, &field);
      visit(field.full_name());
      reflection.MutableMessage(&message, &field)->CopyFrom(*inner);
      break;
    }
    default:
      throw std::logic_error(field.full_name() + " has a type that nobody has thought of here");
  }
}

}  // namespace

void for_every_field_change(Message& message, const std::function<void(const std::string&)>& visit) {
  for (int i = 0; i < message.GetDescriptor()->field_count(); ++i) {
    visit_changes(message, *message.GetDescriptor()->field(i), visit);
  }
}

}  // namespace opaline::test
