// SPDX-License-Identifier: MIT
// The problems that a room to the right finds in a Config, less those that follow from others.
#pragma once

#include <vector>

#include "onehop/config/load.h"

namespace onehop::config {

// Asks `further`, if there is one. A listener or an upstream with a problem in `own` is not as it
// was meant, so what is said of it besides is left out.
std::vector<Problem> further_problems(const Config& config, const std::vector<Problem>& own,
                                      const FurtherCheck& further);

}  // namespace onehop::config
