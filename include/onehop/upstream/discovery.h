// SPDX-License-Identifier: MIT
// Discovery: which addresses the names of an upstream have, now and from now on. Pure policy: names
// are looked up by a NameService, time is the loop's.
//
// Each source is looked up at the start, and again when its answer's TTL is over, which is taken as
// `min_ms` to `max_ms`; and at once when a connect to one of its addresses was refused, but never
// sooner than `min_ms` after the last time. An answer that is no help (a failure, no such name, no
// address) leaves the addresses as they were, and the look-up is tried again after `min_ms`, then
// twice that, up to `max_ms`. Where only a part failed (one family, one target of several), what
// was known of that part is kept beside what was found. The log says when that begins and when it
// ends, and nothing in between.
//
// Of SRV records (RFC 2782) those of the lowest priority that has an address count; their weight is
// the record's, and 1 where it says 0.
//
// A list has no address twice. Those that stay keep their order, new ones follow, sorted. The same
// addresses in another order are no change.
//
// All on the loop's thread. Destroying it gives every look-up up, also from within on_change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/base/address.h"
#include "onehop/base/log.h"
#include "onehop/base/result.h"
#include "onehop/net/loop.h"
#include "onehop/net/name_service.h"

namespace onehop::upstream {

class NameSource;

// One entry of an upstream that is a name.
struct Source {
  enum class Kind : uint8_t { addresses, services };
  Kind kind = Kind::addresses;
  std::string name;     // of a host; or of a service, "_http._tcp.app.example"
  uint16_t port = 0;    // of a host; services have their own
  uint32_t weight = 1;  // of each address of a host; services have their own

  // "HOST:PORT" or "srv:NAME". The error is a sentence that says what is allowed.
  static Result<Source, std::string> parse(std::string_view text, uint32_t weight);
  std::string to_string() const;  // as parse() takes it
};

struct Discovered {
  Address address;  // with its port
  uint32_t weight = 1;
  uint16_t priority = 0;  // of an SRV record
};

class Discovery {
 public:
  // A source has no more addresses than this, and no more targets of SRV records are looked up.
  // The log says when some are left out.
  static constexpr size_t kMaxAddresses = 1024;
  static constexpr size_t kMaxTargets = 256;

  class Events {
   public:
    // The first answer to a source, though it may have no address; then whenever its list is
    // another. Never from within a call of Discovery.
    virtual void on_change(size_t source, std::span<const Discovered> list) = 0;

   protected:
    ~Events() = default;
  };

  struct Pace {  // at least 1, and min_ms no more than max_ms
    uint64_t min_ms = 1000;
    uint64_t max_ms = 30'000;
  };
  struct Log {
    using Say = void (*)(std::string_view line);
    Say warning = [](std::string_view line) { log::warning(line); };
    Say info = [](std::string_view line) { log::info(line); };
  };
  // What is referred to outlives the Discovery.
  struct Parts {
    net::Loop& loop;
    net::NameService& names;
    Events& events;
    std::string upstream;  // its name, for the log
    Pace pace = {};
    Log log = {};
  };

  // Of one source, since the start. A look-up is of all that belongs to it: both families, and the
  // targets of services.
  struct Counts {
    uint64_t lookups = 0;  // that ended
    uint64_t failed = 0;   // of those, without an address
    uint64_t in_part = 0;  // with addresses, and a part that failed
    uint64_t changes = 0;  // of the list, the first answer included
  };

  // Begins to look up all of them; a source is its place in `sources`.
  Discovery(const Parts& parts, const std::vector<Source>& sources);
  ~Discovery();
  Discovery(const Discovery&) = delete;
  Discovery& operator=(const Discovery&) = delete;

  // A connect to an address of the source was refused: it may be out of date.
  void refused(size_t source);

  size_t size() const noexcept { return sources_.size(); }
  std::span<const Discovered> list(size_t source) const;
  const Counts& counts(size_t source) const;
  bool complete() const;  // each source has had an answer, or failed

 private:
  const Parts parts_;
  std::vector<std::unique_ptr<NameSource>> sources_;
};

}  // namespace onehop::upstream
