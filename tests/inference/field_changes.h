#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <string>

namespace opaline::test {

/// Calls visit(name) with every field of a message, and of the messages in it, changed to every value worth
/// trying: none, its neighbours, the extremes; shorter, longer, other bits. One at a time: the others are as
/// they were, and so is this one afterwards.
void for_every_field_change(google::protobuf::Message& message,
                            const std::function<void(const std::string& name)>& visit);

}  // namespace opaline::test
