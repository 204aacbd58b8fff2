// SPDX-License-Identifier: MIT
// Prober: the health checks of all upstreams, on a thread of their own, so that neither a request
// nor a large scrape of the admin endpoint delays one and makes a verdict of it. The thread begins
// with the first upstream that has checks, and there is none before.
//
//   main     Judges --use()--> task --> Checks, one for each upstream         the prober's thread
//            Judges <-- task <-- on_checked() <-- a check ended
//
// Of the main thread, but for what is said to be otherwise.
#pragma once

#include <memory>
#include <string>

#include "onehop/net/event_loop.h"
#include "onehop/upstream/checks.h"

namespace onehop::server {

class Prober {
 public:
  class Events {
   public:
    // On the prober's thread: a check ended.
    virtual void on_checked(const std::string& upstream, upstream::EndpointId endpoint,
                            upstream::Judge::Checked how, const std::string& why) = 0;

   protected:
    ~Events() = default;
  };

  // `events` outlives it.
  explicit Prober(Events& events);
  ~Prober();  // as stop()

  // The endpoints of an upstream, and how they are asked, if they are; `context` is null without
  // TLS.
  void use(const config::Upstream& upstream, std::shared_ptr<const tls::ClientContext> context,
           upstream::EndpointSet set);

  // Its certificates were renewed.
  void use(const std::string& upstream, std::shared_ptr<const tls::ClientContext> context);

  void forget(const std::string& upstream);

  // Gives up the checks under way and waits for the thread. No event follows; nothing is begun
  // again.
  void stop();

 private:
  struct Running;

  Events& events_;
  std::unique_ptr<Running> running_;  // null while there are no checks
  bool stopped_ = false;
};

}  // namespace onehop::server
