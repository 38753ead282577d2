#include <algorithm>

#include "fuzz/targets/targets.h"

namespace opaline::fuzz {

const std::vector<FuzzTarget>& fuzz_targets() {
  static const std::vector<FuzzTarget> all = {
      client_file_target(), csv_target(),        encrypted_key_target(), http_target(),
      idx_target(),         npy_target(),        onnx_target(),          open_inference_target(),
      phe_numbers_target(), png_target(),        public_key_target(),    query_target(),
      reply_target(),       secret_key_target(), server_file_target(),   tokens_target(),
      url_target()};
  return all;
}

const FuzzTarget* find_target(const std::string& name) {
  const auto found = std::find_if(fuzz_targets().begin(), fuzz_targets().end(),
                                  [&](const FuzzTarget& target) { return target.name == name; });
  return found == fuzz_targets().end() ? nullptr : &*found;
}

}  // namespace opaline::fuzz
