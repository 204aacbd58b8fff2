// SPDX-License-Identifier: MIT
// What the TOML parser says about text that is not TOML, in the words of the other problems.
#pragma once

#include <string>
#include <string_view>

namespace onehop::config {

struct SyntaxFault {
  std::string key;  // as the parser tells it; empty where it does not, or not rightly
  std::string sentence;
};

// `description` is that of a toml::parse_error. One that is not known is passed on as it is.
SyntaxFault syntax_fault(std::string_view description);

}  // namespace onehop::config
