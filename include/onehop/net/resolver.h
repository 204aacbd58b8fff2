// SPDX-License-Identifier: MIT
// Resolver: the names of the DNS and of the hosts file, by c-ares on an EventLoop.
//
//   addresses: a numeric address is its own answer; else the hosts file, and for `localhost` and
//              names below it this machine (RFC 6761 6.3), which need no server; else A and AAAA of
//              the DNS, asked at the same time
//   services:  SRV of the DNS
//
// The servers and search domains are those of /etc/resolv.conf, read once, when the Resolver is
// made; the hosts file is looked at each time. A truncated answer is asked for again over TCP
// (RFC 7766). Nothing is kept between two look-ups.
//
// A short name is tried in the search domains until one has what is asked for. That nobody answers
// for one of them ends it: the name in the next domain would be another host's.
//
// Where one of A and AAAA fails, the addresses of the other count and `lacking` says so; where the
// other has none, nobody knows whether the name has any, and the look-up has failed. NXDOMAIN is
// for both (RFC 8020), unless the other has addresses.
//
// Made, used and destroyed on the thread of its loop, after its look-ups. A look-up that is given
// up may be asked for on the network until its time-out, unheard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "onehop/base/address.h"
#include "onehop/base/result.h"
#include "onehop/net/name_service.h"
#include "onehop/net/search_domains.h"

namespace onehop::net {

class DnsChannel;  // c-ares's side; seen by net alone
class EventLoop;

class Resolver final : public NameService {
 public:
  struct Options {
    std::vector<Address> servers;              // port 0 is 53; none: those of /etc/resolv.conf
    std::optional<SearchDomains> search = {};  // none: those of /etc/resolv.conf
    uint32_t timeout_ms = 2000;  // of the first try at a server; later ones wait longer
    uint32_t tries = 2;          // at each server
  };

  // An answer keeps no more records than this; the others are counted in `left_out`.
  static constexpr size_t kMaxRecords = 1024;

  // The error is a sentence.
  static Result<std::unique_ptr<Resolver>, std::string> make(EventLoop& loop,
                                                             const Options& options);
  ~Resolver() override;

  std::unique_ptr<Lookup> addresses_of(const std::string& name,
                                       Lookup::Events<AddressAnswer>& events) override;
  std::unique_ptr<Lookup> services_of(const std::string& name,
                                      Lookup::Events<ServiceAnswer>& events) override;

 private:
  Resolver(EventLoop& loop, std::unique_ptr<DnsChannel> channel);

  EventLoop& loop_;
  std::unique_ptr<DnsChannel> channel_;
};

}  // namespace onehop::net
