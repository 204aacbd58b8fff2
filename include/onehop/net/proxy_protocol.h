// SPDX-License-Identifier: MIT
// The PROXY protocol, versions 1 and 2 (HAProxy's doc/proxy-protocol.txt): what a proxy says of its
// client before the first byte of a connection. Pure: bytes to a value, and a value to bytes.
//
//   v1   PROXY TCP4 192.0.2.7 198.51.100.1 51234 443\r\n
//   v2   12 bytes of signature · version and command · family · length · addresses · TLVs
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "onehop/base/address.h"
#include "onehop/base/buffer.h"
#include "onehop/config/config.h"
#include "onehop/telemetry/shard.h"

namespace onehop::net {

// The two ends of the client's connection. Both none where the header does not tell: UNKNOWN,
// LOCAL, or a family other than TCP's.
struct ProxyHeader {
  Address source;
  Address destination;

  bool operator==(const ProxyHeader&) const = default;
};

// `version` is v1 or v2. Addresses that are not both of IPv4 or both of IPv6 are left out: UNKNOWN,
// or LOCAL without any.
std::string written(config::ProxyProtocol version, const ProxyHeader& header);

using telemetry::ProxyHeaderFault;
std::string_view sentence_of(ProxyHeaderFault fault);

// Reads one header, of either version, from the beginning of a connection. It takes the bytes of
// the header and not one more, holds at most kMostHeld of them however long the header is, and says
// no at the first byte that no header begins with.
//
// As strict as the specification: a line of version 1 has at most 107 bytes, single blanks, decimal
// ports without leading zeros, and CRLF; of version 2 unknown commands and families are refused, as
// is a length without room for the addresses. TLVs are skipped, the checksum's too: TCP has one.
class ProxyHeaderReader {
 public:
  static constexpr size_t kMostHeld = 107;

  enum class Read : uint8_t { more, done, fault };
  // Consumes from the front of `bytes`. Not again once it is done or there was a fault.
  Read read(Buffer& bytes);

  const ProxyHeader& header() const noexcept { return header_; }  // once it is done
  ProxyHeaderFault fault() const noexcept { return fault_; }      // once there was one
  bool silent() const noexcept { return held_ == 0; }             // not a byte came

 private:
  // unknown -> line; unknown -> binary -> behind its addresses
  enum class Part : uint8_t { unknown, line, binary, behind };
  Read take(char byte);
  Read line_ended();
  Read fixed_part_ended();
  Read addresses_ended();
  Read go_behind();
  Read no(ProxyHeaderFault fault);
  std::string_view text() const { return {bytes_.data(), held_}; }

  std::array<char, kMostHeld> bytes_;
  size_t held_ = 0;
  size_t wanted_ = 0;  // of a binary one: bytes to hold
  size_t skip_ = 0;    // and behind them
  Part part_ = Part::unknown;
  ProxyHeaderFault fault_ = ProxyHeaderFault::missing;
  ProxyHeader header_;
};

}  // namespace onehop::net
