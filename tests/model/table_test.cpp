#include "opaline/model/table.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <limits>
#include <string>
#include <string_view>

#include "npy_file.h"
#include "opaline/base/error.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

using namespace opaline;
using opaline::test::error_of;
using opaline::test::npy_file;

namespace {

using Numbers = std::vector<double>;
using Texts = std::vector<std::string>;

// Without write_file's flush to the disk, which would take most of the time here.
Table read(std::string_view contents) {
  const test::TemporaryFolder folder;
  const std::filesystem::path path = folder / "patients.csv";
  std::ofstream(path, std::ios::binary) << contents;
  return Table::read(path);
}

Numbers column(const Table& table, std::size_t position) {
  return table.numbers(std::vector<std::size_t>{position});
}

// What the reading says, without the folder.
std::string complaint(std::string_view contents, ErrorKind kind = ErrorKind::damaged) {
  const std::optional<Error> error = error_of([&] { read(contents); });
  if (!error) return "nothing";
  CHECK(error->kind() == kind);
  const std::string what = error->what();
  CHECK(what.find('\n') == std::string::npos);
  return what.substr(what.find("patients.csv"));
}

template <typename Action>
std::string refusal(const Action& action) {
  const std::optional<Error> error = error_of(action);
  if (!error) return "nothing";
  CHECK(error->kind() == ErrorKind::invalid_argument);
  const std::string what = error->what();
  CHECK(what.find('\n') == std::string::npos);
  return what.substr(what.find("patients.csv"));
}

std::string number_refusal(const std::string& cell) {
  return refusal([&] { column(read("id,age\n1,1\n2," + cell + "\n"), 1); });
}

}  // namespace

TEST_CASE("CSV is read with its header, row by row") {
  const Table table = read("age,name,weight\n31,Ann,70.5\n-4e1,Bo,.25\n");
  CHECK(table.rows() == 2);
  CHECK(table.width() == 3);
  CHECK(table.columns() == Texts{"age", "name", "weight"});
  CHECK(table.numbers(std::vector<std::size_t>{2, 0}) == Numbers{70.5, 31, 0.25, -40});
  CHECK(table.texts(1) == Texts{"Ann", "Bo"});
  CHECK(table.texts(0) == Texts{"31", "-4e1"});
  CHECK(table.position("weight") == 2);
}

TEST_CASE("CSV of every usual spelling is the same table") {
  for (const std::string_view text :
       {"a,b\n1,x y\n2,z\n", "a,b\r\n1,x y\r\n2,z\r\n", "a,b\r1,x y\r2,z",
        "\xef\xbb\xbf"
        "a,b\n1,x y\n2,z",
        "a;b\n1;x y\n2;z\n", "a\tb\n1\tx y\n2\tz\n", "\"a\",\"b\"\n\"1\",\"x y\"\n\"2\",z\n",
        " a , b \n 1 , x y \n\n2,\tz\n  \n", "\n\na,b\n1,x y\n\n2,z\n\n"}) {
    CAPTURE(text);
    const Table table = read(text);
    CHECK(table.columns() == Texts{"a", "b"});
    CHECK(column(table, 0) == Numbers{1, 2});
    CHECK(table.texts(1) == Texts{"x y", "z"});
  }
}

TEST_CASE("Quotes keep separators, quotes and line breaks") {
  const Table table = read("\"a;1\",\"b,\"\"2\"\"\"\n\"x\n\"\"y\"\"\",\"1,5\"\n");
  CHECK(table.columns() == Texts{"a;1", "b,\"2\""});
  CHECK(table.texts(0) == Texts{"x\n\"y\""});
  CHECK(table.texts(1) == Texts{"1,5"});
}

