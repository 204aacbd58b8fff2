// SPDX-License-Identifier: MIT
// Signals before and after there is somebody to take them. Until a server watches its signals,
// those whose default would be to die are held back and come when it does.
#pragma once

namespace onehop::server {

// SIGHUP, SIGQUIT, SIGUSR1 and SIGUSR2, for the calling thread and those that it starts. First
// thing in the program, and again when nobody watches any more.
void hold_signals();

// Those that came meanwhile are delivered.
void release_signals();

}  // namespace onehop::server
