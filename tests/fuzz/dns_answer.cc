// SPDX-License-Identifier: MIT
// Fuzz target: any bytes from a DNS server are an answer within bounds or a sentence. The first
// byte says what was asked for.
#include <cstddef>
#include <cstdint>
#include <span>

#include "onehop/base/assert.h"
#include "src/net/dns_message.h"

namespace {

using onehop::net::RecordType;

constexpr RecordType kTypes[] = {RecordType::a, RecordType::aaaa, RecordType::srv};
constexpr size_t kMost = 4;
constexpr size_t kLongestName = 2 * 255;  // a dot within a label takes two characters

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto records =
      onehop::net::read_answer(std::span(data + 1, size - 1), kTypes[data[0] % 3], kMost);
  if (!records.has_value()) {
    ONEHOP_ASSERT(!records.error().empty());
    return 0;
  }
  ONEHOP_ASSERT(records->addresses.size() + records->services.size() <= kMost);
  for (const auto& address : records->addresses) {
    ONEHOP_ASSERT(address.ttl_s >= records->ttl_s && !address.address.ip().empty());
  }
  for (const auto& service : records->services) {
    ONEHOP_ASSERT(service.ttl_s >= records->ttl_s && service.target.size() <= kLongestName);
  }
  return 0;
}
