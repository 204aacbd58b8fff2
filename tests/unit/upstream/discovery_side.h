// SPDX-License-Identifier: MIT
// A Discovery over a loop and a name service that the test holds in its hands.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "onehop/upstream/discovery.h"
#include "tests/support/hand_loop.h"
#include "tests/support/hand_names.h"

namespace onehop::upstream {

using Lines = std::vector<std::string>;

// "192.0.2.1:80", and what is not usual of it: "192.0.2.1:80 weight 2 priority 1".
inline Lines lines_of(std::span<const Discovered> list) {
  Lines lines;
  for (const Discovered& one : list) {
    std::string line = one.address.to_string();
    if (one.weight != 1) line += fmt::format(" weight {}", one.weight);
    if (one.priority != 0) line += fmt::format(" priority {}", one.priority);
    lines.push_back(line);
  }
  return lines;
}

// One source unless the test says more.
struct DiscoverySide : Discovery::Events {
  virtual ~DiscoverySide() = default;
  explicit DiscoverySide(const std::vector<std::string>& texts = {"app.test:80"},
                         Discovery::Pace pace = {}) {
    warnings().clear();
    infos().clear();
    std::vector<Source> sources;
    for (const std::string& text : texts) sources.push_back(Source::parse(text, 1).value());
    discovery.emplace(
        Discovery::Parts{loop, names, *this, "app", pace, {.warning = warn, .info = inform}},
        sources);
  }

  void on_change(size_t source, std::span<const Discovered> list) override {
    changes.emplace_back(source, lines_of(list));
    if (then) then();
  }

  Lines list(size_t source = 0) const { return lines_of(discovery->list(source)); }
  const Discovery::Counts& counts() const { return discovery->counts(0); }

  // Whether a look-up begins that long from now: not before, and a slot of the wheel later at most.
  bool begins_after_ms(uint64_t ms) {
    const size_t before = names.begun();
    loop.pass_ms(ms - 1);
    const bool early = names.begun() > before;
    loop.pass_ms(1 + 8);
    return !early && names.begun() > before;
  }

  static Lines& warnings() {
    static Lines lines;
    return lines;
  }
  static Lines& infos() {
    static Lines lines;
    return lines;
  }
  static void warn(std::string_view line) { warnings().emplace_back(line); }
  static void inform(std::string_view line) { infos().emplace_back(line); }

  test::HandLoop loop;
  test::HandNames names;
  std::vector<std::pair<size_t, Lines>> changes;
  std::function<void()> then;
  std::optional<Discovery> discovery;
};

}  // namespace onehop::upstream