TEST_CASE("A separator is chosen by the header alone") {
  CHECK(read("a;b\n\"1,5\";2\n").texts(0) == Texts{"1,5"});
  CHECK(read("a;b,c\n1,2\n").columns() == Texts{"a;b", "c"});
  CHECK(read("\"a,b\";c\n1;2\n").columns() == Texts{"a,b", "c"});
  CHECK(read("a\n1;2\n").texts(0) == Texts{"1;2"});
  CHECK(read("a;b\n1\t2;3\n").texts(0) == Texts{"1\t2"});
  CHECK(read("a\tb\tc\n\t1\t\n").texts(1) == Texts{"1"});  // blanks that separate are not trimmed
}

TEST_CASE("Empty cells are read, and refused where a value is wanted") {
  const Table table = read("a,b\n,1\n2,\n");
  CHECK(table.rows() == 2);
  CHECK(refusal([&] { column(table, 0); }) ==
        "patients.csv: line 2, column \"a\": the cell is empty; fill it in or leave the row out");
  CHECK(refusal([&] { table.texts(1); }) ==
        "patients.csv: line 3, column \"b\": the cell is empty; fill it in or leave the row out");
}

TEST_CASE("Numbers are read to the last bit, and nothing else is") {
  const Table table = read("x\n0.1\n+7\n-0\n1E3\n1e-300\n 5 \n123456789012345678\n2.2250738585072014e-308\n");
  const Numbers expected = {
      0.1, 7, -0.0, 1000, 1e-300, 5, 123456789012345678.0, std::numeric_limits<double>::min()};
  CHECK(column(table, 0) == expected);
  CHECK(std::signbit(column(table, 0)[2]));
  for (const char* cell : {"abc", "1 2", "0x10", "1e", "--1", "+-1", "+", "1.2.3", "12a", "e5", "."}) {
    CHECK(number_refusal(cell) == "patients.csv: line 3, column \"age\": \"" + std::string(cell) +
                                      "\" is not a number; correct it or leave the column out");
  }
  CHECK(number_refusal("\"1,5\"") ==
        "patients.csv: line 3, column \"age\": \"1,5\" is not a number; write it with a decimal point and no "
        "commas");
  for (const char* cell : {"inf", "-inf", "Infinity"}) {
    CHECK_THAT(number_refusal(cell), Catch::Contains("is not a finite number"));
  }
  for (const char* cell : {"1e400", "-1e999", "1e-400"}) {
    CHECK_THAT(number_refusal(cell), Catch::Contains("is beyond the range of double precision"));
  }
  for (const char* cell : {"n/a", "NA", "NaN", "nan", "null", "NULL", "?"}) {
    CHECK(number_refusal(cell) == "patients.csv: line 3, column \"age\": \"" + std::string(cell) +
                                      "\" is missing; fill it in or leave the row out");
  }
  CHECK_THAT(number_refusal("-nan"), Catch::Contains("is not a finite number"));
}

TEST_CASE("An error's line is an editor's, its text one line") {
  const Table table = read("note,age\r\n\"a\r\nb\",1\r\n\r\n\"c\nd\re\",x\r\n");
  CHECK(refusal([&] { column(table, 1); }) ==
        "patients.csv: line 7, column \"age\": \"x\" is not a number; correct it or leave the column out");
  CHECK(
      refusal([&] { column(table, 0); }) ==
      "patients.csv: line 2, column \"note\": \"a  b\" is not a number; correct it or leave the column out");
  const Table wordy = read("a\n" + std::string(59, 'x') + "\xc3\xa9 and so on\n");
  CHECK_THAT(refusal([&] { column(wordy, 0); }), Catch::Contains("\"" + std::string(59, 'x') + "…\""));
}

