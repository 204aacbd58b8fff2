// SPDX-License-Identifier: MIT
// Commands: what the admin endpoint does, beside the documents that it shows. Each is a row with a
// method and a path, and a function that acts. Whether somebody may give one is the Guard's affair;
// that it is logged with who, what and what came of it, the endpoint's.
//
//   commands.add({.method = "POST", .path = "/upstreams/{name}/endpoints",
//                 .what = "Adds an endpoint", .query = {"address", "weight"}},
//                [](const Command& command, Done done) {
//                  command.part("name"), command.given("weight") ...
//                  done(json_reply(200, ...));
//                });
//
// All of it on the thread of the endpoint's loop.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onehop/admin/reply.h"
#include "onehop/base/result.h"

namespace onehop::admin {

struct CommandRow {
  std::string_view method;  // "POST", "PUT" or "DELETE"
  // Literal segments and ones in braces, each of which stands for any one segment that is not
  // empty.
  std::string_view path;
  std::string_view what;                     // a line of the list at /
  std::vector<std::string_view> query = {};  // the keys that may be given, each at most once
  size_t most_body = 0;                      // bytes; with 0 a body is refused
};

// A command as it was given: parts and values have their percent signs decoded and hold no control
// characters. Valid during the call of its Act.
class Command {
 public:
  std::string_view caller() const { return caller_; }  // "unix:uid=0,pid=123", "192.0.2.7:4711"
  std::string_view body() const { return body_; }

  // What stands for a segment in braces; of one that the row's path has.
  std::string_view part(std::string_view name) const;
  // The value of a key of the query: "" where it has none, nothing where the key is not given.
  std::optional<std::string_view> given(std::string_view key) const;

 private:
  friend class Commands;
  using Named = std::pair<std::string_view, std::string>;

  std::string caller_;
  std::string body_;
  std::vector<Named> parts_;
  std::vector<Named> query_;
};

// Ends a command with its answer, at once or later; only the first call counts. Whoever gave it may
// have gone meanwhile. Where every copy is destroyed without a call, it is a 500.
using Done = std::function<void(Reply)>;
using Act = std::function<void(const Command& command, Done done)>;

class Commands {
 public:
  struct Entry {
    CommandRow row;
    Act act;
  };

  // The row's texts are literals. No other entry has the same method and path; where several paths
  // fit, the first that was added is meant.
  void add(CommandRow row, Act act);

  // Null where there is no such command. Entries live as long as this object; none is added while
  // one is in use.
  const Entry* find(std::string_view method, std::string_view path) const;

  // The methods that a path may be asked with, "POST, DELETE"; empty where it is of no command.
  std::string methods_of(std::string_view path) const;

  // What was given, as its row has it; the error is a sentence. `target` is one that find() knows.
  static Result<Command, std::string> parse(const CommandRow& row, std::string_view target,
                                            std::string caller, std::string body);

  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
};

}  // namespace onehop::admin
