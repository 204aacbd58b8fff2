// SPDX-License-Identifier: MIT
#include "onehop/proxy/exchange_record.h"

#include <algorithm>
#include <cstring>
#include <type_traits>

#include "onehop/base/assert.h"

namespace onehop::proxy {
namespace {

constexpr size_t kMostOfName = 255;

struct Fixed {
  ExchangeRecord::Numbers numbers;
  std::array<uint16_t, kRecordTextCount> lengths;
};
static_assert(std::is_trivially_copyable_v<Fixed>);
static_assert(kRecordTextCount <= 16, "ExchangeRecord::Numbers::cut has a bit for each");

struct FixedAttempt {
  uint64_t took_ns;
  Outcome outcome;
  uint8_t length;
};

class Out {
 public:
  explicit Out(char* room) : next_(room) {}
  void add(const void* bytes, size_t size) {
    if (size > 0) std::memcpy(next_, bytes, size);
    next_ += size;
  }

 private:
  char* next_;
};

class In {
 public:
  explicit In(std::string_view bytes) : bytes_(bytes) {}
  template <class T>
  T take() {
    T value;
    std::memcpy(&value, take(sizeof value).data(), sizeof value);
    return value;
  }
  std::string_view take(size_t size) {
    ONEHOP_ASSERT(size <= bytes_.size());
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

 private:
  std::string_view bytes_;
};

}  // namespace

void ExchangeRecord::keep_limits() {
  for (size_t i = 0; i < kRecordTextCount; ++i) {
    if (texts[i].size() <= kMostOfText[i]) continue;
    texts[i] = texts[i].substr(0, kMostOfText[i]);
    numbers.cut = static_cast<uint16_t>(numbers.cut | 1u << i);
  }
  for (size_t i = 0; i < numbers.attempts; ++i)
    attempts[i].endpoint = attempts[i].endpoint.substr(0, kMostOfName);
}

size_t ExchangeRecord::encoded_size() const {
  size_t size = sizeof(Fixed);
  for (const std::string_view text : texts) size += text.size();
  for (size_t i = 0; i < numbers.attempts; ++i)
    size += sizeof(FixedAttempt) + attempts[i].endpoint.size();
  return size;
}

void ExchangeRecord::encode(char* room) const {
  Out out(room);
  Fixed fixed{numbers, {}};
  for (size_t i = 0; i < kRecordTextCount; ++i)
    fixed.lengths[i] = static_cast<uint16_t>(texts[i].size());
  out.add(&fixed, sizeof fixed);
  for (const std::string_view text : texts) out.add(text.data(), text.size());
  for (size_t i = 0; i < numbers.attempts; ++i) {
    const AttemptRecord& one = attempts[i];
    const FixedAttempt attempt{one.took_ns, one.outcome, static_cast<uint8_t>(one.endpoint.size())};
    out.add(&attempt, sizeof attempt);
    out.add(one.endpoint.data(), one.endpoint.size());
  }
}

ExchangeRecord ExchangeRecord::decode(std::string_view bytes) {
  ExchangeRecord record;
  In in(bytes);
  const auto fixed = in.take<Fixed>();
  record.numbers = fixed.numbers;
  for (size_t i = 0; i < kRecordTextCount; ++i) record.texts[i] = in.take(fixed.lengths[i]);
  for (size_t i = 0; i < record.numbers.attempts; ++i) {
    const auto attempt = in.take<FixedAttempt>();
    record.attempts[i] = {in.take(attempt.length), attempt.outcome, attempt.took_ns};
  }
  return record;
}

}  // namespace onehop::proxy