TEST_CASE("A broken CSV is refused with the line and the reason") {
  CHECK(complaint("") == "patients.csv: is empty; a table begins with a line of column names");
  CHECK(complaint("\r\n \n") == "patients.csv: is empty; a table begins with a line of column names");
  CHECK(complaint("a,b\n") == "patients.csv: has no rows under its first line");
  CHECK(complaint("a,b\n1,2\n\"3\n\",4,5\n1,2\n") ==
        "patients.csv: line 3: 3 cells where there are 2 columns; quote cells that hold the separator");
  CHECK(complaint("a,b\n1\n") ==
        "patients.csv: line 2: 1 cells where there are 2 columns; quote cells that hold the separator");
  CHECK(complaint("a,,c\n1,2,3\n") == "patients.csv: line 1: column 2 has no name; give it one");
  CHECK(complaint("\na,b,a\n1,2,3\n") ==
        "patients.csv: line 2: column 3: the name \"a\" is there twice; columns need different names");
  CHECK(complaint("a,\"b\nc\"\n1,2\n") ==
        "patients.csv: line 1: column 2: its name has control characters or line breaks");
  CHECK(complaint("a,b\n1,x\"y\n") ==
        "patients.csv: line 2: a quote inside a cell; put the cell in quotes and double those in it");
  CHECK(complaint("a,b\n1,\"x\"y\n") ==
        "patients.csv: line 2: a quote inside a cell; put the cell in quotes and double those in it");
  CHECK(complaint("a,b\n1,2\n3,\"x\n4,5\n") ==
        "patients.csv: line 3: a quote that opens in this row is never closed");
  CHECK(complaint("0.5,1\n2,3,4\n") ==
        "patients.csv: line 2: 3 cells where there are 2 columns; quote cells that hold the separator");
}

TEST_CASE("Columns may be called by numbers") {
  CHECK(read("0,1,2\n.5,1,2\n").position("2") == 2);
  CHECK(read("1,2\n.5,1\n").position("2") == 1);
}

TEST_CASE("Without a header the columns have no names") {
  const std::vector<std::size_t> both = {1, 0};
  const Table table = read("0.5,-1e3\n2,3\n\n4,5\n");
  CHECK(table.columns().empty());
  CHECK(table.rows() == 3);
  CHECK(table.width() == 2);
  CHECK(table.numbers(both) == std::vector<double>{-1000, 0.5, 3, 2, 5, 4});
  CHECK(table.texts(0) == std::vector<std::string>{"0.5", "2", "4"});
  CHECK_THROWS_AS(table.position("0.5"), Error);
  CHECK(read("7,8\n").rows() == 1);
  CHECK(read("0\n").rows() == 1);  // labels, one a line
  CHECK(read("0\n1\n1\n").texts(0) == std::vector<std::string>{"0", "1", "1"});
  try {
    read("0.5,1\n2,x\n").numbers(both);
    FAIL_CHECK("read");
  } catch (const Error& error) {
    CHECK_THAT(error.what(), Catch::Contains("line 2, column 2: \"x\""));
  }
}

TEST_CASE("What is not UTF-8 text is refused") {
  for (const std::string_view line :
       {std::string_view("1,\0", 3), std::string_view("1,\x01"), std::string_view("1,\xff"),
        std::string_view("1,caf\xe9"), std::string_view("1,\xc0\xaf"), std::string_view("1,\x7f")}) {
    CHECK(complaint("a,b\n" + std::string(line) + "\n") ==
          "patients.csv: line 2 is not UTF-8 text; save the table as CSV in UTF-8");
  }
  const std::string utf16(
      "\xff\xfe"
      "a\0,\0b\0\n\0",
      10);
  CHECK(complaint(utf16) == "patients.csv: line 1 is not UTF-8 text; save the table as CSV in UTF-8");
  CHECK(read("Größe,b\n1,\xe2\x82\xac\n").texts(1) == Texts{"\xe2\x82\xac"});
}

TEST_CASE("Tables wider or with longer cells than documented are refused") {
  std::string header = "a";
  for (std::size_t i = 0; i < kMostTableColumns; ++i) header += ",";
  CHECK_THAT(complaint(header + "\n", ErrorKind::too_large), Catch::Contains("1048576 columns"));
  const std::string cell(std::size_t{1} << 20U, 'x');
  CHECK(read("a\n" + cell + "\n").texts(0) == Texts{cell});
  CHECK_THAT(complaint("a\n1\n" + cell + "x\n", ErrorKind::too_large),
             Catch::Contains("line 3: a cell of more"));
}

