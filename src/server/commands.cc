// SPDX-License-Identifier: MIT
#include "commands.h"

#include <string>
#include <utility>

namespace onehop::server {
namespace {

constexpr int kRefused = 422;

}  // namespace

void add_commands(admin::Commands& commands, Reload& reload) {
  commands.add(
      {.method = "POST",
       .path = "/reload",
       .what = "loads the configuration file again: what is different, or every mistake"},
      [&reload](const admin::Command& command, admin::Done done) {
        reload.ask("POST /reload of " + std::string(command.caller()),
                   [done = std::move(done)](const ReloadResult& result) {
                     done(admin::text_reply(result.in_force ? 200 : kRefused, result.text + "\n"));
                   });
      });
}

}  // namespace onehop::server
