// SPDX-License-Identifier: MIT
// RunningCommand: one command from the moment it is taken to its answer, which is recorded in the
// log with who gave it, what it was and what came of it. It belongs to whoever may still answer it,
// so it goes on when its client has gone.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "onehop/admin/commands.h"

namespace onehop::admin {

class RunningCommand {
 public:
  // `who` and `what` are as the log has them; `answer` is called once.
  RunningCommand(std::string who, std::string what, Done answer);
  // Nobody answered, and nobody can any more.
  ~RunningCommand();
  RunningCommand(const RunningCommand&) = delete;
  RunningCommand& operator=(const RunningCommand&) = delete;

  void finish(Reply reply);

  static Done done_of(std::shared_ptr<RunningCommand> running);

 private:
  std::string who_;
  std::string what_;
  Done answer_;  // empty once it was called
};

}  // namespace onehop::admin
