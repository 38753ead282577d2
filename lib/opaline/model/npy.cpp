#include "opaline/model/npy.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>

#include "opaline/base/error.h"
#include "opaline/model/table.h"

namespace opaline {
namespace {

constexpr std::array<std::uint8_t, 6> kMagic = {0x93, 'N', 'U', 'M', 'P', 'Y'};
constexpr std::size_t kVersionEnd = 8;
constexpr std::size_t kLongestHeader = std::size_t{1} << 16;
constexpr double kLargestExactInteger = 0x1p53;

[[noreturn]] void damaged(const std::string& name, const std::string& what) {
  throw Error(ErrorKind::damaged, name + ": " + what);
}

std::uint64_t little_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) value = value << 8U | bytes[i - 1];
  return value;
}

struct ElementType {
  std::string_view descr;
  std::size_t size;
  double (*decode)(ByteView bytes);
};

constexpr std::array<ElementType, 5> kElementTypes = {{
    {"<f4", 4,
     [](ByteView b) -> double { return std::bit_cast<float>(static_cast<std::uint32_t>(little_endian(b))); }},
    {"<f8", 8, [](ByteView b) { return std::bit_cast<double>(little_endian(b)); }},
    {"|u1", 1, [](ByteView b) -> double { return b[0]; }},
    {"<i4", 4, [](ByteView b) -> double { return static_cast<std::int32_t>(little_endian(b)); }},
    {"<i8", 8, [](ByteView b) { return static_cast<double>(static_cast<std::int64_t>(little_endian(b))); }},
}};

struct Header {
  const ElementType* type = nullptr;
  bool by_columns = false;
  std::vector<std::size_t> shape;
};

