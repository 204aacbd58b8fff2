// SPDX-License-Identifier: MIT
// One question to a running proxy's admin endpoint, for the commands that ask it from outside:
// blocking, on a connection of its own, because they have nothing else to do meanwhile.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "onehop/base/address.h"
#include "onehop/base/result.h"

namespace onehop::cli {

struct AdminAnswer {
  std::string status;  // three digits, as they came
  std::string body;
};

enum class AdminFailure {
  not_an_address,    // the text is no HOST:PORT
  unreachable,       // no such host, refused, reset, or no answer in time
  not_the_endpoint,  // something answered, and not in HTTP/1.1
};

// Why there is no answer. `why` is the end of a sentence: "connection refused".
struct AdminError {
  AdminFailure failure = AdminFailure::unreachable;
  std::string why;
};

// GET `path` of the admin endpoint at `admin`, a HOST:PORT read as the server reads it: "localhost"
// and no host are this machine. All of it but looking up a
// name, connecting included, takes at most `patience`.
Result<AdminAnswer, AdminError> ask_admin(const std::string& admin, std::string_view path,
                                          std::chrono::milliseconds patience);

}  // namespace onehop::cli
