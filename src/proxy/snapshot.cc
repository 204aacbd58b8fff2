// SPDX-License-Identifier: MIT
#include "onehop/proxy/snapshot.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "guarded_fields.h"
#include "onehop/base/assert.h"
#include "onehop/proxy/access_log.h"

namespace onehop::proxy {
namespace {

// The fields that carry what is known of a client's certificate: only onehop may set them, whatever
// listener a client came to.
std::vector<std::string> certificate_fields(const config::Config& config) {
  std::vector<std::string> names;
  for (const auto& listener : config.listeners) {
    for (const std::string* name :
         {&listener.tls.client_subject_field, &listener.tls.client_fingerprint_field}) {
      if (!name->empty()) names.push_back(*name);
    }
  }
  return names;
}

http::ForwardedForms forms_of(const config::Listener& listener) {
  const auto has = [&](std::string_view form) {
    return std::ranges::find(listener.forwarded, form) != listener.forwarded.end();
  };
  return {has("x-forwarded"), has("x-real-ip"), has("forwarded")};
}

}  // namespace

Snapshot::Snapshot(uint64_t number, std::shared_ptr<const config::Config> config)
    : number_(number),
      config_(std::move(config)),
      router_(config_->routes, config_->upstreams),
      trusted_(config_->server.trusted_proxies),
      tells_of_clients_(std::ranges::any_of(config_->upstreams,
                                            [](const config::Upstream& upstream) {
                                              return upstream.proxy_protocol !=
                                                     config::ProxyProtocol::off;
                                            })),
      guarded_(std::make_unique<GuardedFields>(certificate_fields(*config_),
                                               config_->server.identity_fields)) {
  const config::AccessLog& access = config_->log.access;
  if (access.enabled()) access_ = std::make_unique<AccessTerms>(access);
  // Only port 0 can be there twice.
  std::unordered_map<std::string, unsigned> seen;
  for (const config::Listener& listener : config_->listeners) {
    const unsigned nth = seen[listener.address]++;
    listeners_.push_back(std::make_shared<const http::ListenerTerms>(
        http::ListenerTerms{{listener.address, nth},
                            listener,
                            forms_of(listener),
                            Peers(listener.proxy_protocol_from)}));
  }
  for (const config::Route& route : config_->routes)
    route_labels_.push_back(route.host + route.path);
}

Snapshot::~Snapshot() = default;

const http::ListenerTerms* Snapshot::terms_of(const http::Client& client) const noexcept {
  const http::ListenerTerms* const accepted = client.listener.get();
  if (accepted == nullptr) return nullptr;
  const auto same = [&](const Terms& terms) { return terms.get() == accepted; };
  const auto alike = [&](const Terms& terms) { return terms->key == accepted->key; };
  if (std::ranges::any_of(listeners_, same)) return accepted;
  const auto now = std::ranges::find_if(listeners_, alike);
  return now != listeners_.end() ? now->get() : accepted;
}

void Epoch::supersede(std::unique_ptr<Epoch> epoch) {
  if (epoch == nullptr) return;
  Epoch& old = *epoch.release();
  old.superseded_ = true;
  if (!old.pinned()) old.on_unpinned();
}

void Epoch::on_unpinned() {
  if (superseded_) parts_.loop.retire(std::unique_ptr<net::Retirable>(this));
}

}  // namespace onehop::proxy