// The header is a Python dictionary of three entries; only what NumPy writes is understood.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& name) : text_(text), name_(name) {}

  Header parse() {
    Header header;
    bool order_known = false;
    bool shape_known = false;
    expect('{');
    while (!take('}')) {
      const std::string_view key = string();
      expect(':');
      if (key == "descr" && header.type == nullptr) {
        header.type = type();
      } else if (key == "fortran_order" && !order_known) {
        header.by_columns = boolean();
        order_known = true;
      } else if (key == "shape" && !shape_known) {
        header.shape = shape();
        shape_known = true;
      } else {
        refuse();
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_blanks();
    if (text_ != "\n" || header.type == nullptr || !order_known || !shape_known) refuse();
    return header;
  }

 private:
  [[noreturn]] void refuse() const { damaged(name_, "its .npy header is not one that NumPy writes"); }

  void skip_blanks() {
    while (text_.starts_with(' ')) text_.remove_prefix(1);
  }

  bool take(char c) {
    skip_blanks();
    if (!text_.starts_with(c)) return false;
    text_.remove_prefix(1);
    return true;
  }

  void expect(char c) {
    if (!take(c)) refuse();
  }

  std::string_view string() {
    const char quote = take('"') ? '"' : '\'';
    if (quote == '\'') expect(quote);
    const std::size_t size = text_.find(quote);
    if (size == std::string_view::npos) refuse();
    const std::string_view result = text_.substr(0, size);
    text_.remove_prefix(size + 1);
    return result;
  }

  const ElementType* type() {
    skip_blanks();
    if (text_.starts_with('[')) {
      damaged(name_, "holds records; save one plain array, as of float64");
    }
    const std::string_view descr = string();
    const auto* const found = std::find_if(kElementTypes.begin(), kElementTypes.end(),
                                           [&](const ElementType& known) { return known.descr == descr; });
    if (found == kElementTypes.end()) {
      damaged(name_,
              "its elements are not float32, float64, uint8, int32 or int64 (little-endian); save "
              "array.astype('<f8')");
    }
    return found;
  }

  bool boolean() {
    skip_blanks();
    for (const bool value : {false, true}) {
      const std::string_view word = value ? "True" : "False";
      if (!text_.starts_with(word)) continue;
      text_.remove_prefix(word.size());
      return value;
    }
    refuse();
  }

  std::vector<std::size_t> shape() {
    std::vector<std::size_t> sizes;
    expect('(');
    while (!take(')')) {
      sizes.push_back(size());
      const bool more = take(',');
      if (!more && sizes.size() == 1) refuse();  // Python's tuple of one has a comma
      if (!more) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  std::size_t size() {
    skip_blanks();
    std::size_t value = 0;
    const auto [end, status] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (status == std::errc::result_out_of_range) {
      throw Error(ErrorKind::too_large, name_ + ": an array of more elements than memory has");
    }
    if (status != std::errc()) refuse();
    text_.remove_prefix(static_cast<std::size_t>(end - text_.data()));
    return value;
  }

  std::string_view text_;
  const std::string& name_;
};

// Where the header begins and ends in the file.
struct HeaderPlace {
  std::size_t begin = 0;
  std::size_t end = 0;
};

HeaderPlace find_header(ByteView file, const std::string& name) {
  if (file.size() < kVersionEnd) damaged(name, "an .npy file cut short");
  const unsigned major = file[kMagic.size()];
  if (major < 1 || major > 3 || file[kMagic.size() + 1] != 0) {
    damaged(name, "an .npy file of an unknown version; 1.0 to 3.0 are read");
  }
  const std::size_t width = major == 1 ? 2 : 4;
  const std::size_t begin = kVersionEnd + width;
  if (file.size() < begin) damaged(name, "an .npy file cut short");
  const std::size_t size = little_endian(file.subspan(kVersionEnd, width));
  if (size > kLongestHeader) throw Error(ErrorKind::too_large, name + ": an .npy header of more than 64 KiB");
  if (file.size() - begin < size) damaged(name, "an .npy file cut short");
  return {begin, begin + size};
}

void check_sizes(const NpyContents& contents, const std::string& name) {
  if (contents.rows == 0 || contents.columns == 0) damaged(name, "has no rows or no columns");
  if (contents.rows > kMostTableRows || contents.columns > kMostTableColumns ||
      contents.rows > kMostTableCells / contents.columns) {
    throw Error(ErrorKind::too_large,
                name + ": " + std::to_string(contents.rows) + " rows of " + std::to_string(contents.columns) +
                    " columns; a table has at most 2^24 rows, 2^20 columns and 2^27 cells");
  }
}

}  // namespace

bool is_npy(ByteView file) {
  return file.size() >= kMagic.size() && std::equal(kMagic.begin(), kMagic.end(), file.begin());
}

NpyContents parse_npy(ByteView file, const std::string& name) {
  if (!is_npy(file)) damaged(name, "not an .npy file");
  const HeaderPlace place = find_header(file, name);
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + place.begin,
                              place.end - place.begin);
  const Header header = HeaderParser(text, name).parse();
  if (header.shape.empty() || header.shape.size() > 2) {
    damaged(name, "an array of " + std::to_string(header.shape.size()) +
                      " dimensions; save one of two, as array.reshape(len(array), -1)");
  }
  NpyContents contents;
  contents.rows = header.shape[0];
  contents.columns = header.shape.size() == 2 ? header.shape[1] : 1;
  contents.single_precision = header.type->descr == "<f4";
  check_sizes(contents, name);
  const ByteView elements = file.subspan(place.end);
  const std::size_t count = contents.rows * contents.columns;
  const std::size_t size = header.type->size;
  if (elements.size() != count * size) {
    damaged(name, "holds " + std::to_string(elements.size()) + " bytes of elements where its header says " +
                      std::to_string(count * size));
  }
  contents.values.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double value = header.type->decode(elements.subspan(i * size, size));
    if (header.type->descr == "<i8" && std::abs(value) > kLargestExactInteger) {
      throw Error(ErrorKind::too_large,
                  name + ": holds integers beyond 2^53, which double precision does not keep apart");
    }
    contents.values[header.by_columns ? i % contents.rows * contents.columns + i / contents.rows : i] = value;
  }
  return contents;
}

}  // namespace opaline
