// SPDX-License-Identifier: MIT
// What the commands that go to a running proxy have in common: the options that say how, and what
// is said when that leads nowhere.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "admin_client.h"
#include "onehop/base/result.h"

namespace onehop::cli {

// --admin and --control, of which one may be given.
void add_door(CLI::App& command, AdminDoor& door);
// The same with --token-file, which commands over the network need.
void add_command_door(CLI::App& command, AdminDoor& door);

// They print why, and return the exit code: 1, or 2 where an option is wrong.
int no_answer(const AdminDoor& door, const AdminError& error);
int not_an_endpoint(const AdminDoor& door, const std::string& why);

// Asks, and tells what went wrong, a refusal included: the body of an answer of success, or the
// exit code. What is asked may take some seconds.
Result<std::string, int> ask_or_explain(const AdminDoor& door, const AdminQuestion& question);

}  // namespace onehop::cli
