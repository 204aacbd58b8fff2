// SPDX-License-Identifier: MIT
// The only file that sees zlib.
#include "gzip.h"

#include <zlib.h>

namespace onehop::admin {

namespace {

// Names of metrics repeat so much that more effort gains little.
constexpr int kLevel = 4;
constexpr int kGzipWindow = 15 + 16;  // the largest window, and 16 for the gzip format
constexpr int kMemoryLevel = 8;       // zlib's default

}  // namespace

std::string gzip(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, kLevel, Z_DEFLATED, kGzipWindow, kMemoryLevel, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    return {};
  std::string coded(deflateBound(&stream, text.size()), '\0');
  // zlib does not write to its input, whatever its type says.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(coded.data());
  stream.avail_out = static_cast<uInt>(coded.size());
  const bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  coded.resize(whole ? stream.total_out : 0);
  deflateEnd(&stream);
  return coded;
}

}  // namespace onehop::admin
