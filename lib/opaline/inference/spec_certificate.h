#pragma once

#include "opaline/model/compiled_model.h"
#include "opaline/packing/slot_layout.h"

namespace opaline {

/// What a layout has to know of a model.
inline Certificate certificate_of(const ClientSpec& spec) {
  return {spec.sent(), spec.outputs, spec.encoding.maximum(), spec.bound, spec.mask_bits};
}

}  // namespace opaline
