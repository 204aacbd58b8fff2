// SPDX-License-Identifier: MIT
// ${VAR} and ${VAR:-default} inside the strings of a configuration.
#pragma once

#include <string>
#include <string_view>

#include "onehop/base/result.h"
#include "onehop/config/load.h"

namespace onehop::config {

struct Expanded {
  std::string text;
  bool from_variable = false;  // something was replaced, so a number may be written as a string
  bool secret = false;         // and a variable's name says that it must not be shown
};

// Replaces once: a value is not searched again. As in a shell, the default stands in for a variable
// that is unset or empty. `$${` is a literal `${`. The error is a sentence.
Result<Expanded, std::string> expand(std::string_view text, const Lookup& lookup);

// The text that expand() turns into `text`.
std::string unexpanded(std::string_view text);

}  // namespace onehop::config
