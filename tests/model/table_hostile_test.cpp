#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <numeric>
#include <random>
#include <string>

#include "npy_file.h"
#include "opaline/base/error.h"
#include "opaline/model/table.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

using namespace opaline;
using opaline::test::npy_file;
using opaline::test::npy_of_header;

namespace {

const std::string kCsv = "\xef\xbb\xbfid,\"a \"\"name\"\"\",größe\r\n1,\"x,\r\ny\",0.5\r\n\r\n2, z ,-1e3\r\n";
const std::string kScikitLearn = "2,1,no,yes\n0.5,0\n1.5,1\n";
const std::string kNpy =
    npy_file("<f4", "True", "(2, 2)", std::string("\0\0\x80\x3f\0\0\0\x40\0\0\0\0\0\0\0\xc0", 16));

class Reader {
 public:
  Table read(const std::string& contents) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << contents;
    return Table::read(path_);
  }

  std::optional<ErrorKind> refusal(const std::string& contents) const {
    return test::kind_of([&] { read(contents); });
  }

  /// Either a table all of whose parts fit together, or an Error; anything else ends the test.
  void read_or_refuse(const std::string& contents) const {
    try {
      const Table table = read(contents);
      CHECK(table.rows() > 0);
      CHECK(table.width() > 0);
      CHECK((table.columns().empty() || table.columns().size() == table.width()));
      for (std::size_t i = 0; i < table.width(); ++i) use_column(table, i);
      for (const std::string& name : table.columns()) CHECK(table.position(name) < table.width());
    } catch (const Error& error) {
      CHECK(std::string(error.what()).find('\n') == std::string::npos);
    }
  }

 private:
  static void use_column(const Table& table, std::size_t position) {
    try {
      const std::vector<std::string> texts = table.texts(position);
      CHECK(texts.size() == table.rows());
      for (const double x : table.numbers(std::vector<std::size_t>{position})) CHECK(std::isfinite(x));
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::invalid_argument);
      CHECK(std::string(error.what()).find('\n') == std::string::npos);
    }
  }

  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "hostile";
};

}  // namespace

TEST_CASE("the tables that the damage is done to are sound") {
  const Reader reader;
  CHECK(reader.read(kCsv).texts(1) == std::vector<std::string>{"x,\r\ny", "z"});
  CHECK(reader.read(kScikitLearn).texts(1) == std::vector<std::string>{"no", "yes"});
  CHECK(reader.read(kNpy).numbers(std::vector<std::size_t>{0, 1}) == std::vector<double>{1, 0, 2, -2});
}

TEST_CASE("an .npy file cut short at any length or with bytes behind it is refused") {
  const Reader reader;
  for (std::size_t length = 0; length < kNpy.size(); ++length) {
    CAPTURE(length);
    CHECK(reader.refusal(kNpy.substr(0, length)) == ErrorKind::damaged);
  }
  CHECK(reader.refusal(kNpy + '\0') == ErrorKind::damaged);
}

TEST_CASE("a CSV cut short at any length is refused or read, never worse") {
  const Reader reader;
  for (const std::string& whole : {kCsv, kScikitLearn}) {
    for (std::size_t length = 0; length < whole.size(); ++length)
      reader.read_or_refuse(whole.substr(0, length));
  }
  CHECK(reader.refusal(kCsv.substr(0, kCsv.find("y\","))) == ErrorKind::damaged);
  CHECK(reader.refusal(kScikitLearn.substr(0, kScikitLearn.find("1.5"))) == ErrorKind::damaged);
}

TEST_CASE("a table with any bit flipped is refused or read, never worse") {
  const Reader reader;
  for (const std::string& whole : {kCsv, kScikitLearn, kNpy}) {
    std::string file = whole;
    for (char& byte : file) {
      const char was = byte;
      for (unsigned bit = 0; bit < 8; ++bit) {
        byte = static_cast<char>(was ^ static_cast<char>(1U << bit));
        reader.read_or_refuse(file);
      }
      byte = was;
    }
  }
}

TEST_CASE("a table with random bytes in it is refused or read, never worse") {
  const Reader reader;
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same damage every time
  const std::string likely = ",;\t\"\n\r 0(){}:'-";
  for (int round = 0; round < 3000; ++round) {
    for (std::string file : {kCsv, kScikitLearn, kNpy}) {
      for (int change = 0; change < 3; ++change) {
        file[random() % file.size()] =
            random() % 2 == 0 ? likely[random() % likely.size()] : static_cast<char>(random());
      }
      reader.read_or_refuse(file);
    }
  }
}

TEST_CASE("absurd sizes of an .npy file are refused before memory is taken") {
  const Reader reader;
  const auto kind = [&](const std::string& shape) {
    return reader.refusal(npy_file("<f8", "False", shape, std::string(16, '\0')));
  };
  CHECK(kind("(2, 1)") == std::nullopt);
  CHECK(kind("(16777216, 8)") == ErrorKind::damaged);
  CHECK(kind("(16777216, 9)") == ErrorKind::too_large);
  CHECK(kind("(16777217, 1)") == ErrorKind::too_large);
  CHECK(kind("(1, 1048577)") == ErrorKind::too_large);
  CHECK(kind("(4294967296, 4294967296)") == ErrorKind::too_large);
  CHECK(kind("(9223372036854775809, 2)") == ErrorKind::too_large);
  CHECK(kind("(18446744073709551616,)") == ErrorKind::too_large);
  CHECK(kind("(99999999999999999999999999999999, 1)") == ErrorKind::too_large);
  CHECK(kind("(-2, -1)") == ErrorKind::damaged);
  std::string long_header = npy_file("<f8", "False", "(2,)", std::string(16, '\0'), 2);
  long_header[8] = long_header[9] = long_header[10] = long_header[11] = '\xff';
  CHECK(reader.refusal(long_header) == ErrorKind::too_large);
}

TEST_CASE("an .npy header that NumPy would not write is refused") {
  const Reader reader;
  const auto kind = [&](const std::string& dictionary) {
    CAPTURE(dictionary);
    return reader.refusal(npy_of_header(dictionary, "\1"));
  };
  CHECK(kind("{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }") == std::nullopt);
  CHECK(kind("{\"shape\": (1, 1), \"fortran_order\": True, \"descr\": \"|u1\"}") == std::nullopt);
  for (const char* dictionary :
       {"",
        "{",
        "{}",
        "'descr': '|u1', 'fortran_order': False, 'shape': (1,)",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), } 0",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'fortran_order': True, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False}",
        "{'descr': '|u1', 'shape': (1,)}",
        "{'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': Falsehood, 'shape': (1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': 1}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1,,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (+1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1.0,)}",
        "{'descr': '|u1' 'fortran_order': False, 'shape': (1,)}",
        "{'descr': [('a', '|u1')], 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1, 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '|u1"}) {
    CHECK(kind(dictionary) == ErrorKind::damaged);
  }
  std::string unended = npy_file("|u1", "False", "(1,)", "\1");
  unended[unended.size() - 2] = ' ';
  CHECK(reader.refusal(unended) == ErrorKind::damaged);
}

TEST_CASE("binary junk is no table") {
  const Reader reader;
  std::mt19937 random(2);  // NOLINT(cert-msc51-cpp)
  for (int round = 0; round < 200; ++round) {
    std::string junk(300, '\0');
    for (char& byte : junk) byte = static_cast<char>(random());
    CHECK(reader.refusal(junk) == ErrorKind::damaged);
  }
  CHECK(reader.refusal(std::string(1000, '\0')) == ErrorKind::damaged);
  CHECK(reader.refusal(std::string(100000, '"')) == ErrorKind::damaged);
}
