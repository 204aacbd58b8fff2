// SPDX-License-Identifier: MIT
// Reads Prometheus text or OpenMetrics and says what is wrong with it: a small reader of its own,
// so that the writer is not checked by itself.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "onehop/telemetry/exposition.h"

namespace onehop::test {

struct ExpositionText {
  std::vector<std::string> faults;           // sentences; empty when the text is sound
  std::map<std::string, std::string> types;  // family -> type
  std::map<std::string, double> samples;     // name{labels} -> value
  std::map<std::string, std::string> help;   // family -> help
};

// Checks: each family once, HELP and TYPE before its samples, samples beside their family and only
// once, suffixes that fit the type, label values escaped, buckets ascending and cumulative, +Inf
// equal to _count, and the end of OpenMetrics.
ExpositionText check_exposition(const std::string& text, telemetry::Exposition format);

}  // namespace onehop::test
