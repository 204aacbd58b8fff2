// SPDX-License-Identifier: MIT
#include "start_program.h"

#include <fmt/format.h>
#include <spawn.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "onehop/server/takeover.h"

namespace onehop::server {
namespace {

constexpr int kChannel = 3;
constexpr char kFlag[] = "--takeover";

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; *variable != nullptr; ++variable) variables.push_back(*variable);
  variables.push_back(fmt::format("{}={}", kTakeoverVariable, kChannel));
  return variables;
}

}  // namespace

Result<pid_t, std::string> start_program(const std::vector<std::string>& arguments,
                                         const net::MessageSocket& channel) {
  std::vector<std::string> words = arguments;
  if (std::ranges::count(words, kFlag) == 0) words.push_back(kFlag);
  std::vector<std::string> variables = environment();
  std::vector<char*> argv = pointers_to(words);
  std::vector<char*> envp = pointers_to(variables);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, channel.descriptor(), kChannel);
  posix_spawn_file_actions_addclosefrom_np(&actions, kChannel + 1);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  posix_spawnattr_setsigmask(&attributes, &none);
  pid_t pid = 0;
  const int number = ::posix_spawnp(&pid, argv[0], &actions, &attributes, argv.data(), envp.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (number != 0)
    return Unexpected<std::string>(
        fmt::format("cannot start {}: {}", words[0], net::NetError{number}.sentence()));
  return pid;
}

}  // namespace onehop::server
