// SPDX-License-Identifier: MIT
#include "secure_dialer.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "onehop/base/log.h"

namespace onehop::upstream {
namespace {

// "[::1]:443" and "app.test:443" without the port.
std::string host_of(std::string_view address) {
  std::string_view host = address.substr(0, address.rfind(':'));
  if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
  return std::string(host);
}

}  // namespace

SecureDialer::SecureDialer(const Upstream::Parts& parts, std::string upstream, std::string name,
                           telemetry::TlsShard& counters, Reachability& reachability)
    : loop_(parts.loop),
      upstream_(std::move(upstream)),
      name_(std::move(name)),
      counters_(counters),
      reachability_(reachability),
      any_(parts.loop, parts.dialer, parts.tls, host_of(name_), this),
      http1_(parts.loop, parts.dialer, parts.tls, host_of(name_), this, tls::Dialer::Offer::http1) {
}

void SecureDialer::use(const std::shared_ptr<const tls::ClientContext>& context) {
  any_.use(context);
  http1_.use(context);
}

void SecureDialer::on_handshake(bool resumed, uint64_t nanoseconds) {
  (resumed ? counters_.resumed : counters_.full).record(nanoseconds);
}

void SecureDialer::on_handshake_failed(tls::Failure failure, std::string_view detail) {
  counters_.failures[static_cast<size_t>(failure)].add();
  if (!reachability_.handshake_failed(loop_.now_ms())) return;
  log::warning(fmt::format("upstream {}: no TLS with {}: {} ({}){}{}", upstream_, name_,
                           tls::sentence_of(failure), tls::name_of(failure),
                           detail.empty() ? "" : ": ", detail));
}

}  // namespace onehop::upstream
