// SPDX-License-Identifier: MIT
// Starts the binary, reads its start lines, and asks its admin endpoint.
#include "tests/support/proxy_process.h"

#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/catch.h"

namespace onehop::test {
namespace {

std::string section(const std::string& name, const std::string& lines) {
  return lines.empty() ? "" : "[" + name + "]\n" + lines + "\n";
}

// An address is quoted; an inline table is taken as it is.
std::string endpoint_list(const std::vector<std::string>& endpoints) {
  std::string list;
  for (const std::string& endpoint : endpoints) {
    if (!list.empty()) list += ", ";
    list += endpoint.starts_with("{") ? endpoint : "\"" + endpoint + "\"";
  }
  return "[" + list + "]";
}

std::string first_word(const std::string& text) {
  return text.substr(0, text.find(' '));
}

}  // namespace

std::string ProxyConfig::toml() const {
  std::string own = server;
  if (own.find("workers") == std::string::npos) own = "workers = 1\n" + own;
  if (own.find("drain =") == std::string::npos) own += "\ndrain = \"1s\"";
  if (own.find("drain_idle") == std::string::npos) own += "\ndrain_idle = \"1ms\"";
  return section("server", own) + section("server.limits", limits) +
         section("server.timeouts", timeouts) + "[[listener]]\naddress = \"127.0.0.1:0\"\n" +
         listener + "\n[admin]\nlisten = \"127.0.0.1:0\"\n" + admin + "\n" + routes +
         section("upstream.app", "endpoints = " + endpoint_list(endpoints) + "\n" + upstream) +
         section("upstream.app.pool", pool) + section("upstream.app.timeouts", upstream_timeouts) +
         more;
}

std::string ProxyProcess::binary() {
  const char* chosen = std::getenv("ONEHOP_BINARY");
  if (chosen != nullptr) return chosen;
#ifdef ONEHOP_BINARY
  return ONEHOP_BINARY;
#else
  throw std::runtime_error("set ONEHOP_BINARY to the program under test");
#endif
}

ProxyProcess::Sanitizer ProxyProcess::sanitizer() {
  static const Sanitizer found = [] {
    std::ifstream file(binary(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    if (bytes.find("__tsan_init") != bytes.npos) return Sanitizer::thread;
    return bytes.find("__asan_init") != bytes.npos ? Sanitizer::address : Sanitizer::none;
  }();
  return found;
}

ProxyProcess::ProxyProcess(const ProxyConfig& config, const SubprocessOptions& options)
    : file_(std::make_unique<TemporaryFile>("onehop.toml", config.toml())),
      process_(std::make_unique<Subprocess>(
          std::vector<std::string>{binary(), "run", "--config", file_->path()}, options)) {
  learn_addresses();
}

ProxyProcess::ProxyProcess(std::vector<std::string> arguments, const SubprocessOptions& options) {
  arguments.insert(arguments.begin(), binary());
  process_ = std::make_unique<Subprocess>(std::move(arguments), options);
  learn_addresses();
}

void ProxyProcess::learn_addresses() {
  const std::optional<std::string> listening = process_->wait_line("listening on ");
  const std::optional<std::string> admin = process_->wait_line("admin on ");
  if (!listening || !admin) {
    throw std::runtime_error("the proxy did not start\nstdout: " + process_->output() +
                             "\nstderr: " + process_->errors());
  }
  address_ = first_word(*listening);
  admin_address_ = first_word(*admin);
}

std::string ProxyProcess::second_address() const {
  const std::string mark = "listening on ";
  const std::string text = output();
  const size_t at = text.find(mark, text.find(mark) + 1);
  if (at == std::string::npos) throw std::runtime_error("no second listener\n" + text);
  const std::string line = text.substr(at + mark.size());
  return first_word(line.substr(0, line.find('\n')));
}

ProxyProcess::~ProxyProcess() {
  if (ended_) return;
  const std::optional<int> code = terminate();
  if (!code) {
    FAIL_CHECK("the proxy did not end after SIGTERM\nstderr: " << errors());
  } else if (*code != 0) {
    FAIL_CHECK("the proxy ended with " << *code << "\nstderr: " << errors());
  }
}

bool ProxyProcess::reload(const ProxyConfig& config) {
  return reload(config.toml());
}

bool ProxyProcess::reload(const std::string& toml) {
  const auto count = [this](const std::string& words) {
    const std::string log = errors();
    size_t times = 0;
    for (size_t at = log.find(words); at != log.npos; at = log.find(words, at + 1)) ++times;
    return times;
  };
  const std::string good = "is in force; ";
  const std::string bad = "the new configuration is refused";
  const size_t refused = count(bad);
  const size_t ended = count(good) + refused;
  file_->replace(toml);
  signal(SIGHUP);
  if (!eventually([&] { return count(good) + count(bad) > ended; }))
    throw std::runtime_error("the reload did not end\nstderr: " + errors());
  return count(bad) == refused;
}

std::optional<int> ProxyProcess::wait_exit(Deadline deadline) {
  const std::optional<int> code = process_->wait_exit(deadline);
  ended_ = code.has_value();
  return code;
}

std::optional<int> ProxyProcess::terminate() {
  signal(SIGTERM);
  return wait_exit(Deadline(patience(milliseconds(10000))));
}

Response ProxyProcess::exchange(std::string_view request, std::string_view method) const {
  Client client = connect();
  client.send(request);
  return client.final_response(method);
}

Response ProxyProcess::get(const std::string& path) const {
  return exchange("GET " + path + " HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
}

Response ProxyProcess::admin(const std::string& path, const std::string& method,
                             const std::string& fields) const {
  Client client = Peer::connect(admin_address_);
  client.send(method + " " + path + " HTTP/1.1\r\nHost: admin\r\nConnection: close\r\n" + fields +
              "\r\n");
  return client.read_response(method);
}

Stats ProxyProcess::stats(const std::string& window) const {
  const Response response = admin(window.empty() ? "/stats" : "/stats?window=" + window);
  if (response.status != 200)
    throw std::runtime_error("GET /stats: " + response.head + response.body);
  return Stats(response.body);
}

std::string ProxyProcess::metrics() const {
  return admin("/metrics").body;
}

int64_t ProxyProcess::wait_number(const std::string& path, int64_t wanted) const {
  int64_t last = 0;
  eventually([&] { return (last = stats().number_or_zero(path)) == wanted; });
  return last;
}

std::string ProxyProcess::endpoint(const std::string& address, const std::string& rest) {
  return "upstreams/app/endpoints/" + address + "/" + rest;
}

size_t ProxyProcess::resident_bytes() const {
  std::ifstream file("/proc/" + std::to_string(pid()) + "/statm");
  size_t total = 0;
  size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<size_t>(::sysconf(_SC_PAGESIZE));
}

size_t ProxyProcess::open_files() const {
  size_t count = 0;
  for ([[maybe_unused]] const auto& entry :
       std::filesystem::directory_iterator("/proc/" + std::to_string(pid()) + "/fd")) {
    ++count;
  }
  return count;
}

milliseconds ProxyProcess::cpu_time() const {
  std::ifstream file("/proc/" + std::to_string(pid()) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::istringstream rest(text.substr(text.rfind(')') + 2));  // the third field on: the state
  std::string skipped;
  for (int field = 3; field < 14; ++field) rest >> skipped;
  int64_t user = 0;
  int64_t kernel = 0;
  rest >> user >> kernel;
  return milliseconds((user + kernel) * 1000 / ::sysconf(_SC_CLK_TCK));
}

}  // namespace onehop::test
