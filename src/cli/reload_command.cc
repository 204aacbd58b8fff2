// SPDX-License-Identifier: MIT
#include "reload_command.h"

#include <cstdio>

#include "admin_door.h"

namespace onehop::cli {

int run_reload(const ReloadOptions& options) {
  const auto body = ask_or_explain(options.door, {"POST", "/reload"});
  if (!body.has_value()) return body.error();
  std::fputs(body->c_str(), stdout);
  return 0;
}

}  // namespace onehop::cli
