// SPDX-License-Identifier: MIT
// The visitor of the schema that looks at a finished Config: each value by its rule, and then what
// holds between values. It knows paths, not files; parse() turns its paths into places.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "findings.h"
#include "further.h"
#include "key_path.h"
#include "mismatch.h"
#include "onehop/base/address.h"
#include "onehop/config/load.h"
#include "onehop/config/schema.h"
#include "onehop/config/suggest.h"
#include "path_pattern.h"
#include "text_rules.h"
#include "without_effect.h"

namespace onehop::config {
namespace {

class Checker {
 public:
  explicit Checker(const Config& config) : masked_(config.masked.begin(), config.masked.end()) {
    for (const Upstream& upstream : config.upstreams) upstreams_.push_back(upstream.name);
    for (const RateLimit& limit : config.rate_limits) rate_limits_.push_back(limit.name);
    std::ranges::sort(upstreams_);
    std::ranges::sort(rate_limits_);
  }

  std::vector<Finding> check(const Config& config) {
    describe(*this, config);
    check_admin(config.admin);
    warn_of_unused(config);
    for (const WithoutEffect& one : without_effect(config)) {
      warn(one.key,
           fmt::format("{}, found {}", one.reason, is_masked(one.key) ? "***" : one.found));
      findings_.back().basis = one.basis;
    }
    return std::move(findings_);
  }

  std::vector<Finding> check(const EndpointList& list) {
    describe(*this, list);
    return std::move(findings_);
  }

  // The visitor's part; schema.h says what each is for.
  template <class Rule, class T>
  void value(std::string_view key, const T& member, const Rule& rule, std::string_view) {
    if (!fits(rule, member)) refuse(joined(path_, key), allowed(rule), written(rule, member));
  }
  template <class Enum>
  void value(std::string_view, const Enum&, Choice<Enum>, std::string_view) {}
  void value(std::string_view, bool, Flag, std::string_view) {}

  void value(std::string_view key, const std::string& member, Text rule, std::string_view) {
    const std::string path = joined(path_, key);
    if (!fits(rule, member)) {
      refuse_text(path, rule, member);
      return;
    }
    if (rule == Text::listen_address || rule == Text::admin_address) check_listening(path, member);
    if (rule == Text::upstream) check_name(path, rule, member, upstreams_);
    if (rule == Text::path) check_pattern(path, member);
    if (rule == Text::host && member == "_")
      warn(path, "\"_\" is no more than a name here; any host is \"\"");
  }

  void value(std::string_view key, const std::vector<std::string>& members, Text rule,
             std::string_view) {
    const Within within(path_, key);
    FirstPath<std::string> seen;
    for (size_t i = 0; i < members.size(); ++i) {
      const Within within_entry(path_, i);
      if (!fits(rule, members[i])) {
        refuse_text(path_, rule, members[i]);
      } else if (rule == Text::rate_limit) {
        check_name(path_, rule, members[i], rate_limits_);
        refuse_second(seen, members[i], path_, "a rate limit of its own");
      }
    }
  }

  template <class T>
  void table(std::string_view key, const T& member, std::string_view) {
    const Within within(path_, key);
    describe(*this, member);
  }

  template <class T>
  void optional_table(std::string_view key, const T& member, const T&, std::string_view why) {
    if (member != T{}) table(key, member, why);
  }

  template <class T>
  void tables(std::string_view key, const std::vector<T>& members, std::string_view) {
    const Within within(path_, key);
    if (members.empty()) refuse(path_, fmt::format("at least one [[{}]]", key), "none");
    for (size_t i = 0; i < members.size(); ++i) {
      const Within within_entry(path_, i);
      describe(*this, members[i]);
      check_alone(members[i]);
    }
  }

  template <class T>
  void named_tables(std::string_view key, const std::vector<T>& members, std::string_view) {
    const Within within(path_, key);
    std::map<std::string, std::string> seen;
    for (const T& member : members) {
      const Within within_member(path_, toml_key(member.name));
      if (!fits(Text::table_name, member.name)) refuse_text(path_, Text::table_name, member.name);
      refuse_second(seen, member.name, path_, "a name of its own");
      describe(*this, member);
      check_alone(member);
    }
  }

  template <class T>
  void entries(std::string_view key, const std::vector<T>& members, const Entries<T>& rule,
               std::string_view) {
    const Within within(path_, key);
    if (members.empty() && !rule.may_be_empty) refuse(path_, allowed(rule), "none");
    std::map<std::string, std::string> seen;
    for (size_t i = 0; i < members.size(); ++i) {
      const Within within_entry(path_, i);
      describe(*this, members[i]);
      if (rule.short_form == nullptr) continue;
      const std::string& address = members[i].*rule.short_form;
      if (!fits(Text::endpoint_address, address)) continue;
      refuse_second(seen, canonical(Text::endpoint_address, address), path_,
                    "an endpoint of its own");
      warn_of_circle(address);
    }
  }

 private:
  template <class Key>
  using FirstPath = std::map<Key, std::string>;

  // What holds between the values of one table.
  void check_alone(const Listener& listener) { refuse_all(mismatches(listener)); }
  void check_alone(const Upstream& upstream) { refuse_all(mismatches(upstream)); }
  void check_alone(const RateLimit&) {}
  void check_admin(const Admin& admin) {
    const Within within(path_, "admin");
    refuse_all(mismatches(admin));
    if (!admin.control.empty())
      check_listening(joined(path_, "control"), std::string(kUnixPrefix) + admin.control);
  }
  void check_alone(const Route& route) {
    refuse_second(routes_, std::tuple(canonical(Text::host, route.host), route.path, route.match),
                  path_, "a host, path and match of its own");
  }

