// SPDX-License-Identifier: MIT
#include "tests/support/scripted_dns.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "onehop/base/ascii.h"

namespace onehop::test {
namespace {

constexpr size_t kHeaderBytes = 12;

std::string two_bytes(uint32_t number) {
  return {static_cast<char>(number >> 8 & 0xff), static_cast<char>(number & 0xff)};
}

std::string four_bytes(uint32_t number) {
  return two_bytes(number >> 16) + two_bytes(number & 0xffff);
}

uint16_t number_at(std::string_view bytes, size_t at) {
  return static_cast<uint16_t>(static_cast<uint8_t>(bytes[at]) << 8 |
                               static_cast<uint8_t>(bytes[at + 1]));
}

DnsQuestion read_question(std::string_view message, bool over_tcp) {
  DnsQuestion question;
  question.over_tcp = over_tcp;
  question.id = number_at(message, 0);
  size_t at = kHeaderBytes;
  while (at < message.size() && message[at] != 0) {
    const size_t length = static_cast<uint8_t>(message[at]);
    if (!question.name.empty()) question.name += '.';
    for (const char c : message.substr(at + 1, length)) question.name += to_lower(c);
    at += 1 + length;
  }
  if (at + 3 <= message.size()) question.type = number_at(message, at + 1);
  return question;
}

}  // namespace

std::string dns_name(std::string_view name) {
  std::string bytes;
  while (!name.empty()) {
    const std::string_view label = name.substr(0, name.find('.'));
    bytes += static_cast<char>(label.size());
    bytes += label;
    name.remove_prefix(std::min(name.size(), label.size() + 1));
  }
  return bytes + '\0';
}

// A response to a question that wanted recursion, which is available.
DnsMessage::DnsMessage(const DnsQuestion& question)
    : bytes_(two_bytes(question.id) + two_bytes(0x8180) + two_bytes(1) + two_bytes(0) +
             two_bytes(0) + two_bytes(0) + dns_name(question.name) + two_bytes(question.type) +
             two_bytes(1)) {}

DnsMessage& DnsMessage::code(uint8_t rcode) {
  bytes_[3] = static_cast<char>((static_cast<uint8_t>(bytes_[3]) & 0xf0) | rcode);
  return *this;
}

DnsMessage& DnsMessage::truncated() {
  bytes_[2] = static_cast<char>(static_cast<uint8_t>(bytes_[2]) | 0x02);
  return *this;
}

DnsMessage& DnsMessage::wrong_id() {
  bytes_[0] = static_cast<char>(static_cast<uint8_t>(bytes_[0]) ^ 0x55);
  return *this;
}

DnsMessage& DnsMessage::address(std::string_view ip, uint32_t ttl_s) {
  const auto address = Address::numeric(ip, 0).value();
  if (address.is_v6()) {
    const auto* v6 = reinterpret_cast<const sockaddr_in6*>(address.raw());
    return record(kTypeAaaa, ttl_s, {reinterpret_cast<const char*>(&v6->sin6_addr), 16});
  }
  const auto* v4 = reinterpret_cast<const sockaddr_in*>(address.raw());
  return record(kTypeA, ttl_s, {reinterpret_cast<const char*>(&v4->sin_addr), 4});
}

DnsMessage& DnsMessage::alias(std::string_view target, uint32_t ttl_s) {
  return record(5, ttl_s, dns_name(target));
}

DnsMessage& DnsMessage::service(uint16_t priority, uint16_t weight, uint16_t port,
                                std::string_view target, uint32_t ttl_s) {
  return record(kTypeSrv, ttl_s,
                two_bytes(priority) + two_bytes(weight) + two_bytes(port) + dns_name(target));
}

// Its owner is a pointer to the name of the question.
DnsMessage& DnsMessage::record(uint16_t type, uint32_t ttl_s, std::string_view value) {
  bytes_ += two_bytes(0xc000 | kHeaderBytes) + two_bytes(type) + two_bytes(1) + four_bytes(ttl_s) +
            two_bytes(static_cast<uint32_t>(value.size()));
  bytes_ += value;
  bytes_.replace(6, 2, two_bytes(++answers_));
  return *this;
}

ScriptedDns::ScriptedDns(Script script) : script_(std::move(script)) {
  wake_ = ::eventfd(0, EFD_CLOEXEC);
  // The port that UDP is given may be in use for TCP.
  for (int attempt = 0; attempt < 20 && !open(); ++attempt) {
  }
  if (tcp_ < 0) throw std::runtime_error("no port for a DNS server");
  thread_ = std::thread([this] { serve(); });
}

ScriptedDns::~ScriptedDns() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
  thread_.join();
  for (const Connection& connection : connections_) ::close(connection.descriptor);
  for (const int descriptor : {udp_, tcp_, wake_}) ::close(descriptor);
}

