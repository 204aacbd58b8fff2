// SPDX-License-Identifier: MIT
// The admin endpoint on a connection: the same HTTP code as everywhere, answering from snapshots.
#pragma once

#include <functional>

#include "onehop/admin/view.h"
#include "onehop/http/connection.h"

namespace onehop::admin {

class AdminService final : public http::Service {
 public:
  // `look` gives the view of this moment; called once per request, on the loop's thread.
  explicit AdminService(std::function<View()> look) : look_(std::move(look)) {}

  std::unique_ptr<http::Responder> open(http::ServerStream& stream, const http::Client& client,
                                        const http::HeadTimes& times) override;

 private:
  std::function<View()> look_;
};

}  // namespace onehop::admin
