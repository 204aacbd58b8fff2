// SPDX-License-Identifier: MIT
// Fuzz target: any text is either a Config or a list of problems, and a Config that is written as
// TOML is read back as it was.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/base/assert.h"
#include "onehop/config/load.h"

namespace {

using onehop::config::Config;
using onehop::config::Problem;

// Some variables are set and some are not; one expands to what must not be expanded again.
std::optional<std::string> variable(std::string_view name) {
  if (name.starts_with("N")) return "4";
  if (name.starts_with("S")) return std::string(name);
  if (name.starts_with("R")) return "${R}";
  return std::nullopt;
}

void check_problems(const std::vector<Problem>& problems) {
  ONEHOP_ASSERT(!problems.empty());
  for (const Problem& problem : problems) {
    ONEHOP_ASSERT(problem.line >= 1 && problem.column >= 1 && !problem.sentence.empty());
  }
}

void check_round_trip(Config config) {
  ONEHOP_ASSERT(!to_json(config).empty());
  ONEHOP_ASSERT(check(config).empty());
  config.masked.clear();  // the text that is written has the values, not the variables
  for (const bool with_comments : {false, true}) {
    const auto again = onehop::config::parse(to_toml(config, with_comments), "again", variable);
    ONEHOP_ASSERT(again.has_value());
    ONEHOP_ASSERT(*again == config);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto config = onehop::config::parse(text, "fuzz", variable);
  if (config) {
    check_round_trip(*config);
  } else {
    check_problems(config.error());
  }
  return 0;
}