bool ScriptedDns::open() {
  Address any = Address::numeric("127.0.0.1", 0).value();
  const int udp = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  const bool opened = ::bind(udp, any.raw(), any.size()) == 0 &&
                      ::getsockname(udp, reinterpret_cast<sockaddr*>(&bound), &size) == 0 &&
                      ::bind(tcp, reinterpret_cast<sockaddr*>(&bound), size) == 0 &&
                      ::listen(tcp, 16) == 0;
  if (!opened) {
    ::close(udp);
    ::close(tcp);
    return false;
  }
  address_ = Address::from(reinterpret_cast<const sockaddr*>(&bound));
  udp_ = udp;
  tcp_ = tcp;
  return true;
}

void ScriptedDns::serve() {
  while (true) {
    std::vector<pollfd> items = {{wake_, POLLIN, 0}, {udp_, POLLIN, 0}, {tcp_, POLLIN, 0}};
    for (const Connection& connection : connections_)
      items.push_back({connection.descriptor, POLLIN, 0});
    if (::poll(items.data(), items.size(), -1) < 0) continue;
    if (items[0].revents != 0) return;
    if (items[1].revents != 0) serve_udp();
    for (size_t i = connections_.size(); i-- > 0;) {
      if (items[3 + i].revents == 0 || serve_tcp(connections_[i])) continue;
      ::close(connections_[i].descriptor);
      connections_.erase(connections_.begin() + static_cast<ptrdiff_t>(i));
    }
    if (items[2].revents == 0) continue;
    const int accepted = ::accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted >= 0) connections_.push_back({accepted, {}});
  }
}

void ScriptedDns::serve_udp() {
  char bytes[2048];
  sockaddr_storage peer{};
  socklen_t size = sizeof peer;
  const ssize_t length =
      ::recvfrom(udp_, bytes, sizeof bytes, 0, reinterpret_cast<sockaddr*>(&peer), &size);
  if (length < static_cast<ssize_t>(kHeaderBytes)) return;
  for (const std::string& message : answer({bytes, static_cast<size_t>(length)}, false)) {
    ::sendto(udp_, message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&peer), size);
  }
}

// Messages with their length in front (RFC 1035 4.2.2). False at the end of the connection.
bool ScriptedDns::serve_tcp(Connection& connection) {
  char bytes[2048];
  const ssize_t length = ::recv(connection.descriptor, bytes, sizeof bytes, 0);
  if (length <= 0) return false;
  connection.input.append(bytes, static_cast<size_t>(length));
  while (connection.input.size() >= 2) {
    const size_t size = number_at(connection.input, 0);
    if (connection.input.size() < 2 + size) break;
    for (const std::string& message : answer({connection.input.data() + 2, size}, true)) {
      const std::string framed = two_bytes(static_cast<uint32_t>(message.size())) + message;
      ::send(connection.descriptor, framed.data(), framed.size(), MSG_NOSIGNAL);
    }
    connection.input.erase(0, 2 + size);
  }
  return true;
}

std::vector<std::string> ScriptedDns::answer(std::string_view message, bool over_tcp) {
  ++asked_;
  return script_(read_question(message, over_tcp));
}

}  // namespace onehop::test
