// SPDX-License-Identifier: MIT
#include "diff_command.h"

#include <chrono>
#include <cstdio>

#include "admin_client.h"
#include "onehop/admin/difference.h"
#include "onehop/config/load.h"
#include "onehop/tls/tls.h"

namespace onehop::cli {
namespace {

constexpr std::chrono::seconds kPatience(5);

constexpr int kSame = 0;
constexpr int kDifferent = 1;
constexpr int kFailed = 2;

int failed(const std::string& sentence) {
  std::fprintf(stderr, "onehop: %s\n", sentence.c_str());
  return kFailed;
}

}  // namespace

int run_diff(const DiffOptions& options) {
  const auto examined = config::load(options.file, config::environment(), tls::check);
  if (!examined.has_value()) {
    for (const auto& problem : examined.error())
      std::fprintf(stderr, "%s\n", problem.to_string().c_str());
    return kFailed;
  }
  const auto answer = ask_admin(options.admin, "/config", kPatience);
  if (!answer.has_value())
    return failed("no admin endpoint at " + options.admin + ": " + answer.error().why);
  if (answer->status != "200")
    return failed(options.admin + " answered GET /config with " + answer->status);
  const auto lines = admin::differences(answer->body, config::to_json(examined->config));
  if (!lines.has_value()) return failed(options.admin + " answered with " + lines.error());
  for (const std::string& line : *lines) std::printf("%s\n", line.c_str());
  return lines->empty() ? kSame : kDifferent;
}

}  // namespace onehop::cli
