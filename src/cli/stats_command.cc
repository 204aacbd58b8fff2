// SPDX-License-Identifier: MIT
// The document is printed as it came, or as the table that the admin room makes of it.
#include "stats_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "admin_client.h"

namespace onehop::cli {
namespace {

constexpr std::chrono::seconds kPatience(5);

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int failed(const std::string& sentence) {
  std::fprintf(stderr, "onehop: %s\n", sentence.c_str());
  return kFailed;
}

int not_an_endpoint(const std::string& admin, const std::string& why) {
  return failed(
      fmt::format("{} is not the admin endpoint of a onehop: {}\n"
                  "  Give the address that the proxy was started with: --admin, or [admin] listen.",
                  admin, why));
}

int no_answer(const std::string& admin, const AdminError& error) {
  switch (error.failure) {
    case AdminFailure::not_an_address:
      std::fprintf(stderr, "onehop: --admin: %s\n", error.why.c_str());
      return kWrongUsage;
    case AdminFailure::unreachable:
      return failed(
          fmt::format("no admin endpoint at {}: {}\n"
                      "  The proxy must be running, with --admin {} or the same in [admin] listen.",
                      admin, error.why, admin));
    case AdminFailure::not_the_endpoint:
      break;
  }
  return not_an_endpoint(admin, error.why);
}

}  // namespace

admin::Ink table_ink(int descriptor) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  if (no_color != nullptr && *no_color != '\0') return admin::Ink::plain;
  if (terminal == nullptr || std::string_view(terminal) == "dumb") return admin::Ink::plain;
  return ::isatty(descriptor) == 1 ? admin::Ink::terminal : admin::Ink::plain;
}

int run_stats(const StatsOptions& options) {
  const auto answer = ask_admin(options.admin, "/stats?window=" + options.window, kPatience);
  if (!answer.has_value()) return no_answer(options.admin, answer.error());
  if (answer->status != "200") {
    return not_an_endpoint(options.admin, "it answered GET /stats with " + answer->status);
  }
  admin::TableStyle style;
  style.ink = table_ink(STDOUT_FILENO);
  const auto table = admin::stats_table(answer->body, style);
  if (!table.has_value()) return not_an_endpoint(options.admin, table.error());
  std::fputs((options.json ? answer->body : *table).c_str(), stdout);
  if (options.json && !answer->body.ends_with('\n')) std::fputc('\n', stdout);
  return 0;
}

}  // namespace onehop::cli
