// Sound files that do not belong together, and numbers that nobody may send.

#include <algorithm>
#include <catch2/catch.hpp>

#include "end_to_end/program.h"
#include "end_to_end/workshop.h"
#include "hostile/refusal.h"
#include "opaline/base/file.h"
#include "opaline/inference/message.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/model/data/dataset.h"
#include "opaline/model/training/trainer.h"
#include "opaline/paillier/key_files.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kInputs = Workshop::kSide * Workshop::kSide;

const Reader& reader_of(const std::string& file) {
  return *std::find_if(readers().begin(), readers().end(), [&](const Reader& r) { return r.file == file; });
}

QueryHeader workshop_header() {
  FrameReader reader(workshop() / "q.query");
  return read_query_header(reader);
}

// A query of one chunk with the same number in place of every ciphertext.
Bytes query_of(QueryHeader header, const Integer& number) {
  header.images = 1;
  Bytes ciphertexts;
  for (std::size_t i = 0; i < kInputs; i += std::max<std::size_t>(1, header.layout.features)) {
    const Bytes one = to_bytes(number, header.key.ciphertext_bytes());
    ciphertexts.insert(ciphertexts.end(), one.begin(), one.end());
  }
  Bytes query = to_frame(header);
  const Bytes chunk = chunk_frame(ChunkKind::query, message_digest(header), 0, ciphertexts);
  query.insert(query.end(), chunk.begin(), chunk.end());
  return query;
}

// A model of the workshop's shape that is not the workshop's.
void make_other_model(const TemporaryFolder& folder) {
  run_ok({"compile", workshop() / "net.onnx", "--output", folder / "other", "--weight-bits", "5"});
}

}  // namespace

TEST_CASE("a reply for another key is refused") {
  const TemporaryFolder folder;
  run_ok({"keygen", "--bits", "1024", "--output", folder / "bob"});
  const Reader decrypt{
      "r.reply", {"decrypt", "--key", folder / "bob.key", "--spec", workshop() / "shapes.client", kBadFile}};
  CHECK(check_refused(decrypt, workshop() / "r.reply").find("another key") != std::string::npos);
}

TEST_CASE("a query or a reply for another model is refused") {
  const TemporaryFolder folder;
  make_other_model(folder);
  const Reader evaluate{"q.query",
                        {"evaluate", "--model", folder / "other.server", "--output", kOutput, kBadFile}};
  CHECK(check_refused(evaluate, workshop() / "q.query").find("another model") != std::string::npos);
  const Reader decrypt{
      "r.reply", {"decrypt", "--key", workshop() / "alice.key", "--spec", folder / "other.client", kBadFile}};
  CHECK(check_refused(decrypt, workshop() / "r.reply").find("another model") != std::string::npos);
}

TEST_CASE("numbers that are no ciphertexts are refused") {
  const QueryHeader header = workshop_header();
  const SecretKey key = read_secret_key(workshop() / "alice.key");
  const Integer& n = header.key.n();
  const std::pair<const char*, Integer> bad[] = {{"0", 0},
                                                 {"n", n},
                                                 {"n squared", n * n},
                                                 {"n squared + 1", n * n + 1},
                                                 {"p", key.p().value()},
                                                 {"q squared", key.q().value() * key.q().value()},
                                                 {"p times n", key.p().value() * n}};
  for (const auto& [what, number] : bad) {
    CAPTURE(what);
    check_refused(reader_of("q.query"), query_of(header, number));
  }
  CHECK_FALSE(ends_well(reader_of("q.query"), query_of(header, 2)));  // a unit is one
}

TEST_CASE("a layout that the model does not grant is refused") {
  QueryHeader header = workshop_header();
  const ClientSpec spec = ClientSpec::parse(read_file(workshop() / "shapes.client", 1 << 20), "spec");
  const LayoutShape sound = SlotLayout::batch(certificate_of(spec), header.key.bits()).shape();
  for (const LayoutShape& shape :
       {LayoutShape{1, 1, 1, sound.images, sound.slot_bits - 1},
        LayoutShape{1, 1, 1, sound.images, sound.slot_bits + 1}, LayoutShape{1, 1, 1, 1000, sound.slot_bits},
        LayoutShape{1, 1, 1, 0, sound.slot_bits}, LayoutShape{1, 1, 1, sound.images, 0},
        LayoutShape{2, 1, 1, 1, sound.slot_bits}, LayoutShape{1, 1, 1, std::size_t{1} << 60U, 16}}) {
    CAPTURE(shape.features, shape.images, shape.slot_bits);
    header.layout = shape;
    check_refused(reader_of("q.query"), query_of(header, 2));
  }
}

TEST_CASE("a range outside the images is refused") {
  for (const char* range : {"0:61", "60:61", "1000000:1000001"}) {
    CAPTURE(range);
    const Reader encrypt{
        "images.idx",
        {"encrypt", "--key", workshop() / "alice.key", "--spec", workshop() / "shapes.client", "--images",
         kBadFile, "--range", range, "--output", kOutput}};
    check_refused(encrypt, workshop() / "images.idx");
    const Reader predict{
        "images.idx",
        {"predict", "--model", workshop() / "shapes.server", "--images", kBadFile, "--range", range}};
    check_refused(predict, workshop() / "images.idx");
  }
}

TEST_CASE("too few labels for the answers are refused") {
  const Reader predict{"labels.idx",
                       {"predict", "--model", workshop() / "shapes.server", "--images",
                        workshop() / "images.idx", "--labels", kBadFile}};
  const TemporaryFolder folder;
  write_idx_labels(folder / "few.idx", std::vector<std::uint8_t>(59, 1));
  check_refused(predict, (folder / "few.idx").string());
}

TEST_CASE("images of another size are refused") {
  const TemporaryFolder folder;
  write_idx_images(folder / "wide.idx", {1, 6, 7, std::vector<std::uint8_t>(42)});
  write_idx_images(folder / "none.idx", {0, 6, 6, {}});
  for (const char* name : {"wide.idx", "none.idx"}) {
    const Reader predict{"", {"predict", "--model", workshop() / "shapes.server", "--images", kBadFile}};
    check_refused(predict, (folder / name).string());
  }
}

TEST_CASE("pixels outside the range a model was compiled for are refused, not clipped") {
  const TemporaryFolder folder;
  run_ok({"compile", workshop() / "net.onnx", "--output", folder / "dark", "--input-range", "0:0.5"});
  const Reader encrypt{"",
                       {"encrypt", "--key", workshop() / "alice.key", "--spec", folder / "dark.client",
                        "--images", kBadFile, "--output", kOutput}};
  const Reader predict{"", {"predict", "--model", folder / "dark.server", "--images", kBadFile}};
  for (const Reader& reader : {encrypt, predict}) {
    CHECK(check_refused(reader, workshop() / "images.idx").find("image 0") != std::string::npos);
  }
}

TEST_CASE("a model that cannot fit is refused") {
  const TemporaryFolder folder;
  TrainedNetwork network;
  network.layers.push_back({4, 2, {1e-6F, 1e-6F, 1e-6F, 1e-6F, 0, 0, 0, 0}, {3e9F, 0.0F}});
  const std::string path = folder / "huge.onnx";
  write_file(path, to_onnx(network), FileMode::everyone);
  const Reader compile{
      "", {"compile", kBadFile, "--input-bits", "16", "--weight-bits", "24", "--output", kOutput}};
  check_refused(compile, path);
  // With narrow numbers the same network does fit.
  run_ok({"compile", path, "--input-bits", "1", "--weight-bits", "2", "--output", folder / "small"});
}
