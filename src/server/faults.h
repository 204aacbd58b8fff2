// SPDX-License-Identifier: MIT
// What stands in the way, all of it: whoever mends it wants to mend it once.
#pragma once

#include <string>
#include <string_view>

namespace onehop::server {

class Faults {
 public:
  // Why there is none, if there is none.
  template <class Made>
  void note(const Made& made, std::string_view where = {}) {
    if (!made.has_value())
      text_.append(text_.empty() ? "" : "\n").append(where).append(made.error());
  }

  const std::string& text() const { return text_; }  // a line each; "": nothing

 private:
  std::string text_;
};

}  // namespace onehop::server
