#include <algorithm>

#include "opaline/model/onnx/evaluate_call.h"
#include "opaline/model/onnx/strided.h"

/// Operators that give the elements another shape, order or number.
namespace opaline::network::evaluation {
namespace {

Tensor reshaped(const Call& call, const Tensor& tensor, Shape shape) {
  if (call.count(shape) != element_count(tensor.shape)) {
    call.refuse("shape " + to_string(tensor.shape) + " cannot become " + to_string(shape));
  }
  return {std::move(shape), tensor.values};
}

Outputs flatten(const Call& call) {
  const Shape& from = call.input(0).shape;
  const std::int64_t given = call.integer("axis", 1);
  const std::int64_t rank = to_signed(from.size());
  if (given < -rank || given > rank)
    call.refuse("axis " + std::to_string(given) + " is not one of its input");
  const std::size_t axis = to_size(given < 0 ? given + rank : given);
  const std::span<const std::size_t> all(from);
  return one(
      reshaped(call, call.input(0), {element_count(all.first(axis)), element_count(all.subspan(axis))}));
}

/// 0 copies the input's dimension (unless allowzero), one -1 takes what is left.
Outputs reshape(const Call& call) {
  const Shape& from = call.input(0).shape;
  const Integers& wanted = call.row(1);
  if (wanted.size() > kMostDimensions) call.refuse("it has too many dimensions");
  const bool copy_zero = call.integer("allowzero", 0) == 0;
  const auto open = std::count(wanted.begin(), wanted.end(), -1);
  if (open > 1) call.refuse("it leaves more than one dimension open");
  if (open == 1 && !copy_zero && std::count(wanted.begin(), wanted.end(), 0) > 0) {
    call.refuse("it has both a dimension of zero and an open one");
  }
  Shape shape;
  std::size_t known = 1;
  for (const std::int64_t size : wanted) {
    if (size == 0 && copy_zero) {
      if (shape.size() >= from.size()) call.refuse("it copies a dimension that its input does not have");
      shape.push_back(from[shape.size()]);
    } else {
      shape.push_back(size == -1 ? 1 : call.dimension(size));
    }
    known *= shape.back();
    if (known > kMostElements) call.refuse("it has too many elements");
  }
  if (open == 1) {
    const auto place = static_cast<std::size_t>(std::find(wanted.begin(), wanted.end(), -1) - wanted.begin());
    if (known == 0) call.refuse("its open dimension could be anything");
    shape[place] = element_count(from) / known;
  }
  return one(reshaped(call, call.input(0), std::move(shape)));
}

Outputs squeeze(const Call& call) {
  const Shape& from = call.input(0).shape;
  std::vector<bool> dropped(from.size());
  if (const std::optional<Integers> given = call.list("axes", 1, 13)) {
    for (const std::size_t axis : call.axes(*given, from.size())) {
      if (from[axis] != 1) call.refuse("dimension " + std::to_string(axis) + " is not 1");
      dropped[axis] = true;
    }
  } else {
    std::transform(from.begin(), from.end(), dropped.begin(), [](std::size_t size) { return size == 1; });
  }
  Shape shape;
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    if (!dropped[axis]) shape.push_back(from[axis]);
  }
  return one(reshaped(call, call.input(0), std::move(shape)));
}

/// The axes are those of the result.
Outputs unsqueeze(const Call& call) {
  const std::optional<Integers> given = call.list("axes", 1, 13);
  if (!given) call.damaged("it lacks its axes");
  const Shape& from = call.input(0).shape;
  if (given->size() > kMostDimensions) call.refuse("it has too many dimensions");
  const std::size_t rank = from.size() + given->size();
  std::vector<bool> inserted(rank);
  for (const std::size_t axis : call.axes(*given, rank)) inserted[axis] = true;
  Shape shape;
  auto next = from.begin();
  for (std::size_t axis = 0; axis < rank; ++axis) shape.push_back(inserted[axis] ? 1 : *next++);
  return one(reshaped(call, call.input(0), std::move(shape)));
}

Outputs transpose(const Call& call) {
  const Shape& from = call.input(0).shape;
  std::vector<std::size_t> order;
  if (const std::optional<Integers> given = call.integer_list("perm")) {
    if (given->size() != from.size()) call.refuse("its order does not have one axis a dimension");
    order = call.axes(*given, from.size());
  } else {
    for (std::size_t axis = from.size(); axis-- > 0;) order.push_back(axis);
  }
  const Strides own = strides_of(from);
  Shape shape;
  Strides strides;
  for (const std::size_t axis : order) {
    shape.push_back(from[axis]);
    strides.push_back(own[axis]);
  }
  return one(pick(call, call.input(0), shape, strides));
}

Outputs expand(const Call& call) {
  const Tensor& input = call.input(0);
  return one(broadcast(call, input, broadcast_shape(call, input.shape, call.shape(call.row(1)))));
}

/// Seen as a tensor with two axes for each, along the first of which nothing changes.
Outputs tile(const Call& call) {
  const Tensor& input = call.input(0);
  const Integers& repeats = call.row(1);
  if (repeats.size() != input.shape.size()) call.refuse("it needs one number of repeats a dimension");
  const Strides own = strides_of(input.shape);
  Shape shape;
  Shape split;
  Strides strides;
  for (std::size_t axis = 0; axis < repeats.size(); ++axis) {
    const std::size_t times = call.dimension(repeats[axis]);
    shape.push_back(times * input.shape[axis]);
    split.insert(split.end(), {times, input.shape[axis]});
    strides.insert(strides.end(), {0, own[axis]});
  }
  const std::size_t count = call.count(shape);
  call.work({count});
  return std::visit(
      [&](const auto& from) {
        std::decay_t<decltype(from)> to;
        to.reserve(count);
        walk(split, strides, 0, [&](std::size_t offset) { to.push_back(from[offset]); });
        return one({shape, std::move(to)});
      },
      input.values);
}

std::string required(const Call& call, std::string_view name) {
  if (!call.has_attribute(name)) call.damaged("it lacks the attribute \"" + std::string(name) + "\"");
  return std::string(name);
}

Outputs concat(const Call& call) {
  const Tensor& first = call.input(0);
  const std::size_t axis = call.axis(call.integer(required(call, "axis"), 0), first.shape.size());
  Shape shape = first.shape;
  for (std::size_t i = 1; i < call.inputs(); ++i) {
    const Tensor& next = call.input(i);
    Shape others = next.shape;
    if (others.size() == shape.size()) others[axis] = shape[axis];
    if (others != shape || next.values.index() != first.values.index()) {
      call.refuse("inputs of shape " + to_string(first.shape) + " and " + to_string(next.shape) +
                  ", or their element types, do not fit together");
    }
    shape[axis] += next.shape[axis];
    static_cast<void>(call.count(shape));
  }
  const std::size_t count = call.count(shape);
  const Around whole = around(shape, axis);
  call.work({count});
  call.work({whole.outer, call.inputs()});
  return std::visit(
      [&](const auto& of_type) {
        using Values = std::decay_t<decltype(of_type)>;
        Values to;
        to.reserve(count);
        for (std::size_t block = 0; block < whole.outer; ++block) {
          for (std::size_t i = 0; i < call.inputs(); ++i) {
            const Values& from = std::get<Values>(call.input(i).values);
            const auto length = to_signed(call.input(i).shape[axis] * whole.inner);
            const auto start = from.begin() + to_signed(block) * length;
            to.insert(to.end(), start, start + length);
          }
        }
        return one({shape, std::move(to)});
      },
      first.values);
}

/// How long each part is.
std::vector<std::size_t> part_sizes(const Call& call, std::size_t whole) {
  const std::size_t parts = call.outputs();
  const std::optional<Integers> given = call.list("split", 1, 13);
  std::vector<std::size_t> sizes;
  if (given) {
    if (call.has_attribute("num_outputs")) call.damaged("it has both split and num_outputs");
    std::size_t sum = 0;
    if (given->size() != parts) call.refuse("it needs one size a part");
    for (const std::int64_t size : *given) {
      sizes.push_back(call.dimension(size));
      sum += sizes.back();
    }
    if (sum != whole) call.refuse("its parts do not add up to its input");
    return sizes;
  }
  if (call.opset() >= 18) {
    if (call.integer(required(call, "num_outputs"), 0) != to_signed(parts)) {
      call.damaged("num_outputs is not the number of its outputs");
    }
  } else if (call.has_attribute("num_outputs") || whole % parts != 0) {
    call.refuse(std::to_string(whole) + " cannot be split into " + std::to_string(parts) + " equal parts");
  }
  // From 18 on, the last part is what is left.
  const std::size_t chunk = (whole + parts - 1) / parts;
  if (chunk * (parts - 1) > whole) call.refuse("it has more parts than elements to share out");
  sizes.assign(parts, chunk);
  sizes.back() = whole - chunk * (parts - 1);
  return sizes;
}

Outputs split(const Call& call) {
  const Tensor& input = call.input(0);
  const std::size_t axis = call.axis(call.integer("axis", 0), input.shape.size());
  const Strides strides = strides_of(input.shape);
  Outputs outputs;
  std::size_t start = 0;
  for (const std::size_t size : part_sizes(call, input.shape[axis])) {
    Shape shape = input.shape;
    shape[axis] = size;
    outputs.push_back(pick(call, input, shape, strides, to_signed(start) * strides[axis]));
    start += size;
  }
  return outputs;
}

}  // namespace

const std::vector<Operator>& shape_operators() {
  static const std::vector<Operator> table{
      {"Flatten", 1, 1, {"axis"}, flatten},
      {"Reshape", 2, 2, {"allowzero"}, reshape},
      {"Squeeze", 1, 2, {"axes"}, squeeze},
      {"Unsqueeze", 1, 2, {"axes"}, unsqueeze},
      {"Transpose", 1, 1, {"perm"}, transpose},
      {"Expand", 2, 2, {}, expand},
      {"Tile", 2, 2, {}, tile},
      {"Concat", 1, kAnyNumber, {"axis"}, concat},
      {"Split", 1, 2, {"axis", "split", "num_outputs"}, split},
  };
  return table;
}

}  // namespace opaline::network::evaluation
