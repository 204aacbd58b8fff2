// SPDX-License-Identifier: MIT
// Judge: which endpoints of an upstream get requests at this moment. Pure policy: it is told what
// happened, time is the loop's, and what it decides is a set of endpoints in which those that get
// none are `out`.
//
//   healthy --failures in a row, or far worse than the others--> ejected --time over--> healthy
//      |  ^
//      |  +-- `rise` checks that pass --+
//      +----- `fall` checks that fail --> unhealthy            (health checks, where they are on)
//
// What it does beyond single endpoints: no more of them are ejected than max_ejected allows, and
// never the last healthy one; where too few are healthy all are used (panic_threshold); those of
// the next priority, and backups, wait until too few of those before them are healthy.
//
// Of the main thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "onehop/base/chance.h"
#include "onehop/config/config.h"
#include "onehop/net/loop.h"
#include "onehop/upstream/endpoint_set.h"

namespace onehop::upstream {

enum class Standing : uint8_t {
  healthy,
  unchecked,  // no health check has ended yet, and until then there are no requests for it
  unhealthy,  // it failed its health checks
  ejected     // it failed requests
};
std::string_view name_of(Standing standing);

// What an endpoint's cells hold, of all workers, since the start.
struct HealthSample {
  uint64_t requests = 0;  // that ended and say something of it
  uint64_t failures = 0;  // of those
  uint64_t wait_ns = 0;   // for responses, in all
};

// What happened to an endpoint, or, without one, to the upstream.
struct HealthEvent {
  int64_t unix_ms = 0;
  std::string endpoint;  // its name; "": all of them
  std::string what;      // "ejected", "healthy", "unhealthy", "panic", "panic_over", ...
  std::string why;       // a sentence without its full stop
};

class Judge {
 public:
  static constexpr size_t kMostEvents = 100;

  class Events {
   public:
    // set() is another. Not from within use().
    virtual void on_verdict(Judge& judge) = 0;

   protected:
    ~Events() = default;
  };
  // What is referred to outlives it.
  struct Parts {
    net::Loop& loop;
    Events& events;
    std::string upstream;  // its name
    uint64_t seed;         // of the jitter
  };
  explicit Judge(Parts parts);
  ~Judge();

  // What holds from now on, and the endpoints as they are found, in none of which is any `out`.
  // What is known of those that stay is kept.
  void use(const config::Upstream& upstream, const EndpointSet& found);

  // As the workers are to have it; the same one until something changes.
  const EndpointSet& set() const noexcept { return set_; }

  // Workers raised the alarm; see HealthAlarm.
  void on_failures(EndpointId endpoint);

  // Once a second, with a sample of each endpoint in the order of `found`.
  void judge_second(std::span<const HealthSample> samples);
  bool compares() const noexcept;  // whether it wants them

  // A health check of an endpoint ended; see Checks. `why` says what was found.
  enum class Checked : uint8_t { passed, failed };
  void checked(EndpointId endpoint, Checked how, const std::string& why);

  // For GET /stats, in the order of `found`.
  struct Shown {
    Standing standing = Standing::healthy;
    bool in_use = true;  // not `out`
    int64_t since_unix_ms = 0;
    std::string why;         // "" for one that never was otherwise
    uint64_t ejections = 0;  // since it is there
    uint64_t left_ms = 0;    // of its ejection
  };
  std::vector<Shown> shown() const;
  bool panics() const noexcept { return panics_; }
  // The latest, the oldest of them first.
  const std::deque<HealthEvent>& events() const noexcept { return events_; }
  struct Counts {
    uint64_t ejected_failures = 0;  // by what they were ejected
    uint64_t ejected_errors = 0;
    uint64_t ejected_latency = 0;
    uint64_t not_ejected = 0;  // as max_ejected does not allow more, or none would be left
    uint64_t panics = 0;
    uint64_t checks_passed = 0;  // health checks that ended
    uint64_t checks_failed = 0;
  };
  const Counts& counts() const noexcept { return counts_; }

 private:
  struct Known;
  struct Totals;

  Known* find(EndpointId endpoint);
  bool is_out(const Known& known) const;
  void eject(Known& known, uint64_t& counter, std::string why);
  bool may_eject() const;
  uint64_t ejection_ms(Known& known);
  void look_at_ends();
  void move(Known& known, Standing standing, std::string why);
  void say(std::string endpoint, std::string what, std::string why);
  void compare(std::span<const HealthSample> samples);
  bool compare_one(Known& known, const Totals& others);
  void decide();
  void weigh_ranks();

  Parts parts_;
  config::Ejection ejection_;
  uint32_t panic_threshold_ = 0;
  uint32_t backup_threshold_ = 0;
  bool checks_ = false;
  bool starts_unchecked_ = false;
  uint32_t rise_ = 1;
  uint32_t fall_ = 1;
  EndpointSet found_;
  EndpointSet set_;
  std::vector<std::unique_ptr<Known>> known_;  // in the order of found_
  uint16_t last_rank_ = 0;                     // of those in use
  bool panics_ = false;
  Chance chance_;
  std::deque<HealthEvent> events_;
  Counts counts_;
  net::Deadline ends_{this, net::DeadlineThunk<&Judge::look_at_ends>::call};
};

}  // namespace onehop::upstream
