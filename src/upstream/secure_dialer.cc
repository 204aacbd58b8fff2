// SPDX-License-Identifier: MIT
#include "secure_dialer.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "onehop/base/log.h"

namespace onehop::upstream {

SecureDialer::SecureDialer(const Parts& parts)
    : parts_(parts),
      any_(parts.loop, parts.dialer, parts.context, parts.spec->host, this),
      http1_(parts.loop, parts.dialer, parts.context, parts.spec->host, this,
             tls::Dialer::Offer::http1) {}

void SecureDialer::use(const std::shared_ptr<const tls::ClientContext>& context) {
  any_.use(context);
  http1_.use(context);
}

void SecureDialer::on_handshake(bool resumed, uint64_t nanoseconds) {
  (resumed ? parts_.counters.resumed : parts_.counters.full).record(nanoseconds);
}

void SecureDialer::on_handshake_failed(tls::Failure failure, std::string_view detail) {
  parts_.counters.failures[static_cast<size_t>(failure)].add();
  if (!parts_.spec->shared->reachability.handshake_failed(parts_.loop.now_ms())) return;
  log::warning(fmt::format("upstream {}: no TLS with {}: {} ({}){}{}", parts_.upstream,
                           parts_.spec->name, tls::sentence_of(failure), tls::name_of(failure),
                           detail.empty() ? "" : ": ", detail));
}

}  // namespace onehop::upstream
