#include "fuzz/gzip.h"

#include <zlib.h>

#include <stdexcept>

namespace opaline::fuzz {
namespace {

int window_of(Wrapping wrapping) { return wrapping == Wrapping::gzip ? MAX_WBITS + 16 : MAX_WBITS; }

void give(z_stream& stream, ByteView in, Bytes& out) {
  stream.next_in = const_cast<Bytef*>(in.data());  // zlib only reads it
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
}

}  // namespace

Bytes deflated(ByteView plain, Wrapping wrapping) {
  z_stream stream{};
  if (::deflateInit2(&stream, 6, Z_DEFLATED, window_of(wrapping), 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib cannot start");
  }
  Bytes packed(::deflateBound(&stream, static_cast<uLong>(plain.size())));
  give(stream, plain, packed);
  ::deflate(&stream, Z_FINISH);
  packed.erase(packed.end() - static_cast<std::ptrdiff_t>(stream.avail_out), packed.end());
  ::deflateEnd(&stream);
  return packed;
}

std::optional<Bytes> inflated(ByteView packed, Wrapping wrapping, std::size_t limit) {
  z_stream stream{};
  if (::inflateInit2(&stream, window_of(wrapping)) != Z_OK) throw std::runtime_error("zlib cannot start");
  Bytes plain;
  Bytes piece(4096);
  int status = Z_OK;
  give(stream, packed, piece);
  while (status == Z_OK && plain.size() < limit) {
    stream.next_out = piece.data();
    stream.avail_out = static_cast<uInt>(piece.size());
    status = ::inflate(&stream, Z_NO_FLUSH);
    plain.insert(plain.end(), piece.begin(), piece.end() - static_cast<std::ptrdiff_t>(stream.avail_out));
  }
  ::inflateEnd(&stream);
  if (status != Z_STREAM_END) return std::nullopt;
  return plain;
}

}  // namespace opaline::fuzz
