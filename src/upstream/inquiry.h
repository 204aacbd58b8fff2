// SPDX-License-Identifier: MIT
// Inquiry: one time of finding out which addresses a source has, whatever it takes of look-ups.
//
//   of a host:      its addresses
//   of a service:   its SRV records; then the addresses of all targets of the lowest priority, some
//                   at a time; and those of the next priority where none of them has any
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "onehop/net/name_service.h"
#include "onehop/upstream/discovery.h"

namespace onehop::upstream {

// The addresses that names had when they were last answered, so that one that is not answered now
// is not lost among others that are.
class LastKnown {
 public:
  // The addresses of `name` by an answer, completed by what was known where it failed. Remembers
  // them.
  const std::vector<Address>& complete(const std::string& name, const net::AddressAnswer& answer);

  bool knows(const std::string& name) const { return names_.contains(name); }

  // Forgets all names that were not completed since the last call.
  void forget_others();

 private:
  struct Entry {
    std::vector<Address> addresses;
    bool used = false;
  };
  std::map<std::string, Entry, std::less<>> names_;
};

// What came of it.
struct Finding {
  std::vector<Discovered> found;  // nothing: it was no help
  uint32_t ttl_s = 0;
  std::string why;  // what failed, or some of it; empty: nothing
  size_t left_out = 0;
};

// Destroying it gives its look-ups up.
class Inquiry {
 public:
  class Events {
   public:
    // Once. The Inquiry may be destroyed in the call.
    virtual void on_finding(Finding finding) = 0;

   protected:
    ~Events() = default;
  };
  virtual ~Inquiry() = default;

  // What is referred to outlives it.
  static std::unique_ptr<Inquiry> begin(const Source& source, net::NameService& names,
                                        LastKnown& known, Events& events);
};

}  // namespace onehop::upstream
