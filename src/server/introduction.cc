// SPDX-License-Identifier: MIT
#include "introduction.h"

#include <utility>

namespace onehop::server {

using Read = net::ProxyHeaderReader::Read;

Introduction::Introduction(const Parts& parts, net::TransportPtr transport, const Address& proxy)
    : shedding_(parts.shedding),
      events_(parts.events),
      transport_(std::move(transport)),
      proxy_(proxy) {
  transport_->set_events(*this);
  transport_->set_reading(true);
  shedding_.rests(*this, rest_);
  if (parts.patience_ms > 0) parts.loop.arm(deadline_, parts.patience_ms);
}

// The transport is there to the end of the turn, whatever becomes of this object.
void Introduction::on_bytes(Buffer& bytes) {
  switch (reader_.read(bytes)) {
    case Read::more:
      return;
    case Read::fault:
      return events_.on_not_introduced(*this, reader_.fault());
    case Read::done:
      net::Transport& handed_on = *transport_;
      events_.on_introduced(*this, std::move(transport_));
      return handed_on.pass_on(bytes);
  }
}

// Once it has said something it has the time of those who did.
bool Introduction::shed() {
  if (rest_ == http::Rest::silent && !reader_.silent()) {
    rest_ = http::Rest::begun;
    shedding_.rests(*this, rest_);
    return false;
  }
  events_.on_shed(*this);
  return true;
}

}  // namespace onehop::server
