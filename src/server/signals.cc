// SPDX-License-Identifier: MIT
#include "onehop/server/signals.h"

#include <csignal>
#include <initializer_list>

namespace onehop::server {
namespace {

sigset_t held() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2}) sigaddset(&set, number);
  return set;
}

}  // namespace

void hold_signals() {
  const sigset_t set = held();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void release_signals() {
  const sigset_t set = held();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

}  // namespace onehop::server
