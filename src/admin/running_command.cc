// SPDX-License-Identifier: MIT
#include "running_command.h"

#include <fmt/format.h>

#include <utility>

#include "onehop/base/log.h"

namespace onehop::admin {
namespace {

constexpr size_t kMostShown = 300;  // of an answer that says what was wrong

// The status, and where it is none of success what was answered.
std::string result_of(const Reply& reply) {
  const std::string status = std::to_string(reply.status);
  if (reply.status < 400) return status;
  const std::string_view line = std::string_view(reply.body).substr(0, reply.body.find('\n'));
  return fmt::format("{} ({})", status, line.substr(0, kMostShown));
}

}  // namespace

RunningCommand::RunningCommand(std::string who, std::string what, Done answer)
    : who_(std::move(who)), what_(std::move(what)), answer_(std::move(answer)) {}

RunningCommand::~RunningCommand() {
  if (answer_) finish(text_reply(500, "The command ended without an answer.\n"));
}

void RunningCommand::finish(Reply reply) {
  const Done answer = std::exchange(answer_, nullptr);
  if (!answer) return;
  log::record(fmt::format("command of {}: {}: {}", who_, what_, result_of(reply)));
  answer(std::move(reply));
}

Done RunningCommand::done_of(std::shared_ptr<RunningCommand> running) {
  return [running = std::move(running)](Reply reply) { running->finish(std::move(reply)); };
}

}  // namespace onehop::admin
