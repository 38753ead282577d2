#pragma once

#include <vector>

#include "opaline/model/compiled_model.h"

namespace opaline::fuzz {

/// Small ones, of every kind that there is: classes and quantities, images, tables, features, unused inputs.
const std::vector<CompiledModel>& sample_models();

/// The first of them: 5 × 3 with inputs of 4 bits, which queries and replies are made with.
const CompiledModel& sample_model();

}  // namespace opaline::fuzz
