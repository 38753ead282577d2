#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "commands/command.h"
#include "opaline/inference/client.h"
#include "opaline/inference/planner.h"
#include "opaline/paillier/keys.h"

namespace opaline::tools {

/// How a query is to be laid out.
struct PlanOptions {
  std::string layout = "auto";
  double link_mbps = 50;
};

void add_layout_option(CLI::App& command, PlanOptions& options);
void add_link_option(CLI::App& command, PlanOptions& options);

/// The layout that the options ask for; measures this machine unless it is the plain one.
Plan make_plan(const PlanOptions& options, const QueryEncryptor& encryptor, std::size_t images,
               const Backend& backend);

/// For print_report: the numbers of a layout; a whole plan and its prediction; what a run of it measured with
/// random inputs, whose answers must be the exact ones (Error(fault)).
nlohmann::ordered_json layout_fields(const LayoutShape& layout);
nlohmann::ordered_json describe_plan(const Plan& plan, double link_mbps);
nlohmann::ordered_json run_plan(const Plan& plan, CompiledModel model, const SecretKey& key,
                                const Session& session);

}  // namespace opaline::tools