TEST_CASE("scikit-learn's files get names and class names") {
  const Table table = read("3,2,setosa,virginica\n1,.5,0\n2,.25,1\n3,.125,1\n");
  CHECK(table.rows() == 3);
  CHECK(table.columns() == Texts{"x0", "x1", "class"});
  CHECK(table.texts(table.position("class")) == Texts{"setosa", "virginica", "virginica"});
  CHECK(table.numbers(std::vector<std::size_t>{0, 1}) == Numbers{1, .5, 2, .25, 3, .125});
  CHECK_THAT(refusal([&] { column(table, 2); }),
             Catch::Contains("line 2, column \"class\": \"setosa\" is not a number"));
  CHECK(complaint("4,2,setosa,virginica\n1,.5,0\n") == "patients.csv: line 1 says 4 rows, there are 1");
  CHECK(complaint("1,2,setosa,virginica\n1,.5,2\n") ==
        "patients.csv: line 2, column \"class\": \"2\" is not the index of one of the 2 classes");
  CHECK_THAT(complaint("1,2,setosa,virginica\n1,.5,-1\n"), Catch::Contains("is not the index"));
  CHECK_THAT(complaint("1,2,setosa,virginica\n1,.5,\n"), Catch::Contains("is not the index"));
  CHECK_THAT(complaint("1,2,setosa,\n1,.5,0\n"), Catch::Contains("a class has no name"));
}

TEST_CASE("A column that is not there is refused with those there are") {
  const Table table = read("age,weight\n1,2\n");
  CHECK(refusal([&] { table.position("wieght"); }) ==
        "patients.csv: no column \"wieght\" among \"age\", \"weight\"; did you mean \"weight\"?");
  CHECK_THAT(refusal([&] { table.position("AGE"); }), Catch::Contains("did you mean \"age\"?"));
  CHECK(refusal([&] { table.position("blood"); }) ==
        "patients.csv: no column \"blood\" among \"age\", \"weight\"");
  CHECK_THAT(refusal([&] { column(table, 2); }), Catch::Contains("no column 2"));
  CHECK_THAT(refusal([&] { table.texts(2); }), Catch::Contains("no column 2"));
  std::string wide = "c0";
  std::string row = "0";
  for (int i = 1; i < 100; ++i) {
    wide += ",c" + std::to_string(i);
    row += ",0";
  }
  CHECK_THAT(refusal([&] { read(wide + "\n" + row).position("x"); }), Catch::EndsWith("\"c11\" and 88 more"));
}

TEST_CASE(".npy of every element type is read") {
  const auto check = [](const std::string& descr, const std::string& elements, const Numbers& expected) {
    CAPTURE(descr);
    const Table table = read(npy_file(descr, "False", "(2, 1)", elements));
    CHECK(table.rows() == 2);
    CHECK(table.width() == 1);
    CHECK(table.columns().empty());
    CHECK(column(table, 0) == expected);
  };
  using namespace std::string_literals;
  check("<f8", "\x9a\x99\x99\x99\x99\x99\xb9\x3f\0\0\0\0\0\0\x00\xc0"s, {0.1, -2});
  check("<f4", "\xcd\xcc\xcc\x3d\0\0\0\xc0"s, {0.1F, -2});
  check("|u1", "\x00\xff"s, {0, 255});
  check("<i4", "\xff\xff\xff\xff\x00\x00\x00\x80"s, {-1, -2147483648.0});
  check("<i8", "\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00\x00\x00\x20\x00"s, {-1, 0x1p53});
}

