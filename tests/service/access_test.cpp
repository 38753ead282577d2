#include "opaline/service/access.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "support/error_kind.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;
using namespace std::chrono_literals;

namespace {

std::filesystem::path write_tokens(const TemporaryFolder& folder, const std::string& text) {
  const std::filesystem::path path = folder / "tokens";
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms(0600));
  return path;
}

const std::string kToken = "0123456789abcdef";
const std::string kOther = "fedcba9876543210";

}  // namespace

TEST_CASE("A token file is read line by line", "[access]") {
  const TemporaryFolder folder;
  const auto grants = read_token_file(write_tokens(
      folder,
      "# who may ask\n\n  " + kToken + "\tname=ward-3 rate=2.5 burst=10 quota=1000 # x\r\n" + kOther));
  REQUIRE(grants.size() == 2);
  CHECK(grants[0].name == "ward-3");
  CHECK(grants[0].rate == 2.5);
  CHECK(grants[0].burst == 10);
  CHECK(grants[0].quota == 1000);
  CHECK(grants[0].token == sha256(as_bytes(kToken)));
  CHECK(grants[1].name == "line 4");
  CHECK(grants[1].quota == 0);
}

TEST_CASE("A wrong token file is refused by its line, without the token", "[access]") {
  const TemporaryFolder folder;
  for (const std::string& text :
       {std::string(), std::string("# nothing\n"), std::string("short\n"), kToken + " rate\n",
        kToken + " rate=0\n", kToken + " rate=nan\n", kToken + " rate=inf\n", kToken + " quota=-1\n",
        kToken + " quota=1.5\n", kToken + " burst=0.5\n", kToken + " name=\n", kToken + " other=1\n",
        kToken + "\n" + kToken + "\n", std::string(513, 'x')}) {
    CAPTURE(text);
    const auto error = error_of([&] { read_token_file(write_tokens(folder, text)); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::damaged);
    CHECK(std::string(error->what()).find(kToken) == std::string::npos);
  }
  const auto path = write_tokens(folder, kToken);
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  CHECK(kind_of([&] { read_token_file(path); }) == ErrorKind::io);
  CHECK(kind_of([&] { read_token_file(folder / "missing"); }) == ErrorKind::io);
}

TEST_CASE("A holder is who sends the token", "[access]") {
  TokenGrant first{sha256(as_bytes(kToken)), "first"};
  TokenGrant second{sha256(as_bytes(kOther)), "second"};
  const Access access({first, second});
  CHECK(access.asks_for_tokens());
  CHECK(access.holder("Bearer " + kToken)->name == "first");
  CHECK(access.holder("bearer " + kOther)->name == "second");
  for (const std::string& wrong :
       {std::string(), kToken, "Basic " + kToken, "Bearer " + kToken + "0", "Bearer " + kToken.substr(1),
        "Bearer  " + kToken, std::string("Bearer ")}) {
    CHECK(!access.holder(wrong));
  }
  CHECK(!Access().asks_for_tokens());
}

TEST_CASE("A rate lets bursts through and then one at a time", "[access]") {
  TokenGrant grant{sha256(as_bytes(kToken)), "g", 0.5, 3, 0};
  Access access({grant});
  const Access::Clock::time_point start = Access::Clock::time_point(1'000'000s);
  for (int i = 0; i < 3; ++i) CHECK(access.take_request(grant, start) == 0s);
  CHECK(access.take_request(grant, start) == 2s);
  CHECK(access.take_request(grant, start + 1s) == 1s);
  CHECK(access.take_request(grant, start + 2s) == 0s);
  CHECK(access.take_request(grant, start + 2s) > 0s);
  for (int i = 0; i < 3; ++i) CHECK(access.take_request(grant, start + 1000s) == 0s);
  CHECK(access.take_request(grant, start + 1000s) > 0s);
  // A clock that goes back gives nothing away and locks nobody out.
  CHECK(access.take_request(grant, start + 10s) > 0s);
  CHECK(access.take_request(grant, start + 12s) == 0s);
}

TEST_CASE("A quota is counted in inputs, by the day", "[access]") {
  TokenGrant grant{sha256(as_bytes(kToken)), "g", 0, 1, 100};
  Access access({grant});
  const Access::Clock::time_point noon = Access::Clock::time_point(24h * 1000 + 12h);
  CHECK(access.take_inputs(grant, 60, noon) == 0s);
  CHECK(access.take_inputs(grant, 41, noon) == 12h);
  CHECK(access.take_inputs(grant, 40, noon) == 0s);
  CHECK(access.take_inputs(grant, 1, noon + 11h) == 1h);
  CHECK(access.take_inputs(grant, std::size_t(-1), noon) > 0s);
  CHECK(access.take_inputs(grant, 100, noon + 12h) == 0s);

  // What was used is not forgotten when the file is read again.
  access.replace({grant});
  CHECK(access.take_inputs(grant, 1, noon + 12h) > 0s);
  CHECK(access.holder("Bearer " + kToken));
  access.replace({{sha256(as_bytes(kOther)), "other"}});
  CHECK(!access.holder("Bearer " + kToken));
}
