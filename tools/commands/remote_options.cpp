#include "commands/remote_options.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <chrono>
#include <cstdio>
#include <sstream>

#include "opaline/base/error.h"
#include "opaline/base/file.h"

namespace opaline::tools {
namespace {

constexpr std::size_t kTokenLimit = 4096;
constexpr unsigned kOthers = 077;
constexpr std::size_t kMostAttempts = 1000;
constexpr double kLongestTimeout = 7 * 24 * 3600.0;

std::string check_url(const std::string& text) {
  try {
    HttpUrl::parse(text);
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

Digest parse_model_id(const std::string& text) {
  Digest digest{};
  const bool hexadecimal = std::all_of(
      text.begin(), text.end(), [](char c) { return std::isxdigit(static_cast<unsigned char>(c)) != 0; });
  if (text.size() != 2 * digest.size() || !hexadecimal) {
    throw CLI::ValidationError("--model-id: '" + text + "' is no model id: write its " +
                               std::to_string(2 * digest.size()) +
                               " hexadecimal digits, which opaline inspect NAME.client shows");
  }
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::uint8_t>(std::stoul(text.substr(2 * i, 2), nullptr, 16));
  }
  return digest;
}

// One word; the line's end that editors put there is not part of it.
std::string read_token(const std::filesystem::path& path) {
  {
    const FileReader file(path);
    if ((file.permissions() & kOthers) != 0) {
      throw Error(ErrorKind::invalid_argument,
                  path.string() + ": others may read or change this token; chmod 600 it");
    }
  }
  const SecretBytes bytes = read_secret_file(path, kTokenLimit);
  std::string token(bytes.begin(), bytes.end());
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const auto in_word = [](char c) { return c > ' ' && c <= '~'; };
  if (token.empty() || !std::all_of(token.begin(), token.end(), in_word)) {
    throw Error(ErrorKind::invalid_argument,
                path.string() + ": holds no token, which is one word on one line");
  }
  return token;
}

// In place of the progress bar's line, where there is one.
void print_note(const AttemptNote& note) {
  std::ostringstream line;
  line.precision(1);
  line << std::fixed << (::isatty(STDERR_FILENO) == 1 ? "\r\033[K" : "") << "opaline: note: " << note.reason
       << "; attempt " << note.attempt + 1 << " of " << note.attempts << " in "
       << static_cast<double>(note.wait.count()) / 1e3 << " s\n";
  std::fputs(line.str().c_str(), stderr);
}

}  // namespace

void add_remote_options(CLI::App& command, RemoteOptions& options) {
  command
      .add_option("--server", options.url,
                  "Where the model is served: https://host[:port][/prefix], or http:// for this machine")
      ->required()
      ->check(CLI::Validator(check_url, ""))
      ->type_name("URL");
  command.add_option("--model", options.model, "The model's name on the server")
      ->required()
      ->check([](const std::string& name) { return name.empty() ? "a model has a name" : ""; })
      ->type_name("NAME");
  command
      .add_option_function<std::string>(
          "--model-id", [&options](const std::string& text) { options.model_id = parse_model_id(text); },
          "Accept only the model of this id (opaline inspect shows it); default: whatever has the name")
      ->type_name("HEX");
  command
      .add_option("--token-file", options.token_file,
                  "File with the bearer token that the server asks for; nobody else may read it (mode 0600)")
      ->type_name("FILE");
  command
      .add_option("--ca-file", options.ca_file,
                  "PEM certificates of authorities to trust beside the system's, such as your own")
      ->type_name("FILE");
  command.add_flag("--allow-plain-http", options.allow_plain_http,
                   "Allow http:// to another machine: ciphertexts are safe there, tokens are not, and anyone "
                   "on the way can answer");
  command
      .add_option("--attempts", options.attempts,
                  "How often a request is sent while the server is busy or the network fails")
      ->check(CLI::Range(std::size_t{1}, kMostAttempts))
      ->capture_default_str()
      ->type_name("N");
  command
      .add_option("--timeout", options.timeout,
                  "Seconds for one request, all its attempts and waits included")
      ->check(CLI::Range(0.001, kLongestTimeout))
      ->capture_default_str()
      ->type_name("S");
}

RemoteModelSettings remote_settings(const RemoteOptions& options, const Session& session) {
  RemoteModelSettings settings;
  settings.url = options.url;
  settings.model = options.model;
  if (!options.token_file.empty()) settings.token = read_token(options.token_file);
  settings.model_id = options.model_id;
  settings.http.ca_file = options.ca_file;
  settings.http.allow_plain_http = options.allow_plain_http;
  settings.attempts = options.attempts;
  settings.total_time = std::chrono::milliseconds(static_cast<std::int64_t>(1e3 * options.timeout));
  if (session.progress != ProgressBar::Output::silent) settings.note = print_note;
  return settings;
}

}  // namespace opaline::tools
