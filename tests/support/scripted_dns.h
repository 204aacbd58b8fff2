// SPDX-License-Identifier: MIT
// A DNS server on loopback that answers as a test says, over UDP and TCP on one port: for what a
// real one does not do when it is asked to.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "onehop/base/address.h"

namespace onehop::test {

constexpr uint16_t kTypeA = 1;
constexpr uint16_t kTypeAaaa = 28;
constexpr uint16_t kTypeSrv = 33;

struct DnsQuestion {
  uint16_t id = 0;
  std::string name;  // in lower case
  uint16_t type = 0;
  bool over_tcp = false;
};

// A message (RFC 1035 4.1) that answers a question, record by record.
class DnsMessage {
 public:
  explicit DnsMessage(const DnsQuestion& question);

  DnsMessage& code(uint8_t rcode);  // 2: SERVFAIL, 3: NXDOMAIN, 5: REFUSED
  DnsMessage& truncated();          // the TC bit
  DnsMessage& wrong_id();
  DnsMessage& address(std::string_view ip, uint32_t ttl_s);
  DnsMessage& alias(std::string_view target, uint32_t ttl_s);
  DnsMessage& service(uint16_t priority, uint16_t weight, uint16_t port, std::string_view target,
                      uint32_t ttl_s);
  DnsMessage& record(uint16_t type, uint32_t ttl_s, std::string_view value);

  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  uint16_t answers_ = 0;
};

// A name as messages have it.
std::string dns_name(std::string_view name);

class ScriptedDns {
 public:
  // Called on the server's thread; each message that it returns is sent, in this order.
  using Script = std::function<std::vector<std::string>(const DnsQuestion&)>;

  explicit ScriptedDns(Script script);
  ~ScriptedDns();
  ScriptedDns(const ScriptedDns&) = delete;
  ScriptedDns& operator=(const ScriptedDns&) = delete;

  const Address& address() const { return address_; }
  size_t asked() const { return asked_; }  // questions, whichever way

 private:
  struct Connection {
    int descriptor;
    std::string input;
  };
  bool open();
  void serve();
  void serve_udp();
  bool serve_tcp(Connection& connection);
  std::vector<std::string> answer(std::string_view message, bool over_tcp);

  Script script_;
  Address address_;
  int udp_ = -1;
  int tcp_ = -1;
  int wake_ = -1;
  std::atomic<size_t> asked_ = 0;
  std::vector<Connection> connections_;
  std::thread thread_;
};

}  // namespace onehop::test