TEST_CASE(".npy keeps rows and columns in either order, of one or two dimensions") {
  const std::string six("\1\2\3\4\5\6", 6);
  const std::vector<std::size_t> all = {0, 1, 2};
  CHECK(read(npy_file("|u1", "False", "(2, 3)", six)).numbers(all) == Numbers{1, 2, 3, 4, 5, 6});
  CHECK(read(npy_file("|u1", "True", "(2, 3)", six)).numbers(all) == Numbers{1, 3, 5, 2, 4, 6});
  const Table line = read(npy_file("|u1", "False", "(6,)", six));
  CHECK(line.rows() == 6);
  CHECK(line.width() == 1);
  CHECK(line.texts(0) == Texts{"1", "2", "3", "4", "5", "6"});
}

TEST_CASE(".npy of every version is read") {
  for (const int version : {1, 2, 3}) {
    CHECK(read(npy_file("|u1", "False", "(1, 1)", "\7", version)).texts(0) == Texts{"7"});
  }
  CHECK_THAT(complaint(npy_file("|u1", "False", "(1, 1)", "\7", 4)), Catch::Contains("version"));
}

TEST_CASE("Texts of .npy numbers are short, and what is no number is refused") {
  using namespace std::string_literals;
  CHECK(read(npy_file("<f4", "False", "(1,)", "\xcd\xcc\xcc\x3d"s)).texts(0) == Texts{"0.1"});
  CHECK(read(npy_file("<f8", "False", "(1,)", "\x9a\x99\x99\x99\x99\x99\xb9\x3f"s)).texts(0) == Texts{"0.1"});
  const Table nan = read(npy_file("<f4", "False", "(1, 2)", "\0\0\0\0\0\0\xc0\x7f"s));
  CHECK(refusal([&] { column(nan, 1); }) ==
        "patients.csv: row 0, column 1 (counted from 0): NaN is missing; fill it in or leave the row out");
  CHECK_THAT(refusal([&] { nan.texts(1); }), Catch::Contains("NaN is missing"));
  const Table infinite = read(npy_file("<f4", "False", "(1,)", "\0\0\x80\xff"s));
  CHECK_THAT(refusal([&] { column(infinite, 0); }), Catch::Contains("-inf is not a finite number"));
  CHECK_THAT(refusal([&] { nan.position("a"); }), Catch::Contains("have no names"));
  CHECK_THAT(complaint(npy_file("<i8", "False", "(1,)", "\x02\0\0\0\0\0\x20\0"s), ErrorKind::too_large),
             Catch::Contains("2^53"));
}

TEST_CASE(".npy of other arrays is refused with what to do") {
  CHECK_THAT(complaint(npy_file(">f8", "False", "(1,)", std::string(8, '\0'))), Catch::Contains("astype"));
  CHECK_THAT(complaint(npy_file("|O", "False", "(1,)", std::string(8, '\0'))), Catch::Contains("astype"));
  CHECK_THAT(complaint(npy_file("|u1", "False", "(1, 1, 1)", "\1")), Catch::Contains("reshape"));
  CHECK_THAT(complaint(npy_file("|u1", "False", "()", "\1")), Catch::Contains("reshape"));
  CHECK_THAT(complaint(npy_file("|u1", "False", "(0, 5)", "")), Catch::Contains("no rows"));
  CHECK_THAT(complaint(npy_file("|u1", "False", "(5, 0)", "")), Catch::Contains("no rows or no columns"));
  CHECK_THAT(complaint(npy_file("|u1", "False", "(2,)", "\1")), Catch::Contains("1 bytes of elements"));
  CHECK_THAT(complaint(npy_file("|u1", "False", "(2,)", "\1\2\3")), Catch::Contains("3 bytes of elements"));
}

TEST_CASE("A missing file or a folder is an error that names it") {
  const test::TemporaryFolder folder;
  CHECK_THROWS_WITH(Table::read(folder / "absent.csv"), Catch::Contains("absent.csv"));
  CHECK(test::kind_of([&] { Table::read(folder.path()); }) == ErrorKind::io);
}
