// SPDX-License-Identifier: MIT
#include "onehop/upstream/checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "onehop/base/log.h"
#include "probe.h"

namespace onehop::upstream {
namespace {

// So many new endpoints are checked at once, whatever they do meanwhile.
constexpr size_t kAtOnce = 16;

uint64_t ms_of(config::milliseconds time) {
  return static_cast<uint64_t>(time.count());
}

// As a client would have it: without the port that goes without saying. A unix socket has no name.
std::string authority_of(const std::string& host, const EndpointSpec& spec, bool secure) {
  if (host.empty() && spec.host.empty()) return "localhost";
  const std::string& name = host.empty() ? spec.host : host;
  std::string authority = name.find(':') != name.npos ? '[' + name + ']' : name;
  const uint16_t port = spec.address.port();
  if (host.empty() && port != (secure ? 443 : 80)) authority += fmt::format(":{}", port);
  return authority;
}

}  // namespace

// An endpoint.
class Checks::Checked final : private Probe::Events {
 public:
  Checked(Checks& checks, const config::Upstream& upstream,
          const std::shared_ptr<const tls::ClientContext>& context, const EndpointSpec& spec)
      : id(spec.id),
        checks_(checks),
        address_(spec.address),
        dialer_({.loop = checks.parts_.loop,
                 .dialer = checks.parts_.dialer,
                 .proxy_protocol = upstream.proxy_protocol,
                 .context = context,
                 .host = spec.host}) {}

  void rename(const std::string& host, const EndpointSpec& spec) {
    authority_ = authority_of(host, spec, dialer_.secure());
  }
  void use(const std::shared_ptr<const tls::ClientContext>& context) { dialer_.use(context); }

  // One that is under way counts for it.
  void begin_in(uint64_t ms) {
    if (probe_ == nullptr) checks_.parts_.loop.arm(next_, ms);
  }

  const EndpointId id;

 private:
  void begin();
  void on_probed(const ProbeVerdict& verdict) override;
  void say_shortage(std::string_view why) const;

  Checks& checks_;
  const Address address_;
  ProbeDialer dialer_;
  std::string authority_;
  std::unique_ptr<Probe> probe_;  // the one under way
  uint64_t began_ms_ = 0;
  Judge::Checked last_ = Judge::Checked::passed;
  net::Deadline next_{this, net::DeadlineThunk<&Checked::begin>::call};
};

void Checks::Checked::begin() {
  const Parts& parts = checks_.parts_;
  Probe::Events& events = *this;
  began_ms_ = parts.loop.now_ms();
  probe_ = std::make_unique<Probe>(Probe::Parts{.loop = parts.loop,
                                                .dialer = dialer_,
                                                .counters = parts.counters,
                                                .limits = checks_.limits_,
                                                .events = events,
                                                .address = address_,
                                                .authority = authority_,
                                                .health = checks_.health_,
                                                .protocol = checks_.protocol_});
  const auto started = probe_->start();
  if (started.has_value()) return;
  const bool local = started.error().is_local_fault();
  const std::string why(started.error().sentence());
  on_probed(local ? ProbeVerdict{ProbeVerdict::Says::nothing, why}
                  : ProbeVerdict{ProbeVerdict::Says::failed, "no connection to it: " + why});
}

void Checks::Checked::on_probed(const ProbeVerdict& verdict) {
  using Says = ProbeVerdict::Says;
  const ProbeVerdict kept = verdict;  // it may be the probe's
  probe_.reset();
  if (kept.says == Says::nothing) {
    say_shortage(kept.why);
  } else {
    checks_.is_short_ = false;
    last_ = kept.says == Says::passed ? Judge::Checked::passed : Judge::Checked::failed;
  }
  const uint64_t took_ms = checks_.parts_.loop.now_ms() - began_ms_;
  const uint64_t wait_ms = checks_.wait_ms(last_);
  checks_.parts_.loop.arm(next_, std::max<uint64_t>(wait_ms, took_ms + 1) - took_ms);
  if (kept.says != Says::nothing)
    checks_.parts_.events.on_checked(checks_.parts_.upstream, id, last_, kept.why);
}

// Want of onehop's own says nothing of an endpoint.
void Checks::Checked::say_shortage(std::string_view why) const {
  if (std::exchange(checks_.is_short_, true)) return;
  log::warning(
      fmt::format("upstream {}: a health check could not be made, and counts for nothing: "
                  "{}",
                  checks_.parts_.upstream, why));
}

Checks::Checks(Parts parts) : parts_(std::move(parts)), chance_(parts_.seed) {}

Checks::~Checks() = default;

void Checks::use(const config::Upstream& upstream,
                 const std::shared_ptr<const tls::ClientContext>& context, const EndpointSet& set) {
  const bool is_other = health_ != nullptr && *health_ != upstream.health;
  if (health_ == nullptr || is_other)
    health_ = std::make_shared<const config::Health>(upstream.health);
  protocol_ = upstream.protocol;
  std::unordered_map<EndpointId, std::unique_ptr<Checked>> before;
  for (auto& checked : checked_) before[checked->id] = std::move(checked);
  checked_.clear();
  std::vector<Checked*> fresh;
  for (const SpecRef& spec : *set) {
    std::unique_ptr<Checked> checked = std::move(before[spec->id]);
    if (checked == nullptr) {
      checked = std::make_unique<Checked>(*this, upstream, context, *spec);
      fresh.push_back(checked.get());
    } else {
      checked->use(context);
      // What was asked for an hour hence may be wanted every second now.
      if (is_other) checked->begin_in(chance_.below(ms_of(health_->interval)));
    }
    checked->rename(upstream.health.host, *spec);
    checked_.push_back(std::move(checked));
  }
  const bool at_once = health_->start == config::HealthStart::checked || fresh.size() <= kAtOnce;
  for (Checked* const checked : fresh)
    checked->begin_in(at_once ? 0 : chance_.below(ms_of(health_->interval)));
}

void Checks::use(const std::shared_ptr<const tls::ClientContext>& context) {
  for (const auto& checked : checked_) checked->use(context);
}

uint64_t Checks::wait_ms(Judge::Checked last) {
  const uint64_t well_ms = ms_of(health_->interval);
  const uint64_t ms = last == Judge::Checked::passed
                          ? well_ms
                          : std::min(ms_of(health_->unhealthy_interval), well_ms);
  return chance_.around(ms, 10);
}

}  // namespace onehop::upstream
