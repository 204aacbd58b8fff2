// SPDX-License-Identifier: MIT
// The admin endpoint on a connection: the same HTTP code as everywhere, answering from snapshots.
#pragma once

#include <functional>

#include "onehop/admin/view.h"
#include "onehop/http/connection.h"

namespace onehop::admin {

class AdminService final : public http::Service {
 public:
  // `look` gives the view of this moment; called once per request, on the loop's thread. `settle`
  // calls back, on the same thread and not before it has returned, when what is counted holds
  // everything that clients had seen at the time of the call. A request waits kPatienceMs for that
  // and is then answered with what there is, so that a stuck worker can still be looked at.
  using Settle = std::function<void(std::function<void()> done)>;
  AdminService(net::Loop& loop, std::function<View()> look, Settle settle)
      : loop_(loop), look_(std::move(look)), settle_(std::move(settle)) {}
  static constexpr uint64_t kPatienceMs = 100;

  std::unique_ptr<http::Responder> open(http::ServerStream& stream, const http::Client& client,
                                        const http::HeadTimes& times) override;

 private:
  net::Loop& loop_;
  std::function<View()> look_;
  Settle settle_;
};

}  // namespace onehop::admin
