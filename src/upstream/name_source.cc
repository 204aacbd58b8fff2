// SPDX-License-Identifier: MIT
#include "name_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace onehop::upstream {
namespace {

// IPv4 first, then by their bytes, then by port. Negative, 0 or positive.
int compare(const Address& a, const Address& b) {
  if (a.is_v6() != b.is_v6()) return a.is_v6() ? 1 : -1;
  const auto* v4_a = reinterpret_cast<const sockaddr_in*>(a.raw());
  const auto* v4_b = reinterpret_cast<const sockaddr_in*>(b.raw());
  const auto* v6_a = reinterpret_cast<const sockaddr_in6*>(a.raw());
  const auto* v6_b = reinterpret_cast<const sockaddr_in6*>(b.raw());
  const int by_bytes = a.is_v6()
                           ? std::memcmp(&v6_a->sin6_addr, &v6_b->sin6_addr, sizeof v6_a->sin6_addr)
                           : std::memcmp(&v4_a->sin_addr, &v4_b->sin_addr, sizeof v4_a->sin_addr);
  return by_bytes != 0 ? by_bytes : a.port() - b.port();
}

bool is_before(const Discovered& a, const Discovered& b) {
  return compare(a.address, b.address) < 0;
}

bool is_same(const Discovered& a, const Discovered& b) {
  return compare(a.address, b.address) == 0 && a.weight == b.weight && a.priority == b.priority;
}

// Sorted, and each address once: with the largest weight that it has.
void make_unique(std::vector<Discovered>& found) {
  std::sort(found.begin(), found.end(), [](const Discovered& a, const Discovered& b) {
    const int order = compare(a.address, b.address);
    return order != 0 ? order < 0 : a.weight > b.weight;
  });
  const auto rest = std::unique(
      found.begin(), found.end(),
      [](const Discovered& a, const Discovered& b) { return compare(a.address, b.address) == 0; });
  found.erase(rest, found.end());
}

// `found`, which is sorted, in the order of `before` as far as it was there; then the others.
std::vector<Discovered> in_order(const std::vector<Discovered>& before,
                                 const std::vector<Discovered>& found) {
  std::vector<bool> taken(found.size());
  std::vector<Discovered> list;
  list.reserve(found.size());
  for (const Discovered& old : before) {
    const auto still = std::lower_bound(found.begin(), found.end(), old, is_before);
    if (still == found.end() || is_before(old, *still)) continue;
    taken[static_cast<size_t>(still - found.begin())] = true;
    list.push_back(*still);
  }
  for (size_t i = 0; i < found.size(); ++i) {
    if (!taken[i]) list.push_back(found[i]);
  }
  return list;
}

std::string addresses(size_t count) {
  return count == 1 ? "1 address" : fmt::format("{} addresses", count);
}

}  // namespace

NameSource::NameSource(const Discovery::Parts& parts, size_t place, const Source& source)
    : parts_(parts), place_(place), source_(source) {
  begin();
}

void NameSource::begin() {
  begun_ms_ = parts_.loop.now_ms();
  inquiry_ = Inquiry::begin(source_, parts_.names, known_, *this);
}

void NameSource::refused() {
  if (inquiry_ != nullptr) {
    refused_ = true;
  } else {
    arm(begun_ms_ + parts_.pace.min_ms);
  }
}

// The receiver of the change may destroy this.
void NameSource::on_finding(Finding finding) {
  inquiry_.reset();
  const bool first = counts_.lookups++ == 0;
  bool changed = first;
  if (finding.found.empty()) {
    ++counts_.failed;
  } else {
    if (!finding.why.empty()) ++counts_.in_part;
    make_unique(finding.found);
    std::vector<Discovered> list = in_order(list_, finding.found);
    if (list.size() > Discovery::kMaxAddresses) {
      finding.left_out += list.size() - Discovery::kMaxAddresses;
      list.resize(Discovery::kMaxAddresses);
    }
    changed |= !std::equal(list.begin(), list.end(), list_.begin(), list_.end(), is_same);
    list_ = std::move(list);
  }
  wait(finding);
  say(finding);
  if (!changed) return;
  ++counts_.changes;
  parts_.events.on_change(place_, list_);
}

void NameSource::wait(const Finding& finding) {
  const auto& [min_ms, max_ms] = parts_.pace;
  const uint64_t of_ttl_ms = std::clamp(uint64_t{finding.ttl_s} * 1000, min_ms, max_ms);
  uint64_t after_ms = of_ttl_ms;
  if (!finding.why.empty()) {
    after_ms = min_ms;
    for (uint32_t i = 0; i < troubles_ && after_ms < max_ms; ++i) after_ms *= 2;
    after_ms = std::min(after_ms, max_ms);
    // The part that was found is as fresh as its TTL says, whatever fails beside it.
    if (!finding.found.empty()) after_ms = std::min(after_ms, of_ttl_ms);
    ++troubles_;
  } else {
    troubles_ = 0;
  }
  arm(parts_.loop.now_ms() + after_ms);
  if (std::exchange(refused_, false)) arm(begun_ms_ + min_ms);
}

// At `due_ms`, unless it is due before that already.
void NameSource::arm(uint64_t due_ms) {
  if (deadline_.armed() && due_ms_ <= due_ms) return;
  due_ms_ = due_ms;
  const uint64_t now = parts_.loop.now_ms();
  parts_.loop.arm(deadline_, due_ms > now ? due_ms - now : 0);
}

// Only what is news.
void NameSource::say(const Finding& finding) {
  const std::string named = fmt::format("upstream {}: {}", parts_.upstream, source_.to_string());
  const Trouble trouble = finding.why.empty()     ? Trouble::none
                          : finding.found.empty() ? Trouble::all
                                                  : Trouble::in_part;
  const std::string known = addresses(list_.size());
  if (std::exchange(said_, trouble) != trouble) {
    if (trouble == Trouble::none) {
      parts_.log.info(fmt::format("{} is found again: {}", named, known));
    } else if (trouble == Trouble::in_part) {
      parts_.log.warning(fmt::format("{} is found in part, with what was known {}: {}", named,
                                     known, finding.why));
    } else {
      parts_.log.warning(fmt::format("{} is not found, {}: {}", named,
                                     list_.empty() ? "and has no address" : "and keeps " + known,
                                     finding.why));
    }
  }
  // A look-up that did not get so far says nothing about it.
  if (trouble == Trouble::all) return;
  const bool left_out = finding.left_out > 0;
  if (left_out && !said_left_out_) {
    parts_.log.warning(fmt::format("{} has more than is used: {} are, {} records are left out",
                                   named, known, finding.left_out));
  }
  said_left_out_ = left_out;
}

}  // namespace onehop::upstream
