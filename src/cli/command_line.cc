// SPDX-License-Identifier: MIT
#include "onehop/cli/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "admin_door.h"
#include "check_command.h"
#include "check_health.h"
#include "demo.h"
#include "diff_command.h"
#include "log_command.h"
#include "onehop/base/log.h"
#include "onehop/config/load_files.h"
#include "onehop/config/suggest.h"
#include "onehop/server/log_settings.h"
#include "onehop/server/server.h"
#include "onehop/server/signals.h"
#include "onehop/telemetry/windows.h"
#include "onehop/tls/tls.h"
#include "option_values.h"
#include "other_words.h"
#include "proxy_options.h"
#include "reload_command.h"
#include "stats_command.h"

namespace onehop::cli {
namespace {

constexpr int kFine = 0;
constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int print_problems(const std::vector<config::Problem>& problems) {
  for (const auto& problem : problems) std::fprintf(stderr, "%s\n", problem.to_string().c_str());
  return kWrongUsage;
}

// As CLI11 ends its own: what is wrong, then who knows more. `sentences` may be several lines.
int print_usage_error(const std::string& sentences, std::string_view command) {
  std::fprintf(stderr, "%s\nRun onehop %.*s%s--help for more information.\n", sentences.c_str(),
               static_cast<int>(command.size()), command.data(), command.empty() ? "" : " ");
  return kWrongUsage;
}

int print_failure(const std::string& sentence) {
  std::fprintf(stderr, "onehop: %s\n", sentence.c_str());
  return kFailed;
}

int serve(server::Loaded loaded, const std::string& version, server::Load again,
          server::Launch launch) {
  server::begin_log(loaded.config->log);
  auto server =
      server::Server::make(std::move(loaded), version, std::move(again), std::move(launch));
  if (!server.has_value()) return print_failure(server.error());
  std::fputs((*server)->describe().c_str(), stdout);
  std::fflush(stdout);
  return (*server)->run() ? kFine : kFailed;
}

// How the program was started.
struct Started {
  std::vector<std::string> arguments;  // [0] is the program
  bool takes_over = false;
};

// `file` is where its configuration is; "" is none.
Result<server::Launch, std::string> launch_of(const Started& started, const std::string& file) {
  server::Launch launch{.arguments = started.arguments,
                        .meeting_point = server::meeting_point_of(file),
                        .takeover = nullptr,
                        .activated = true};
  if (file == "-") launch.arguments.clear();
  if (!started.takes_over) return launch;
  auto takeover = server::Takeover::begin(launch.meeting_point);
  if (!takeover.has_value()) return Unexpected<std::string>(takeover.error());
  launch.takeover = std::move(*takeover);
  return launch;
}

// What a file and those that it includes say, for the server.
Result<server::Loaded, std::vector<config::Problem>> loaded_from(const std::string& path,
                                                                 config::Loading& loading) {
  if (!loading.result.has_value())
    return Unexpected<std::vector<config::Problem>>(std::move(loading.result.error()));
  server::Loaded loaded{std::make_shared<const config::Config>(std::move(loading.result->config))};
  for (const config::Problem& warning : loading.result->warnings)
    loaded.warnings.push_back(warning.to_string());
  loaded.file = path;
  loaded.sources = std::move(loading.sources);
  return loaded;
}

std::string in_lines(const std::vector<config::Problem>& problems) {
  std::vector<std::string> lines;
  for (const config::Problem& problem : problems) lines.push_back(problem.to_string());
  return fmt::format("{}", fmt::join(lines, "\n"));
}

// Whoever reads one waits for whoever writes, and a reload that waits is in the way of the next one
// and of the end of the process.
bool is_waited_for(const std::string& path) {
  std::error_code none;
  const std::filesystem::file_type type = std::filesystem::status(path, none).type();
  return type == std::filesystem::file_type::fifo || type == std::filesystem::file_type::character;
}

Result<server::Loaded, server::NotLoaded> load_again(const std::string& path) {
  if (path == "-") {
    return Unexpected<server::NotLoaded>(
        {"it came from standard input, which cannot be read again"});
  }
  if (is_waited_for(path)) {
    return Unexpected<server::NotLoaded>(
        {path + " is a pipe or a device, which cannot be read again",
         config::Sources{.files = {path}, .patterns = {path}, .text = {}}});
  }
  config::Loading loading = config::load_files(path, config::environment(), tls::check);
  auto loaded = loaded_from(path, loading);
  if (loaded.has_value()) return std::move(*loaded);
  return Unexpected<server::NotLoaded>({in_lines(loaded.error()), std::move(loading.sources)});
}

int run_file(const std::string& path, const std::string& version, const Started& started) {
  auto launch = launch_of(started, path);
  if (!launch.has_value()) return print_failure(launch.error());
  config::Loading loading = config::load_files(path, config::environment(), tls::check);
  auto loaded = loaded_from(path, loading);
  if (!loaded.has_value()) {
    if (launch->takeover != nullptr) launch->takeover->fail(in_lines(loaded.error()));
    return print_problems(loaded.error());
  }
  return serve(
      std::move(*loaded), version, [path] { return load_again(path); }, std::move(*launch));
}

int run_proxy(const ProxyOptions& options, const std::string& version, const Started& started) {
  auto config = config_of(options);
  if (!config.has_value()) return print_usage_error(config.error(), "proxy");
  const auto problems = config::check(*config, tls::check);
  if (problems.empty()) {
    auto launch = launch_of(started, "");
    if (!launch.has_value()) return print_failure(launch.error());
    return serve({std::make_shared<const config::Config>(std::move(*config))}, version, nullptr,
                 std::move(*launch));
  }
  return print_usage_error(fmt::format("{}", fmt::join(sentences_of(problems, options), "\n")),
                           "proxy");
}

void add_takeover(CLI::App& command, Started& started) {
  command.add_flag("--takeover", started.takes_over,
                   "Take the listening sockets over from the process that runs with the same file, "
                   "which drains once this one serves");
}

void add_proxy(CLI::App& app, ProxyOptions& options) {
  app.add_option("--listen", options.listen, "Where clients connect: HOST:PORT; may be repeated")
      ->required();
  app.add_option("--to", options.to,
                 "A replica: HOST:PORT, or with http://, https:// (TLS) or h2c:// (HTTP/2 without "
                 "TLS) before it, and then without :PORT as well, which is 80, or 443 for "
                 "https://; may be repeated")
      ->required();
  app.add_option("--tls-cert", options.tls_cert,
                 "TLS with clients: a certificate and its chain, PEM; may be repeated");
  app.add_option("--tls-key", options.tls_key, "The private key of each --tls-cert, PEM");
  app.add_flag("--insecure-upstream", options.insecure_upstream,
               "Believe any certificate of an https:// replica. For a test");
  app.add_option("--admin", options.admin,
                 "Where the admin endpoint listens: HOST:PORT; there is none without it");
  app.add_option("--control", options.control,
                 "A unix socket where commands are taken: a path; there is none without it");
  app.add_option("--workers", options.workers, "Threads; by default, and with 0, one per CPU")
      ->check(whole_number(0, 1024));
  app.add_option("--access-log", options.access_log,
                 "A line for each request: a file, or - for standard output; none without it");
  app.add_option("--access-log-format", options.access_log_format,
                 "json, combined, or a text with fields such as {status}; json if not given");
}

void add_stats(CLI::App& app, StatsOptions& options) {
  static constexpr std::array<std::string_view, 4> kWindows = {
#define X(name, text, seconds) text,
      ONEHOP_WINDOWS(X)
#undef X
  };
  add_door(app, options.door);
  app.add_option("--window", options.window,
                 "Latencies of the last 10s, 1m or 5m, or in total, since start")
      ->check(one_of(kWindows))
      ->capture_default_str();
  app.add_flag("--json", options.json, "The raw document");
}

void add_check_health(CLI::App& app, CheckHealthOptions& options) {
  add_door(app, options.door);
  app.add_option_function<std::string>(
         "--timeout",
         [&options](const std::string& text) { options.timeout = milliseconds_of(text); },
         "How long it may take, such as 500ms; 2s if not given")
      ->type_name("DURATION")
      ->check(duration());
}

void add_log(CLI::App& app, LogOptions& options) {
  static constexpr std::array<std::string_view, 4> kLevels = {"debug", "info", "warning", "error"};
  static constexpr auto kNames = [] {
    std::array<std::string_view, log::kRooms.size()> names;
    for (size_t i = 0; i < names.size(); ++i) names[i] = log::kRooms[i].name;
    return names;
  }();
  app.add_option("level", options.level, "The least severe message; without it they are shown")
      ->check(one_of(kLevels));
  app.add_option("--room", options.room, "Of one part of the program; without it, of all")
      ->check(one_of(kNames));
  add_command_door(app, options.door);
}

// One option, so that giving it in both forms is refused; whether it was given is seen here, as
// CLI11 would call each of its names required.
void add_file(CLI::App& command, std::string& path, std::string_view note) {
  command.add_option("--config,-c,file", path,
                     fmt::format("The file, with or without --config before it{}", note));
}

void add_diff(CLI::App& app, DiffOptions& options) {
  add_file(app, options.file, "; - is standard input");
  add_door(app, options.door);
}

std::vector<std::string> commands_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
  return names;
}

std::vector<std::string> options_of(const CLI::App& command) {
  std::vector<std::string> names;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// What was meant is told by the names without their dashes, which all options share.
std::string unknown(std::string_view what, std::string_view word,
                    const std::vector<std::string>& names) {
  const size_t dashes = std::min(word.find_first_not_of('-'), word.size());
  std::vector<std::string_view> known;
  for (const std::string& name : names) {
    known.push_back(std::string_view(name).substr(name.find_first_not_of('-')));
  }
  const std::string_view meant = config::closest(word.substr(dashes), known);
  const auto at = std::ranges::find(known, meant);
  return fmt::format("{}: an unknown {}; ", word, what) +
         (at == known.end()
              ? fmt::format("known here: {}", fmt::join(names, ", "))
              : fmt::format("did you mean {}?", names[static_cast<size_t>(at - known.begin())]));
}

// CLI11 looks at what is missing before it looks at what it does not know, so a slip in an option's
// name would be answered with "--listen is required". Empty where no word is unknown.
std::string unknown_word(const CLI::App& app, const CLI::App& command) {
  const std::vector<std::string> remaining = app.remaining();
  for (const std::string& word : remaining) {
    // A file behind another unknown word is what that one was to be done with.
    if (&word != &remaining.front() && !word.starts_with('-')) break;
    const std::string meant = meant_by(word, &command == &app ? "" : command.get_name());
    if (!meant.empty())
      return fmt::format("{}: an unknown {}; did you mean `{}`?", word,
                         word.starts_with('-') ? "option" : "command", meant);
  }
  for (const std::string& word : command.remaining()) {
    if (word.starts_with('-')) {
      const std::string_view name = std::string_view(word).substr(0, word.find('='));
      return unknown("option", name, options_of(command));
    }
    if (&command == &app) return unknown("command", word, commands_of(app));
  }
  return {};
}

int refuse_arguments(const CLI::App& app, const CLI::ParseError& error) {
  const auto parsed = app.get_subcommands();
  const CLI::App& command = parsed.empty() ? app : *parsed.front();
  std::string sentence = unknown_word(app, command);
  if (sentence.empty() && parsed.empty() && command.remaining().empty()) {
    sentence = fmt::format("a command is needed: {}", fmt::join(commands_of(app), ", "));
  }
  if (sentence.empty()) sentence = error.what();
  return print_usage_error(sentence, parsed.empty() ? std::string_view() : command.get_name());
}

int no_file(std::string_view command) {
  return print_usage_error("a configuration file is needed", command);
}

// CLI11 would print the help of the command that was parsed, which is this one.
int print_help(CLI::App& app, const std::string& about) {
  const std::vector<std::string> known = commands_of(app);
  if (!about.empty() && std::ranges::find(known, about) == known.end())
    return print_usage_error(unknown("command", about, known), "");
  app.clear();
  const std::string text =
      about.empty() ? app.help() : app.get_subcommand(about)->help(app.get_name());
  std::fputs(text.c_str(), stdout);
  return kFine;
}

}  // namespace

int run_command_line(int argc, char** argv, const char* version) {
  server::hold_signals();
  CLI::App app("A reverse proxy and load balancer that says what each hop costs", "onehop");
  app.formatter(narrow_help());
  app.require_subcommand(1);
  app.set_version_flag("-V,-v,--version", std::string("onehop ") + version);
  Started started{.arguments = {argv, argv + argc}};
  ProxyOptions proxy_options;
  StatsOptions stats_options;
  CheckHealthOptions health_options;
  LogOptions log_options;
  DemoOptions demo_options;
  std::string run_path;
  std::string check_path;
  DiffOptions diff_options;
  ReloadOptions reload_options;
  std::string help_about;

  CLI::App* proxy = app.add_subcommand("proxy", "Proxy to replicas without a configuration file");
  add_proxy(*proxy, proxy_options);
  add_takeover(*proxy, started);
  CLI::App* run = app.add_subcommand("run", "Run with a configuration file");
  add_file(*run, run_path, "; - is standard input");
  add_takeover(*run, started);
  CLI::App* check =
      app.add_subcommand("check", "Check a configuration file and say what is wrong with it");
  add_file(*check, check_path, "; - is standard input");
  CLI::App* diff = app.add_subcommand(
      "diff", "What loading a file would change in a running proxy: 0 nothing, 1 something");
  add_diff(*diff, diff_options);
  CLI::App* reload =
      app.add_subcommand("reload", "Have a running proxy load its configuration file again");
  add_command_door(*reload, reload_options.door);
  CLI::App* demo = app.add_subcommand(
      "demo", "Three small replicas, a proxy and a gentle load, with a live table");
  demo->add_option("--seconds", demo_options.seconds,
                   "Stop by itself after so many seconds; 0 runs until Ctrl-C")
      ->check(whole_number(0, 86400));
  CLI::App* stats = app.add_subcommand("stats", "The table of a running proxy");
  add_stats(*stats, stats_options);
  CLI::App* check_health = app.add_subcommand(
      "check-health", "Ask GET /readyz of a running proxy: 0 when it is ready, else 1");
  add_check_health(*check_health, health_options);
  CLI::App* log = app.add_subcommand("log", "Show or set the levels of a running proxy's log");
  add_log(*log, log_options);
  app.add_subcommand("version", "Print the version");
  CLI::App* help = app.add_subcommand("help", "Print this, or what a command takes");
  help->add_option("command", help_about, "The command");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return error.get_exit_code() == 0 ? app.exit(error) : refuse_arguments(app, error);
  }
  const bool serves = proxy->parsed() || run->parsed() || demo->parsed();
  if (!serves) server::release_signals();
  if (proxy->parsed()) return run_proxy(proxy_options, version, started);
  if (run->parsed())
    return run_path.empty() ? no_file("run") : run_file(run_path, version, started);
  if (check->parsed()) return check_path.empty() ? no_file("check") : run_check(check_path);
  if (reload->parsed()) return run_reload(reload_options);
  if (diff->parsed()) return diff_options.file.empty() ? no_file("diff") : run_diff(diff_options);
  if (help->parsed()) return print_help(app, help_about);
  if (demo->parsed()) return run_demo(demo_options, version);
  if (stats->parsed()) return run_stats(stats_options);
  if (check_health->parsed()) return run_check_health(health_options);
  if (log->parsed()) return run_log(log_options);
  std::printf("onehop %s\n", version);
  return kFine;
}

}  // namespace onehop::cli
