// SPDX-License-Identifier: MIT
#include "admin_door.h"

#include <fmt/format.h>

#include <chrono>
#include <cstdio>

namespace onehop::cli {
namespace {

constexpr std::chrono::seconds kPatience(30);

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int failed(const std::string& sentence) {
  std::fprintf(stderr, "onehop: %s\n", sentence.c_str());
  return kFailed;
}

std::string configured(const AdminDoor& door) {
  return door.control.empty()
             ? fmt::format("with --admin {} or the same in [admin] listen", door.admin)
             : fmt::format("with control = \"{}\" in [admin], and its user or group be yours",
                           door.control);
}

}  // namespace

void add_door(CLI::App& command, AdminDoor& door) {
  CLI::Option* admin = command.add_option("--admin", door.admin, "Its admin endpoint");
  admin->capture_default_str();
  command.add_option("--control", door.control, "Its control socket: a path, in place of --admin")
      ->excludes(admin);
}

void add_command_door(CLI::App& command, AdminDoor& door) {
  add_door(command, door);
  command.add_option("--token-file", door.token_file,
                     "The token for --admin: a file with one line");
}

int no_answer(const AdminDoor& door, const AdminError& error) {
  switch (error.failure) {
    case AdminFailure::wrong_option:
      std::fprintf(stderr, "onehop: %s\n", error.why.c_str());
      return kWrongUsage;
    case AdminFailure::unreachable:
      return failed(fmt::format("no {} at {}: {}\n  The proxy must be running, {}.",
                                door.control.empty() ? "admin endpoint" : "control socket",
                                door.name(), error.why, configured(door)));
    case AdminFailure::not_the_endpoint:
      break;
  }
  return not_an_endpoint(door, error.why);
}

int not_an_endpoint(const AdminDoor& door, const std::string& why) {
  return failed(
      fmt::format("{} is not the {} of a onehop: {}\n"
                  "  Give the address that the proxy was started with: --admin, or [admin] listen.",
                  door.name(), door.control.empty() ? "admin endpoint" : "control socket", why));
}

Result<std::string, int> ask_or_explain(const AdminDoor& door, const AdminQuestion& question) {
  const auto answer = ask_admin(door, question, kPatience);
  if (!answer.has_value()) return Unexpected<int>(no_answer(door, answer.error()));
  if (answer->status.starts_with('2')) return answer->body;
  if (answer->status == "422") {  // understood, and refused with every reason
    std::fputs(answer->body.c_str(), stderr);
    return Unexpected<int>(kFailed);
  }
  std::string sentence =
      fmt::format("{} answered {} {} with {}: {}", door.name(), question.method, question.target,
                  answer->status, answer->body.substr(0, answer->body.find('\n')));
  if (answer->status == "401" || answer->status == "403")
    sentence += "\n  Give --control PATH, or --token-file FILE.";
  return Unexpected<int>(failed(sentence));
}

}  // namespace onehop::cli