  // Few sockets, so each is compared with all before it.
  void check_listening(const std::string& path, const std::string& address) {
    constexpr std::string_view kExpected = "an address of its own, found";
    for (const auto& [other, other_path] : listening_) {
      const Overlap both = overlap(address, other);
      if (both == Overlap::none) continue;
      findings_.push_back(
          {path,
           both == Overlap::same
               ? fmt::format("{} that of {}", kExpected, other_path)
               : fmt::format("{} {}, which overlaps with that of {}", kExpected,
                             is_masked(path) ? "***" : in_quotes(address), other_path),
           other_path,
           {}});
      return;
    }
    listening_.emplace_back(address, path);
  }

  using Names = std::vector<std::string_view>;  // sorted
  void check_name(const std::string& path, Text rule, const std::string& name, const Names& names) {
    if (std::ranges::binary_search(names, name)) return;
    const std::string known = names.empty() ? "there is none" : listing(names);
    const std::string_view meant = closest(name, names);
    const std::string hint =
        meant.empty() || is_masked(path) ? "" : fmt::format("; did you mean `{}`?", meant);
    refuse(path, fmt::format("{} ({})", allowed(rule), known), in_quotes_short(name) + hint);
  }

  void check_pattern(const std::string& path, const std::string& text) {
    const std::string_view suspicion = pattern_suspicion(text);
    if (suspicion.empty()) return;
    warn(path, fmt::format("{} {}", is_masked(path) ? "***" : in_quotes_short(text), suspicion));
  }

  // Listeners are before upstreams in the schema, so all of them are known. A name is not resolved,
  // and whether an address is one of this machine is known of loopback alone.
  void warn_of_circle(const std::string& address) {
    const bool here = address.starts_with("127.") || address.starts_with("[::1]") ||
                      address.starts_with("localhost:");
    for (const auto& [listening, path] : listening_) {
      const Overlap both = overlap(listening, address);
      if (both == Overlap::none || (both == Overlap::partial && !here)) continue;
      warn(path_, fmt::format("{} is where {} listens, so requests go in circles",
                              is_masked(path_) ? "***" : in_quotes_short(address), parent(path)));
      return;
    }
  }

  void warn_of_unused(const Config& config) {
    std::set<std::string_view> used;
    for (const Route& route : config.routes) used.insert(route.upstream);
    for (const Upstream& upstream : config.upstreams) {
      if (!used.contains(upstream.name)) warn(upstream_key(upstream.name), "no route uses it");
    }
    std::set<std::string_view> named;
    const auto add = [&named](const auto& all) {
      for (const auto& one : all) named.insert(one.rate_limits.begin(), one.rate_limits.end());
    };
    add(config.listeners);
    add(config.routes);
    add(config.upstreams);
    for (const RateLimit& limit : config.rate_limits) {
      if (!named.contains(limit.name))
        warn(joined("rate_limit", toml_key(limit.name)), "nothing names it in its rate_limits");
    }
  }

  // Remembers who had `key` first, and refuses everybody after.
  template <class Key>
  void refuse_second(FirstPath<Key>& seen, const Key& key, const std::string& path,
                     std::string_view expected) {
    const auto [first, is_new] = seen.emplace(key, path);
    if (is_new) return;
    findings_.push_back(
        {path, fmt::format("{}, found that of {}", expected, first->second), first->second, {}});
  }

  void refuse_all(const std::vector<Mismatch>& mismatches) {
    for (const Mismatch& one : mismatches) {
      refuse(joined(path_, one.key), one.expected, one.found);
      findings_.back().basis = joined(path_, one.basis);
    }
  }

  bool is_masked(const std::string& path) const { return covers(masked_, path); }

  void refuse(const std::string& path, std::string_view expected, std::string_view found) {
    findings_.push_back(
        {path, fmt::format("{}, found {}", expected, is_masked(path) ? "***" : found), {}, {}});
  }
  void refuse_text(const std::string& path, Text rule, std::string_view text) {
    const std::string reason = is_masked(path) ? std::string() : reason_against(rule, text);
    const std::string remark = reason.empty() ? std::string() : fmt::format(" ({})", reason);
    refuse(path, allowed(rule), shown(text) + remark);
  }

  void warn(std::string path, std::string sentence) {
    findings_.push_back({std::move(path), std::move(sentence), {}, {}, Severity::warning});
  }

  std::vector<Finding> findings_;
  std::string path_;
  std::set<std::string, std::less<>> masked_;
  Names upstreams_;
  Names rate_limits_;
  std::vector<std::pair<std::string, std::string>> listening_;  // addresses and their paths
  FirstPath<std::tuple<std::string, std::string, PathMatch>> routes_;
};

}  // namespace

std::string upstream_key(std::string_view name) {
  return joined("upstream", toml_key(name));
}

std::vector<Finding> findings(const Config& config) {
  return Checker(config).check(config);
}

std::vector<Finding> findings(const EndpointList& list) {
  return Checker({}).check(list);
}

std::vector<Problem> check(const Config& config, const FurtherCheck& further) {
  constexpr std::string_view kFile = "command line";
  std::vector<Problem> problems;
  for (Finding& finding : findings(config)) {
    if (finding.severity == Severity::warning) continue;
    problems.push_back(
        {std::string(kFile), 0, 0, std::move(finding.key), std::move(finding.sentence)});
  }
  for (Problem& problem : further_problems(config, problems, further)) {
    if (problem.severity == Severity::warning) continue;
    problem.file = kFile;
    problems.push_back(std::move(problem));
  }
  return problems;
}

}  // namespace onehop::config
