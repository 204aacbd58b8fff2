// SPDX-License-Identifier: MIT
#include "onehop/upstream/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "known_endpoint.h"
#include "onehop/base/log.h"
#include "onehop/config/rules.h"

namespace onehop::upstream {
namespace {

int64_t unix_ms() {
  using std::chrono::milliseconds;
  return std::chrono::duration_cast<milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

uint64_t ms_of(config::milliseconds time) {
  return static_cast<uint64_t>(time.count());
}

// Whether `part` of `all` is less than a share in millionths; none is less than any.
bool is_below(size_t part, size_t all, uint32_t share) {
  return part == 0 || part * config::kMillion < all * uint64_t{share};
}

}  // namespace

std::string_view name_of(Standing standing) {
  switch (standing) {
    case Standing::healthy:
      return "healthy";
    case Standing::unchecked:
      return "unchecked";
    case Standing::unhealthy:
      return "unhealthy";
    case Standing::ejected:
      return "ejected";
  }
  return "healthy";
}

Judge::Judge(Parts parts) : parts_(std::move(parts)), chance_(parts_.seed) {}

Judge::~Judge() = default;

void Judge::use(const config::Upstream& upstream, const EndpointSet& found) {
  ejection_ = upstream.ejection;
  panic_threshold_ = upstream.panic_threshold;
  backup_threshold_ = upstream.backup_threshold;
  checks_ = upstream.health.enabled;
  starts_unchecked_ = checks_ && upstream.health.start == config::HealthStart::checked;
  rise_ = upstream.health.rise;
  fall_ = upstream.health.fall;
  std::unordered_map<EndpointId, std::unique_ptr<Known>> before;
  for (auto& known : known_) before[known->spec->id] = std::move(known);
  known_.clear();
  for (const SpecRef& spec : *found) {
    std::unique_ptr<Known> known = std::move(before[spec->id]);
    if (known == nullptr) {
      known = std::make_unique<Known>();
      known->since_unix_ms = unix_ms();
      if (starts_unchecked_) known->standing = Standing::unchecked;
    }
    known->spec = spec;
    // What health checks said counts for as long as there are any.
    const bool by_checks =
        known->standing == Standing::unhealthy || known->standing == Standing::unchecked;
    if (!checks_ && by_checks) move(*known, Standing::healthy, "there are no health checks now");
    known_.push_back(std::move(known));
  }
  found_ = found;
  decide();
}

void Judge::on_failures(EndpointId endpoint) {
  Known* const known = find(endpoint);
  if (known == nullptr || known->standing != Standing::healthy) return;
  const uint32_t most = ejection_.consecutive_failures;
  const FailureCount& failures = known->spec->shared->failures;
  if (most == 0 || failures.in_a_row.load(std::memory_order_relaxed) < most) return;
  constexpr auto kNames = config::names(config::Failure{});
  const auto last = static_cast<size_t>(failures.last.load(std::memory_order_relaxed));
  const SetBefore before{set_};
  eject(*known, counts_.ejected_failures,
        fmt::format("{} requests in a row failed, the last one by {}", most, kNames.at(last)));
  if (before.differs(set_)) parts_.events.on_verdict(*this);
}

void Judge::checked(EndpointId endpoint, Checked how, const std::string& why) {
  Known* const known = find(endpoint);
  if (known == nullptr || !checks_) return;
  const bool passed = how == Checked::passed;
  ++(passed ? counts_.checks_passed : counts_.checks_failed);
  uint32_t& in_a_row = passed ? known->passed : known->failed;
  (passed ? known->failed : known->passed) = 0;
  ++in_a_row;
  const bool first = known->standing == Standing::unchecked;
  const SetBefore before{set_};
  if (passed && (first || (known->standing == Standing::unhealthy && in_a_row >= rise_))) {
    move(*known, Standing::healthy, why);
  } else if (!passed && known->standing != Standing::unhealthy && (first || in_a_row >= fall_)) {
    move(*known, Standing::unhealthy, why);
  }
  decide();
  if (before.differs(set_)) parts_.events.on_verdict(*this);
}

// At least one may be, and the last healthy one never.
bool Judge::may_eject() const {
  const auto count = [&](Standing standing) {
    return std::ranges::count_if(known_, [&](const auto& known) {
      return !known->spec->drained && known->standing == standing;
    });
  };
  const auto ejected = static_cast<uint64_t>(count(Standing::ejected));
  const uint64_t most = known_.size() * uint64_t{ejection_.max_ejected} / config::kMillion;
  return count(Standing::healthy) > 1 && ejected < std::max<uint64_t>(most, 1);
}

void Judge::eject(Known& known, uint64_t& counter, std::string why) {
  if (!may_eject()) {
    ++counts_.not_ejected;
    const uint64_t now_ms = parts_.loop.now_ms();
    if (now_ms < known.silent_until_ms) return;
    known.silent_until_ms = now_ms + ms_of(ejection_.time);
    return say(known.spec->name, "not_ejected",
               std::move(why) + ", but max_ejected allows no more, or it is the last healthy one");
  }
  ++counter;
  ++known.ejections;
  const uint64_t length_ms = ejection_ms(known);
  known.until_ms = parts_.loop.now_ms() + length_ms;
  move(known, Standing::ejected,
       fmt::format("{}: for {:.1f} s", why, static_cast<double>(length_ms) / 1000));
  decide();
  look_at_ends();
}

// Twice as long as the last one, unless it has been well for as long since.
uint64_t Judge::ejection_ms(Known& known) {
  uint64_t well_ms = parts_.loop.now_ms() - known.returned_ms;
  for (; known.step > 0 && well_ms >= known.length_ms; --known.step) {
    well_ms -= known.length_ms;
    known.length_ms /= 2;
  }
  const uint64_t first_ms = ms_of(ejection_.time);
  const uint64_t most_ms = std::max(ms_of(ejection_.max_time), first_ms);
  known.length_ms = known.step == 0 ? first_ms : std::min(known.length_ms * 2, most_ms);
  ++known.step;
  return chance_.around(known.length_ms, 10);
}

// Those whose time is over are healthy again, and the next failure of any of them ejects it again.
void Judge::look_at_ends() {
  const uint64_t now_ms = parts_.loop.now_ms();
  const SetBefore before{set_};
  uint64_t next_ms = UINT64_MAX;
  for (const auto& known : known_) {
    if (known->standing != Standing::ejected) continue;
    if (known->until_ms > now_ms) {
      next_ms = std::min(next_ms, known->until_ms);
      continue;
    }
    const uint32_t most = ejection_.consecutive_failures;
    known->spec->shared->failures.in_a_row.store(most == 0 ? 0 : most - 1,
                                                 std::memory_order_relaxed);
    known->returned_ms = now_ms;
    known->window.clear();
    move(*known, Standing::healthy, "its ejection is over");
  }
  ends_.disarm();
  if (next_ms != UINT64_MAX) parts_.loop.arm(ends_, next_ms - now_ms);
  decide();
  if (before.differs(set_)) parts_.events.on_verdict(*this);
}

void Judge::move(Known& known, Standing standing, std::string why) {
  if (known.standing == Standing::ejected) known.until_ms = 0;
  known.standing = standing;
  known.since_unix_ms = unix_ms();
  known.why = why;
  say(known.spec->name, std::string(name_of(standing)), std::move(why));
}

void Judge::say(std::string endpoint, std::string what, std::string why) {
  const bool good = what == name_of(Standing::healthy) || what == "panic_over";
  const std::string line = endpoint.empty()
                               ? fmt::format("upstream {}: {}", parts_.upstream, why)
                               : fmt::format("upstream {}: {} is {}: {}", parts_.upstream, endpoint,
                                             what == "not_ejected" ? "not ejected" : what, why);
  good ? log::info(line) : log::warning(line);
  events_.push_back({unix_ms(), std::move(endpoint), std::move(what), std::move(why)});
  if (events_.size() > kMostEvents) events_.pop_front();
}

bool Judge::is_out(const Known& known) const {
  if (known.standing == Standing::unchecked) return true;
  return !panics_ && (known.standing != Standing::healthy || known.spec->rank > last_rank_);
}

// Panic, then the ranks that are in use, then the set that follows from them.
void Judge::decide() {
  size_t all = 0;
  size_t healthy = 0;
  for (const auto& known : known_) {
    if (known->spec->drained || known->standing == Standing::unchecked) continue;
    ++all;
    if (known->standing == Standing::healthy) ++healthy;
  }
  const bool panics = all > 0 && healthy < all && is_below(healthy, all, panic_threshold_);
  if (panics && !panics_) {
    ++counts_.panics;
    say("", "panic",
        fmt::format("{} of {} endpoints {} healthy, which is less than panic_threshold: all are "
                    "used",
                    healthy, all, healthy == 1 ? "is" : "are"));
  } else if (!panics && panics_) {
    say("", "panic_over",
        fmt::format("{} of {} endpoints are healthy: only these are used", healthy, all));
  }
  panics_ = panics;
  weigh_ranks();
  std::vector<SpecRef> set;
  bool same = set_ != nullptr && set_->size() == known_.size();
  for (const auto& known : known_) {
    set.push_back(known->as(is_out(*known)));
    same = same && (*set_)[set.size() - 1] == set.back();
  }
  if (!same) set_ = std::make_shared<const std::vector<SpecRef>>(std::move(set));
}

void Judge::weigh_ranks() {
  struct Rank {
    size_t all = 0;
    size_t healthy = 0;
  };
  std::vector<std::pair<uint16_t, Rank>> ranks;
  for (const auto& known : known_) {
    if (known->spec->drained) continue;
    auto found = std::ranges::find(ranks, known->spec->rank, &std::pair<uint16_t, Rank>::first);
    if (found == ranks.end()) found = ranks.insert(found, {known->spec->rank, {}});
    ++found->second.all;
    if (known->standing == Standing::healthy) ++found->second.healthy;
  }
  std::ranges::sort(ranks, {}, &std::pair<uint16_t, Rank>::first);
  const uint16_t before = std::exchange(last_rank_, uint16_t{0});
  Rank so_far;
  for (const auto& [rank, counted] : ranks) {
    last_rank_ = rank;
    so_far.all += counted.all;
    so_far.healthy += counted.healthy;
    if (!is_below(so_far.healthy, so_far.all, backup_threshold_)) break;
  }
  if (set_ == nullptr || last_rank_ == before || ranks.size() < 2) return;
  last_rank_ > before
      ? say("", "spill_over",
            fmt::format("{} of {} endpoints that come first are healthy: those of the next "
                        "priority are used too",
                        so_far.healthy, so_far.all))
      : say("", "spill_over_ends", "enough of the endpoints that come first are healthy");
}

std::vector<Judge::Shown> Judge::shown() const {
  const uint64_t now_ms = parts_.loop.now_ms();
  std::vector<Shown> all;
  for (const auto& known : known_) {
    all.push_back({.standing = known->standing,
                   .in_use = !is_out(*known) && !known->spec->drained,
                   .since_unix_ms = known->since_unix_ms,
                   .why = known->why,
                   .ejections = known->ejections,
                   .left_ms = known->until_ms > now_ms ? known->until_ms - now_ms : 0});
  }
  return all;
}

Judge::Known* Judge::find(EndpointId endpoint) {
  const auto found =
      std::ranges::find_if(known_, [&](const auto& one) { return one->spec->id == endpoint; });
  return found != known_.end() ? found->get() : nullptr;
}

}  // namespace onehop::upstream
