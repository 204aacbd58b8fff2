// SPDX-License-Identifier: MIT
#include "diff_command.h"

#include <cstdio>

#include "admin_door.h"
#include "onehop/admin/difference.h"
#include "onehop/config/load.h"
#include "onehop/tls/tls.h"

namespace onehop::cli {
namespace {

constexpr int kSame = 0;
constexpr int kDifferent = 1;
constexpr int kFailed = 2;

}  // namespace

int run_diff(const DiffOptions& options) {
  const auto examined = config::load(options.file, config::environment(), tls::check);
  if (!examined.has_value()) {
    for (const auto& problem : examined.error())
      std::fprintf(stderr, "%s\n", problem.to_string().c_str());
    return kFailed;
  }
  const auto body = ask_or_explain(options.door, {"GET", "/config"});
  if (!body.has_value()) return kFailed;
  const auto lines = admin::differences(*body, config::to_json(examined->config));
  if (!lines.has_value()) {
    not_an_endpoint(options.door, lines.error());
    return kFailed;
  }
  for (const std::string& line : *lines) {
    const bool refused = line.starts_with("server.workers: ");
    const char* const how = refused ? " (with a new start only: a reload is refused)" : "";
    std::printf("%s%s\n", line.c_str(), how);
  }
  return lines->empty() ? kSame : kDifferent;
}

}  // namespace onehop::cli
