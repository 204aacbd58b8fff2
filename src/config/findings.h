// SPDX-License-Identifier: MIT
// What check() finds, before anybody knows whether there is a file.
#pragma once

#include <string>
#include <vector>

#include "onehop/config/load.h"
#include "onehop/config/schema.h"

namespace onehop::config {

struct Finding {
  std::string key;
  std::string sentence;
  std::string other;  // the key that the sentence ends with, where there is a second one
  std::string basis;  // the key whose value makes this a mistake, if it is right itself
  Severity severity = Severity::mistake;
};

// In the order of the schema; empty when all is well.
std::vector<Finding> findings(const Config& config);
std::vector<Finding> findings(const EndpointList& list);

}  // namespace onehop::config
