// SPDX-License-Identifier: MIT
// What many tests ask of an answer, said once.
#pragma once

#include <string>

#include "tests/support/message.h"

namespace onehop::test {

// What is wrong with a reply that the proxy made itself, "" when it is as documented: a short
// text/plain body with Content-Length and a Proxy-Status field that names the outcome.
std::string fault_of_local_reply(const Response& response);

// The token after "error=" in Proxy-Status; "" when there is none.
std::string error_token(const Response& response);

}  // namespace onehop::test
