// SPDX-License-Identifier: MIT
#include "further.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>

#include "key_path.h"

namespace onehop::config {
namespace {

// The listener or upstream that a key is of: listener[0].tls.ciphers is of listener[0].
std::string_view entry_of(std::string_view key) {
  for (std::string_view above = parent(key); !parent(above).empty(); above = parent(key)) {
    key = above;
  }
  return key;
}

}  // namespace

std::vector<Problem> further_problems(const Config& config, const std::vector<Problem>& own,
                                      const FurtherCheck& further) {
  if (!further) return {};
  std::set<std::string_view> wrong;
  for (const Problem& problem : own) wrong.insert(entry_of(problem.key));
  std::vector<Problem> problems = further(config);
  std::erase_if(problems, [&wrong](const Problem& problem) { return covers(wrong, problem.key); });
  return problems;
}

}  // namespace onehop::config
