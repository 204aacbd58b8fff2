// SPDX-License-Identifier: MIT
#include "dns_message.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

#include "onehop/base/ascii.h"

namespace onehop::net {
namespace {

constexpr size_t kHeaderBytes = 12;
constexpr size_t kMaxNameBytes = 255;   // RFC 1035 2.3.4
constexpr unsigned kMaxPointers = 128;  // of one name, which has no more labels than that
constexpr uint16_t kCname = 5;
constexpr uint16_t kDname = 39;  // an alias of a whole subtree, RFC 6672
constexpr uint16_t kInternet = 1;

// Reads forward. What would be beyond the end is 0 and makes it fail for good.
class Reader {
 public:
  explicit Reader(std::span<const uint8_t> message) : message_(message) {}

  bool failed() const noexcept { return failed_; }
  size_t position() const noexcept { return position_; }

  uint8_t byte() {
    if (!has(1)) return 0;
    return message_[position_++];
  }
  uint16_t two_bytes() {
    const unsigned high = byte();
    return static_cast<uint16_t>(high << 8 | byte());
  }
  uint32_t four_bytes() {
    const uint32_t high = two_bytes();
    return high << 16 | two_bytes();
  }
  std::span<const uint8_t> take(size_t size) {
    if (!has(size)) return {};
    position_ += size;
    return message_.subspan(position_ - size, size);
  }
  void pass(size_t size) { take(size); }

  // A name, with pointers followed (RFC 1035 4.1.4), without its last dot; a dot within a label is
  // written with a backslash before it (5.1). Fails where a pointer does not point back, so that
  // none goes in circles, or where the name is too long.
  std::string name() {
    std::string text;
    size_t at = position_;
    size_t end = 0;  // of the name where it stands: behind its first pointer
    size_t before = position_;
    unsigned pointers = 0;
    while (at < message_.size()) {
      const uint8_t length = message_[at];
      if (length == 0) {
        position_ = end == 0 ? at + 1 : end;
        return text;
      }
      if ((length & 0xc0) == 0xc0) {
        if (at + 1 >= message_.size()) break;
        if (end == 0) end = at + 2;
        at = static_cast<size_t>(length & 0x3f) << 8 | message_[at + 1];
        if (at >= before || ++pointers > kMaxPointers) break;
        before = at;
        continue;
      }
      const size_t next = at + 1 + length;
      if (length > 63 || next > message_.size() || text.size() + length + 1 > kMaxNameBytes) break;
      if (!text.empty()) text += '.';
      for (const uint8_t byte : message_.subspan(at + 1, length)) {
        if (byte == '.') text += '\\';
        text += static_cast<char>(byte);
      }
      at = next;
    }
    failed_ = true;
    return {};
  }

 private:
  bool has(size_t size) {
    if (failed_ || message_.size() - position_ < size) failed_ = true;
    return !failed_;
  }

  std::span<const uint8_t> message_;
  size_t position_ = 0;
  bool failed_ = false;
};

Address address_of(std::span<const uint8_t> bytes) {
  if (bytes.size() == 4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, bytes.data(), bytes.size());
    return Address::from(reinterpret_cast<const sockaddr*>(&v4));
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, bytes.data(), bytes.size());
  return Address::from(reinterpret_cast<const sockaddr*>(&v6));
}

bool is_host_name(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    const char lower = to_lower(c);
    return is_digit(c) || (lower >= 'a' && lower <= 'z') || c == '-' || c == '_' || c == '.';
  });
}

struct RecordHead {
  uint16_t type;
  uint32_t ttl_s;
  size_t size;  // of what follows
};

RecordHead read_head(Reader& reader) {
  reader.name();
  RecordHead head{};
  head.type = reader.two_bytes();
  // Of another class is nothing that was asked for.
  if (reader.two_bytes() != kInternet) head.type = 0;
  head.ttl_s = reader.four_bytes();
  if (head.ttl_s > INT32_MAX) head.ttl_s = 0;  // RFC 2181 8
  head.size = reader.two_bytes();
  return head;
}

// An error is what is wrong with it; nothing, and it is among the records.
std::optional<std::string> add(Reader& reader, const RecordHead& head, DnsRecords& records) {
  if (head.type == static_cast<uint16_t>(RecordType::srv)) {
    const size_t begin = reader.position();
    ServiceAnswer::Record service;
    service.priority = reader.two_bytes();
    service.weight = reader.two_bytes();
    service.port = reader.two_bytes();
    service.target = reader.name();
    service.ttl_s = head.ttl_s;
    if (reader.failed() || reader.position() - begin != head.size)
      return "the answer has an SRV record that is cut off";
    if (!is_host_name(service.target))
      return "the answer has an SRV record whose target is no name of a host";
    records.services.push_back(std::move(service));
    return std::nullopt;
  }
  const auto bytes = reader.take(head.size);
  if (bytes.size() != (head.type == static_cast<uint16_t>(RecordType::a) ? 4 : 16))
    return "the answer has an address that is cut off";
  records.addresses.push_back({address_of(bytes), head.ttl_s});
  return std::nullopt;
}

}  // namespace

Result<DnsRecords, std::string> read_answer(std::span<const uint8_t> message, RecordType type,
                                            size_t most) {
  Reader reader(message);
  reader.pass(4);  // the id and the flags, which c-ares has judged
  const uint16_t questions = reader.two_bytes();
  const uint16_t answers = reader.two_bytes();
  reader.pass(kHeaderBytes - reader.position());
  for (unsigned i = 0; i < questions && !reader.failed(); ++i) {
    reader.name();
    reader.pass(4);
  }
  DnsRecords records;
  std::optional<uint32_t> smallest;
  for (unsigned i = 0; i < answers && !reader.failed(); ++i) {
    const RecordHead head = read_head(reader);
    const bool wanted = head.type == static_cast<uint16_t>(type);
    const bool full = records.addresses.size() + records.services.size() >= most;
    if (wanted || head.type == kCname || head.type == kDname)
      smallest = std::min(smallest.value_or(head.ttl_s), head.ttl_s);
    if (!wanted || full) {
      reader.pass(head.size);
      if (wanted && !reader.failed()) ++records.left_out;
      continue;
    }
    if (reader.failed()) break;
    if (auto wrong = add(reader, head, records)) return Unexpected<std::string>(std::move(*wrong));
  }
  if (reader.failed()) return Unexpected<std::string>("the answer is cut off or malformed");
  records.ttl_s = smallest.value_or(0);
  return records;
}

}  // namespace onehop::net
