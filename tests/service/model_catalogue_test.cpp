#include "opaline/service/model_catalogue.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "inference/parties.h"
#include "opaline/base/file.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kKeys = 4;

void put(const std::filesystem::path& path, const CompiledModel& model) {
  write_file(path, model.serialise(), FileMode::everyone);
}

CompiledModel other_model() { return make_model(2, 4, {3, -2}, {7}); }

std::string id_of(const CompiledModel& model) { return to_hex(model.client_spec().model_id); }

}  // namespace

TEST_CASE("A model goes by its file's name or the one it is given", "[catalogue]") {
  CHECK(parse_model_file("/a/b/digits.server").name == "digits");
  CHECK(parse_model_file("/a/b/digits.server").path == "/a/b/digits.server");
  CHECK(parse_model_file("wine-2=/x/y.server").name == "wine-2");
  CHECK(parse_model_file("wine-2=/x/y.server").path == "/x/y.server");
  CHECK(parse_model_file("a=/x=y.server").path == "/x=y.server");
  for (const char* text :
       {"", "=x", "a b=x", "a/b=x", "..=x", ".hidden=x", "caf\xc3\xa9=x", "%41=x", "/x/a b.server"}) {
    CAPTURE(text);
    CHECK(kind_of([&] { parse_model_file(text); }) == ErrorKind::invalid_argument);
  }
}

TEST_CASE("Models are served by name, with version, id and spec", "[catalogue]") {
  const TemporaryFolder folder;
  put(folder / "a.server", small_model());
  put(folder / "b.server", tiny_model());
  const ModelCatalogue models({{"a", folder / "a.server"}, {"b", folder / "b.server"}}, kKeys,
                              default_backend());
  REQUIRE(models.find("a"));
  CHECK(models.find("a")->id == id_of(small_model()));
  CHECK(models.find("a")->version == id_of(small_model()).substr(0, 16));
  CHECK(models.find("b")->spec == tiny_model().client_spec().serialise());
  CHECK(!models.find("c"));
  CHECK(models.all().size() == 2);
}

TEST_CASE("A catalogue begins whole or not at all", "[catalogue]") {
  const TemporaryFolder folder;
  put(folder / "a.server", small_model());
  const auto open = [&](std::vector<ModelFile> files) {
    return kind_of([&] { ModelCatalogue(std::move(files), kKeys, default_backend()); });
  };
  CHECK(open({{"a", folder / "a.server"}, {"a", folder / "a.server"}}) == ErrorKind::invalid_argument);
  CHECK(open({{"a", folder / "a.server"}, {"b", folder / "b.server"}}) == ErrorKind::io);
  write_file(folder / "b.server", as_bytes("no model"), FileMode::everyone);
  CHECK(open({{"b", folder / "b.server"}}) == ErrorKind::damaged);
}

TEST_CASE("A changed file is taken, a bad one never displaces a good model", "[catalogue]") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "m.server";
  put(path, tiny_model());
  ModelCatalogue models({{"m", path}}, kKeys, default_backend());
  const auto before = models.find("m");
  using Which = ModelCatalogue::Which;
  CHECK(models.reload(Which::changed).empty());

  // Read again without a change, what is kept for clients is kept.
  REQUIRE(models.reload(Which::all).size() == 1);
  CHECK(models.find("m") == before);

  put(path, other_model());
  std::filesystem::last_write_time(path, std::filesystem::last_write_time(path) + std::chrono::seconds(2));
  const auto events = models.reload(Which::changed);
  REQUIRE(events.size() == 1);
  CHECK(events.front().problem.empty());
  CHECK(models.find("m")->id == id_of(other_model()));
  CHECK(events.front().version == models.find("m")->version);
  CHECK(before->id == id_of(tiny_model()));  // whoever has it still has it

  const Bytes good = other_model().serialise();
  const auto bad = [&](ByteView bytes) {
    write_file(path, bytes, FileMode::everyone);
    const auto now = models.reload(Which::all);
    REQUIRE(now.size() == 1);
    CHECK(!now.front().problem.empty());
    CHECK(models.find("m")->id == id_of(other_model()));
  };
  bad(as_bytes(""));
  bad(as_bytes("rubbish"));
  bad(ByteView(good).first(good.size() / 2));
  Bytes flipped = good;
  flipped[good.size() / 2] ^= 1;
  bad(flipped);
  std::filesystem::remove(path);
  CHECK(!models.reload(Which::changed).front().problem.empty());
  CHECK(models.find("m")->id == id_of(other_model()));
  CHECK(models.reload(Which::changed).empty());  // said once

  put(path, tiny_model());
  CHECK(models.reload(Which::changed).front().problem.empty());
  CHECK(models.find("m")->id == id_of(tiny_model()));
}
