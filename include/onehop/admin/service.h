// SPDX-License-Identifier: MIT
// The admin endpoint on a connection: the same HTTP code as everywhere, answering from snapshots
// and giving commands to those who act.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "onehop/admin/commands.h"
#include "onehop/admin/guard.h"
#include "onehop/admin/renderings.h"
#include "onehop/admin/view.h"
#include "onehop/base/intrusive_list.h"
#include "onehop/base/line_budget.h"
#include "onehop/http/connection.h"

namespace onehop::admin {

class AdminResponder;

class AdminService final : public http::Service {
 public:
  // `look` gives the view of this moment; called at most once per request, on the loop's thread.
  // `settle` calls back, on the same thread and not before it has returned, when what is counted
  // holds everything that clients had seen at the time of the call. A request waits kPatienceMs for
  // that and is then answered with what there is, so that a stuck worker can still be looked at.
  // `hosts` are the names by which it may be asked, beside those that AllowedHosts knows. It has
  // the commands that this room can carry out itself; others are added to commands() before it
  // serves.
  using Settle = std::function<void(std::function<void()> done)>;
  AdminService(net::Loop& loop, std::function<View()> look, Settle settle,
               std::vector<std::string> hosts);
  ~AdminService();

  // What is asked from now on is made anew, as another configuration may be in force.
  void forget() { renderings_.forget(); }

  static constexpr uint64_t kPatienceMs = 100;

  Commands& commands() { return commands_; }
  // See Guard; both at any time.
  void use_hosts(std::vector<std::string> hosts) { guard_.use_hosts(std::move(hosts)); }
  void trust(std::string token) { guard_.trust(std::move(token)); }

  // How patient a connection to it is: shorter than one of the proxy, but for a scraper that comes
  // once a minute and keeps its connection.
  static config::DownstreamTimeouts timeouts();

  // And what it may hold: nobody loses an answer because clients of the proxy fill its buffers, as
  // the documents have a bound of their own.
  static config::Limits limits();

  // How long a client may take to read an answer, and to send the body of a command.
  static constexpr uint64_t kReadingMs = 60'000;
  static constexpr uint64_t kBodyMs = 10'000;
  // Documents that are being read may hold so much; beyond it those who have read the longest are
  // cut off.
  static constexpr size_t kMostHeldBytes = size_t{32} * 1024 * 1024;

  std::unique_ptr<http::Responder> open(http::ServerStream& stream, const http::Client& client,
                                        const http::HeadTimes& times) override;

 private:
  friend class AdminResponder;
  Renderings::Shared render(std::string key, const Request& request, Coding coding);
  void say_refused(const Address& peer, const Request& request, const Reply& reply);

  net::Loop& loop_;
  std::function<View()> look_;
  Settle settle_;
  Guard guard_;
  Commands commands_;
  log::LineBudget refused_lines_;
  Renderings renderings_;
  IntrusiveList<AdminResponder> readers_;  // those who have read the longest first
};

}  // namespace onehop::admin
