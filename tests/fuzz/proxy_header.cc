// SPDX-License-Identifier: MIT
// Fuzz target: any first bytes of a connection are a PROXY header, the beginning of one, or none,
// the same in one piece and in two; and what was read can be written and read again. The first byte
// says where the pieces are cut.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "onehop/base/assert.h"
#include "onehop/net/proxy_protocol.h"

namespace {

using onehop::Buffer;
using onehop::config::ProxyProtocol;
using onehop::net::ProxyHeader;
using onehop::net::ProxyHeaderReader;
using Read = ProxyHeaderReader::Read;

struct Outcome {
  Read read = Read::more;
  size_t left = 0;  // bytes behind the header
  ProxyHeader header;

  bool operator==(const Outcome& other) const {
    return read == other.read && left == other.left && header == other.header;
  }
};

Outcome read(std::string_view first, std::string_view second) {
  ProxyHeaderReader reader;
  Outcome outcome;
  for (const std::string_view piece : {first, second}) {
    if (outcome.read != Read::more) {
      outcome.left += piece.size();
      continue;
    }
    Buffer bytes;
    bytes.append(piece);
    outcome.read = reader.read(bytes);
    ONEHOP_ASSERT(outcome.read != Read::more || bytes.empty());
    outcome.left = bytes.size();
  }
  if (outcome.read != Read::done) outcome.left = 0;
  if (outcome.read == Read::done) outcome.header = reader.header();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const size_t cut = bytes.empty() ? 0 : data[0] % (bytes.size() + 1);
  const Outcome whole = read(bytes, {});
  ONEHOP_ASSERT(whole == read(bytes.substr(0, cut), bytes.substr(cut)));
  if (whole.read != Read::done) return 0;
  for (const ProxyProtocol version : {ProxyProtocol::v1, ProxyProtocol::v2}) {
    const Outcome again = read(onehop::net::written(version, whole.header), {});
    ONEHOP_ASSERT(again.read == Read::done && again.left == 0);
    const bool both = !again.header.source.is_none();
    ONEHOP_ASSERT(!both || again.header == whole.header);
  }
  return 0;
}
