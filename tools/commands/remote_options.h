#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>

#include "commands/command.h"
#include "opaline/base/sha256.h"
#include "opaline/service/remote_model.h"

namespace opaline::tools {

/// A model on a server, and how patient to be with it.
struct RemoteOptions {
  std::string url;
  std::string model;
  std::optional<Digest> model_id;
  std::filesystem::path token_file;
  std::filesystem::path ca_file;
  bool allow_plain_http = false;
  std::size_t attempts = 5;
  double timeout = 900;  ///< seconds
};

/// The options --server, --model, --model-id, --token-file, --ca-file, --allow-plain-http, --attempts and
/// --timeout.
void add_remote_options(CLI::App& command, RemoteOptions& options);

/// Reads the token's file, which nobody else may read, and says on standard error when something is tried
/// again. Error(io) and Error(invalid_argument) name the file.
RemoteModelSettings remote_settings(const RemoteOptions& options, const Session& session);

}  // namespace opaline::tools
