// SPDX-License-Identifier: MIT
// The proxy as a black box: a configuration goes in, a process with two addresses comes out. A test
// sees what a user sees: sockets, the admin endpoint, the exit code, and what the kernel says of
// the process.
//
// The destructor stops the proxy as an operator would (SIGTERM) and fails the test when it does not
// leave with 0: that is how a leak or a sanitizer's report at the end is seen.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/support/peer.h"
#include "tests/support/stats.h"
#include "tests/support/subprocess.h"

namespace onehop::test {

// What a test says about its proxy; each string is lines of TOML of one section. One worker, so
// that counts are exact.
struct ProxyConfig {
  std::vector<std::string> endpoints = {};  // "127.0.0.1:9001", or an inline table
  std::string listener = "";                // [[listener]], beside its address
  std::string server = "";                  // [server]
  std::string limits = "";                  // [server.limits]
  std::string timeouts = "";                // [server.timeouts]
  std::string upstream = "";                // [upstream.app]
  std::string pool = "";                    // [upstream.app.pool]
  std::string upstream_timeouts = "";       // [upstream.app.timeouts]
  std::string routes = "[[route]]\npath = \"/\"\nupstream = \"app\"\n";
  std::string more = "";   // further sections
  std::string admin = "";  // [admin]

  std::string toml() const;
};

class ProxyProcess {
 public:
  explicit ProxyProcess(const ProxyConfig& config, const SubprocessOptions& options = {});
  explicit ProxyProcess(std::vector<std::string> arguments, const SubprocessOptions& options = {});
  ~ProxyProcess();

  static std::string binary();  // ONEHOP_BINARY of the environment, else of the build
  // What it was built with.
  enum class Sanitizer : uint8_t { none, address, thread };
  static Sanitizer sanitizer();

  const std::string& address() const { return address_; }  // of the first listener
  std::string second_address() const;                      // of the second, where there is one
  const std::string& admin_address() const { return admin_address_; }
  Client connect() const { return Peer::connect(address_); }

  // One exchange on a connection of its own.
  Response exchange(std::string_view request, std::string_view method = "GET") const;
  Response get(const std::string& path = "/") const;

  Response admin(const std::string& path, const std::string& method = "GET",
                 const std::string& fields = "") const;
  Stats stats(const std::string& window = "") const;
  std::string metrics() const;

  // Waits until a number of /stats has that value, and returns what it was in the end.
  int64_t wait_number(const std::string& path, int64_t wanted) const;
  // "upstreams/app/endpoints/ADDRESS/" + rest
  static std::string endpoint(const std::string& address, const std::string& rest);

  pid_t pid() const { return process_->pid(); }
  std::string output() const { return process_->output(); }
  std::string errors() const { return process_->errors(); }
  size_t resident_bytes() const;
  size_t open_files() const;
  milliseconds cpu_time() const;

  void signal(int number) const { process_->signal(number); }

  // Writes another configuration over its file, sends SIGHUP and waits until the log says how that
  // ended: whether it came into force.
  bool reload(const ProxyConfig& config);
  bool reload(const std::string& toml);
  void write(const ProxyConfig& config) const { file_->replace(config.toml()); }  // the file alone
  std::optional<int> wait_exit(Deadline deadline = Deadline());
  std::optional<int> terminate();  // SIGTERM, then the exit code

 private:
  void learn_addresses();

  std::unique_ptr<TemporaryFile> file_;
  std::unique_ptr<Subprocess> process_;
  std::string address_;
  std::string admin_address_;
  bool ended_ = false;
};

}  // namespace onehop::test
