// SPDX-License-Identifier: MIT
// NameService: looks names up without waiting. Resolver asks the DNS, a test answers by hand.
//
// All on the thread of the loop that answers. A look-up ends with exactly one on_answer, and never
// from within the call that began it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "onehop/base/address.h"

namespace onehop::net {

// What a look-up came to.
enum class Found : uint8_t {
  answered,      // what there is: nothing, where the name has no such record (NODATA)
  no_such_name,  // NXDOMAIN
  failed         // nobody said: refused, a time-out, SERVFAIL, an answer that cannot be read
};

enum class Family : uint8_t { none, v4, v6 };

// The addresses of a name: all its A and AAAA records, with port 0, IPv4 before IPv6, else in the
// order of the answer.
struct AddressAnswer {
  struct Record {
    Address address;
    uint32_t ttl_s = 0;
  };
  Found found = Found::failed;
  std::vector<Record> records;
  // The smallest of the records and of the aliases (CNAME) that led to them, in seconds. 0 where
  // they may not be kept, and where nobody says how long: a hosts file, a numeric address.
  uint32_t ttl_s = 0;
  // Records of this family may be lacking: its look-up failed while the other one answered.
  Family lacking = Family::none;
  size_t left_out = 0;  // records beyond what an answer keeps
  std::string why;      // a sentence, where it failed or something is lacking
};

// The SRV records of a name (RFC 2782), in the order of the answer.
struct ServiceAnswer {
  struct Record {
    std::string target;  // a name without the last dot; "" says that there is no such service
    uint16_t port = 0;
    uint16_t priority = 0;  // the smallest is tried first
    uint16_t weight = 0;    // among those of one priority
    uint32_t ttl_s = 0;
  };
  Found found = Found::failed;
  std::vector<Record> records;
  uint32_t ttl_s = 0;  // as above
  size_t left_out = 0;
  std::string why;
};

// A look-up in progress. Destroying it gives it up: no event follows.
class Lookup {
 public:
  template <class Answer>
  class Events {
   public:
    // The Lookup is spent and may be destroyed in the call.
    virtual void on_answer(Answer answer) = 0;

   protected:
    ~Events() = default;
  };
  virtual ~Lookup() = default;
};

// Outlives its look-ups.
class NameService {
 public:
  virtual ~NameService() = default;

  // `events` outlives the Lookup. A name that is no name, or too long for one, fails as the
  // others do, by an answer.
  virtual std::unique_ptr<Lookup> addresses_of(const std::string& name,
                                               Lookup::Events<AddressAnswer>& events) = 0;
  virtual std::unique_ptr<Lookup> services_of(const std::string& name,
                                              Lookup::Events<ServiceAnswer>& events) = 0;
};

}  // namespace onehop::net
