// SPDX-License-Identifier: MIT
// One question to a running proxy's admin endpoint, or one command, for those who come from
// outside: blocking, on a connection of its own, because they have nothing else to do meanwhile.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "onehop/base/address.h"
#include "onehop/base/result.h"

namespace onehop::cli {

// The way to a running proxy: its admin address, or the path of its control socket.
struct AdminDoor {
  // HOST:PORT, read as the server reads it: "localhost" and no host are this machine.
  std::string admin = "127.0.0.1:9900";
  std::string control = {};     // a path; "": over the network
  std::string token_file = {};  // whose one line goes with what is asked; "": none does

  const std::string& name() const { return control.empty() ? admin : control; }
};

struct AdminQuestion {
  std::string_view method;
  std::string target;
  std::string_view body = {};
};

struct AdminAnswer {
  std::string status;  // three digits, as they came
  std::string body;
};

enum class AdminFailure {
  wrong_option,      // the door is none; the sentence begins with the option
  unreachable,       // no such host or socket, refused, reset, or no answer in time
  not_the_endpoint,  // something answered, and not in HTTP/1.1
};

// Why there is no answer. `why` is the end of a sentence: "connection refused".
struct AdminError {
  AdminFailure failure = AdminFailure::unreachable;
  std::string why;
};

// All of it but looking up a name, connecting included, takes at most `patience`.
Result<AdminAnswer, AdminError> ask_admin(const AdminDoor& door, const AdminQuestion& question,
                                          std::chrono::milliseconds patience);

}  // namespace onehop::cli
