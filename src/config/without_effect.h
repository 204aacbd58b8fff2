// SPDX-License-Identifier: MIT
// Values that are right, and change nothing because another key says that nobody reads them. Worth
// a warning: whoever wrote one expects something of it. A default that is written out is not
// worth one, as files that list every key are common.
#pragma once

#include <string>
#include <vector>

#include "onehop/config/config.h"

namespace onehop::config {

struct WithoutEffect {
  std::string key;     // "upstream.app.http2.stream_window"
  std::string reason;  // while what it has no effect
  std::string found;   // the value, as the file writes it
  std::string basis;   // the key that decides it
};

// In the order of the schema; empty when every value has a use.
std::vector<WithoutEffect> without_effect(const Config& config);

}  // namespace onehop::config
