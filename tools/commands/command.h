#pragma once

#include <functional>

#include "opaline/base/progress.h"
#include "opaline/bigint/backend.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
}

namespace opaline::tools {

/// What the options that every command takes come to.
struct Session {
  const Backend& backend;
  ProgressBar::Output progress;
};

/// What a command does once its options have been read.
using Action = std::function<void(const Session&)>;

// One file each. They add a command's options to `command` and give back what to do with them; neither
// outlives the other.
Action define_keygen(CLI::App& command);
Action define_key(CLI::App& command);
Action define_train(CLI::App& command);
Action define_compile(CLI::App& command);
Action define_encrypt(CLI::App& command);
Action define_evaluate(CLI::App& command);
Action define_decrypt(CLI::App& command);
Action define_predict(CLI::App& command);
Action define_inspect(CLI::App& command);
Action define_serve(CLI::App& command);
Action define_classify(CLI::App& command);
Action define_number(CLI::App& command);
Action define_import(CLI::App& command);
Action define_export(CLI::App& command);
Action define_demo(CLI::App& command);

}  // namespace opaline::tools
