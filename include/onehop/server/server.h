// SPDX-License-Identifier: MIT
// Server: the whole program behind one configuration. The calling thread carries the admin
// endpoint, the signals and the sampling of the telemetry; each worker is a thread with an event
// loop, listeners, pools and counters of its own.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "onehop/base/address.h"
#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/config/load_files.h"
#include "onehop/server/takeover.h"

namespace onehop::server {

struct ServerParts;

// A configuration without a mistake, and where it comes from.
struct Loaded {
  std::shared_ptr<const config::Config> config;
  std::vector<std::string> warnings = {};  // sentences for the log
  std::string file = {};                   // "" where it was made of options
  config::Sources sources = {};            // that file, and those that it includes
};

// Why there is none.
struct NotLoaded {
  std::string mistakes;  // in lines
  config::Sources sources = {};
};

// Reads it again. Called on any thread, one call at a time.
using Load = std::function<Result<Loaded, NotLoaded>()>;

// How the program was started, and from whom it has its sockets.
struct Launch {
  // With which it is started again on SIGUSR2, [0] being the program; empty: it cannot be.
  std::vector<std::string> arguments = {};
  std::string meeting_point = {};                // meeting_point_of() its file
  std::unique_ptr<Takeover> takeover = nullptr;  // null: from nobody
  bool activated = false;                        // LISTEN_FDS are for it
};

class Server {
 public:
  // Resolves names, binds every address that it does not inherit and makes the workers; the first
  // thing that fails is the error, as a sentence. Without `again` there is nothing to reload from.
  static Result<std::unique_ptr<Server>, std::string> make(Loaded loaded, std::string version,
                                                           Load again = nullptr,
                                                           Launch launch = {});
  ~Server();

  // Where it listens, ports filled in, in the order of the configuration. The admin address is
  // empty when it is off. Before run(), as a reload may change them.
  const std::vector<Address>& listening() const;
  std::string admin_address() const;

  // One line per listener, upstream and admin address.
  std::string describe() const;

  // Serves until SIGTERM, SIGINT or stop(), then drains: no new clients, what is in flight is
  // finished within server.drain. A second signal ends it at once. SIGHUP loads the configuration
  // again; on SIGUSR2 the program is started once more, and takes over. False: it was to take over
  // and the process before it goes on.
  bool run();

  // From any thread: as SIGTERM.
  void stop();

  // Calls `task` every `every_ms` on the thread of run(), with the document of `GET /stats`. Before
  // run().
  void every(uint64_t every_ms, std::function<void(const std::string& stats_json)> task);

 private:
  explicit Server(std::unique_ptr<ServerParts> parts);
  std::unique_ptr<ServerParts> parts_;
};

}  // namespace onehop::server
