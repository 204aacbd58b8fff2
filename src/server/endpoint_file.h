// SPDX-License-Identifier: MIT
// EndpointFile: the endpoints that an upstream's endpoints_file lists, now and from now on. A file
// that is not there, cannot be read or has a mistake is no help: what it listed before stays, and
// the log says so once, and once when it is good again.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "onehop/config/endpoint_list.h"
#include "onehop/net/file_watch.h"

namespace onehop::server {

// Of the main thread.
class EndpointFile final : private net::FileWatch::Events {
 public:
  class Events {
   public:
    // It lists other endpoints. Never from within the constructor.
    virtual void on_list() = 0;

   protected:
    ~Events() = default;
  };

  struct Counts {
    uint64_t reads = 0;   // whenever it may have changed
    uint64_t failed = 0;  // of those, without a list
  };

  // Reads it. What is referred to outlives it. `before` is that of the group that was before this
  // one, or null: of the same path, what it listed counts until there is something better.
  EndpointFile(net::FileWatcher& watcher, std::string path, std::string upstream, Events& events,
               const EndpointFile* before);

  const std::string& path() const { return path_; }
  const std::vector<config::Endpoint>& endpoints() const { return endpoints_; }
  const Counts& counts() const { return counts_; }
  int64_t since_unix_s() const { return since_unix_s_; }  // of the list; 0: there was none
  const std::string& fault() const { return fault_; }     // "" where the latest read was good

 private:
  void on_files_changed() override;
  bool read();
  bool take(std::vector<config::Endpoint> endpoints);
  void refuse(const std::vector<config::Problem>& problems);
  std::string named() const;

  std::string path_;
  std::string upstream_;
  Events& events_;
  std::vector<config::Endpoint> endpoints_;
  Counts counts_;
  int64_t since_unix_s_ = 0;
  std::string fault_;
  std::unique_ptr<net::FileWatch> watch_;
};

}  // namespace onehop::server
