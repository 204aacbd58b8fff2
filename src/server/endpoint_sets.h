// SPDX-License-Identifier: MIT
// EndpointSets: which endpoints each upstream has at this moment, from the configuration, from its
// endpoints_file, from the DNS, and by hand. It is the one author of sets: what changes comes to
// on_endpoints() as a whole set.
//
//   stage(config)  the groups of another configuration: those that are described as before go on,
//                  for the others names are looked up; nothing else changes
//   use(staged)    they are those that count from now on, and the old ones are given up
//
// Of the main thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/net/event_loop.h"
#include "onehop/net/file_watch.h"
#include "onehop/net/name_service.h"
#include "onehop/upstream/endpoint_set.h"

namespace onehop::server {

class EndpointGroup;  // the endpoints of one upstream

class EndpointSets {
 public:
  class Events {
   public:
    // An upstream that is in use has another set.
    virtual void on_endpoints(const config::Upstream& upstream,
                              const upstream::EndpointSet& set) = 0;
    // An upstream that was staged, or is in use, knows more; see Staged::complete().
    virtual void on_names() = 0;

   protected:
    ~Events() = default;
  };

  // All outlive it.
  EndpointSets(net::Loop& loop, telemetry::Telemetry& telemetry, Events& events,
               net::FileWatcher& files);
  ~EndpointSets();

  class Staged {
   public:
    // Every name was answered for, or could not be.
    bool complete() const;
    // By upstream, in the order of the configuration.
    std::vector<upstream::EndpointSet> sets() const;

   private:
    friend class EndpointSets;
    std::vector<std::shared_ptr<EndpointGroup>> groups_;
  };
  // `names` is whom the groups ask that are new.
  Staged stage(const config::Config& config, const std::shared_ptr<net::NameService>& names);
  // Orders that were given since it was staged, which names may have been waited for, hold in it.
  // Before its sets() are given to anybody.
  void catch_up(Staged& staged) const;
  void use(Staged staged);

  // By hand, at run time: it stays over a reload, unless the file says something else of that
  // endpoint than it did. The error is a sentence. An address is as GET /stats names it.
  enum class Hand : uint8_t {
    add,     // a new one, or one that was removed; its weight
    remove,  // gets no request any more, and is forgotten
    drain,   // the same, but is shown, and can be made ready again
    ready,   // as it was before it was drained
    weigh    // another weight
  };
  struct Order {
    Hand hand;
    std::string upstream;
    std::string address;
    uint32_t weight = 1;
  };
  Result<void, std::string> obey(const Order& order);

  // Null where there is none of that name.
  upstream::SpecRef endpoint(const std::string& upstream, const std::string& address) const;

  // What an upstream's set is of, for GET /stats.
  struct Origin {
    std::string address;  // of the endpoint, as it is named
    // "file", "file provider", "api", or the name that was looked up
    std::string source;
    int64_t since_unix_s = 0;
    uint32_t weight = 1;
    bool drained = false;
    // For so long it has been in a set of others; see config::Upstream::slow_start.
    std::optional<uint64_t> warming_ms = {};
    std::shared_ptr<const upstream::SharedEndpoint> shared = {};
  };
  std::vector<Origin> origins(const std::string& upstream) const;

  // Of all look-ups: how many ended, and of those without an address.
  struct Lookups {
    uint64_t ended = 0;
    uint64_t failed = 0;
  };
  Lookups lookups(const std::string& upstream) const;

  // Of an upstream's endpoints_file; nothing where it has none.
  struct File {
    std::string path;
    uint64_t reads = 0;        // whenever it may have changed
    uint64_t failed = 0;       // of those, without a list
    int64_t since_unix_s = 0;  // of the list that counts; 0: there is none
    std::string fault;         // of the latest read, in lines; "" where it was good
  };
  std::optional<File> file(const std::string& upstream) const;

 private:
  friend class EndpointGroup;
  void changed(EndpointGroup& group);
  EndpointGroup* find(const std::string& upstream) const;

  net::Loop& loop_;
  upstream::EndpointBook book_;
  Events& events_;
  net::FileWatcher& files_;
  std::vector<std::shared_ptr<EndpointGroup>> in_use_;
};

}  // namespace onehop::server
