// SPDX-License-Identifier: MIT
// LogWriter: the thread that writes the access log. Workers hand it records through a ring each and
// never wait for it: where a ring is full, its worker counts a line that is missing.
//
//   worker ─▶ AccessSink ─▶ Ring ─▶ │ LogWriter: format, batch, write(2) │ ─▶ LogFile
//
// It looks at the rings every 100 ms and is woken before that only by a ring that fills. A record
// says by its snapshot's number how it is to be written, so requests that began under an older
// configuration end up where that said.
#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "access_format.h"
#include "log_file.h"
#include "onehop/base/bell.h"
#include "onehop/base/ring.h"
#include "onehop/net/event_loop.h"
#include "onehop/proxy/access_log.h"
#include "onehop/proxy/snapshot.h"
#include "onehop/telemetry/telemetry.h"

namespace onehop::server {

// Made, used and destroyed by the main thread, but for the sinks, which are the workers'. The
// workers are gone before it.
class LogWriter {
 public:
  // `loop` has the clock of the workers' loops. Both outlive it.
  LogWriter(telemetry::Telemetry& telemetry, const net::Loop& loop);
  ~LogWriter();

  proxy::AccessSink& sink(size_t worker) { return channels_[worker].sink; }

  // The file of a configuration, open; null where it has none. The error is a sentence.
  Result<std::shared_ptr<LogFile>, std::string> open(const config::AccessLog& access);

  // Before the snapshot is given to the workers. Without a file it does nothing, and there is no
  // thread before the first one.
  void use(const std::shared_ptr<const proxy::Snapshot>& snapshot, std::shared_ptr<LogFile> file);

  // Whether there is a file now that can be opened again, which then happens soon.
  bool reopen();

  // After the workers' end: what they have handed over is written, but for what cannot be within
  // five seconds.
  void finish();

 private:
  struct Channel {
    Channel(Bell& bell, telemetry::DownstreamShard& cells, uint64_t seed);
    Ring ring;
    telemetry::DownstreamShard& counters;
    proxy::AccessSink sink;
  };
  // How records of a snapshot are written.
  struct Settings {
    uint64_t snapshot;
    std::weak_ptr<const proxy::Snapshot> alive;
    std::shared_ptr<LogFile> file;
    AccessFormat format;
    bool leaving = false;  // no more records come, but those that are in the rings
  };

  // Of its thread.
  void run();
  void take_new();
  void take_records();
  void write_down(size_t worker, std::string_view bytes);
  Settings* settings_of(uint64_t snapshot);
  void write(LogFile& file);
  bool gives_up(const LogFile& file) const;
  void write_all();
  void look_around();
  void reopen_all();

  const net::Loop& loop_;
  Bell bell_;
  std::deque<Channel> channels_;
  std::thread thread_;
  std::shared_ptr<LogFile> newest_;  // of the main thread

  std::mutex mutex_;
  std::vector<Settings> new_;  // under the mutex

  std::atomic<bool> new_waits_ = false;
  std::atomic<bool> reopen_ = false;
  std::atomic<bool> closing_ = false;
  std::atomic<std::chrono::steady_clock::time_point> deadline_{};

  std::vector<Settings> settings_;  // of the thread, as is all below
  int64_t clock_began_ns_ = 0;
  std::chrono::steady_clock::time_point looked_{};
};

}  // namespace onehop::server
