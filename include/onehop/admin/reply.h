// SPDX-License-Identifier: MIT
// What the admin endpoint answers.
#pragma once

#include <string>
#include <string_view>

namespace onehop::admin {

struct Reply {
  int status = 200;
  std::string_view content_type;  // a literal
  std::string body;
  std::string allow = {};      // the value of the Allow field; empty: no such field
  std::string challenge = {};  // of WWW-Authenticate; the same
};

// `text` ends with a newline, as a document does.
Reply text_reply(int status, std::string text);
Reply json_reply(int status, std::string document);

}  // namespace onehop::admin
