// SPDX-License-Identifier: MIT
// What a DNS server's answer says (RFC 1035 4.1), read from its bytes. Pure, and bounded whatever
// the bytes are: c-ares 1.18 shows neither the TTL of an SRV record nor that of an alias in what it
// reads itself.
//
// The answer section is taken as the answer to what was asked, without looking at whose records
// they are: it comes from the server that was asked, which may say what it likes anyway.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/net/name_service.h"

namespace onehop::net {

enum class RecordType : uint16_t { a = 1, aaaa = 28, srv = 33 };

struct DnsRecords {
  std::vector<AddressAnswer::Record> addresses;
  std::vector<ServiceAnswer::Record> services;
  uint32_t ttl_s = 0;   // the smallest of them and of the aliases; 0 where there is none
  size_t left_out = 0;  // beyond `most`
};

// The records of this type. The error is a sentence: the message ends before what it announces, or
// says what cannot be.
Result<DnsRecords, std::string> read_answer(std::span<const uint8_t> message, RecordType type,
                                            size_t most);

}  // namespace onehop::net
