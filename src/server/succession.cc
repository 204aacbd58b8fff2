// SPDX-License-Identifier: MIT
#include "succession.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <array>
#include <map>
#include <utility>

#include "admin_endpoint.h"
#include "listeners.h"
#include "onehop/base/base64.h"
#include "onehop/base/log.h"
#include "onehop/tls/digest.h"
#include "stop.h"
#include "workers.h"

namespace onehop::server {
namespace {

// What is handed over under it has no sockets; no listener has a key like it.
constexpr std::string_view kStickySecret = "sticky secret";

std::string random_secret() {
  std::array<uint8_t, 32> bytes{};
  tls::fill_random(bytes);
  return to_base64(bytes);
}

}  // namespace

Succession::Succession(const Parts& parts, Launch launch)
    : parts_(parts),
      meeting_point_(std::move(launch.meeting_point)),
      sticky_secret_(random_secret()),
      activated_(launch.activated),
      takeover_(std::move(launch.takeover)),
      hand_over_(parts.loop, parts.manager, *this, std::move(launch.arguments)) {}

Result<void, std::string> Succession::inherit() {
  if (takeover_ == nullptr && !activated_) return {};
  auto sockets = takeover_ != nullptr ? takeover_->fetch() : InheritedSockets::of_environment();
  if (!sockets.has_value()) return Unexpected<std::string>(sockets.error());
  inherited_ = std::move(*sockets);
  if (takeover_ == nullptr) return {};
  std::string secret = inherited_.ticket_keys(std::string(kStickySecret));
  if (!secret.empty()) sticky_secret_ = std::move(secret);
  predecessor_ = takeover_->from_pid();
  parts_.admin_endpoint.hold();  // probes and commands are for the process that serves
  return {};
}

// Clients resume the sessions that they began with the process before.
void Succession::inherit_ticket_keys() const {
  const auto& listeners = parts_.in_force.snapshot->listeners();
  const auto contexts = parts_.in_force.prepared.tls.listeners();
  for (size_t i = 0; i < listeners.size(); ++i) {
    if (contexts[i] != nullptr)
      contexts[i]->use_ticket_key_bytes(
          inherited_.ticket_keys(Listeners::key_text(listeners[i]->key)));
  }
}

Result<void, std::string> Succession::bound() {
  inherit_ticket_keys();
  const std::vector<std::string> left = inherited_.left();
  left_files_ = inherited_.left_files();
  inherited_ = InheritedSockets();
  if (left.empty()) return {};
  if (takeover_ == nullptr)
    return Unexpected<std::string>(
        fmt::format("systemd has opened a socket for which there is no listener, no admin.listen "
                    "and no admin.control: {}",
                    fmt::join(left, "; ")));
  log::info(fmt::format("not listened on any more, as the configuration has it not: {}",
                        fmt::join(left, "; ")));
  return {};
}

void Succession::fail(const std::string& why) {
  if (takeover_ != nullptr) takeover_->fail(why);
}

void Succession::serving(std::function<void()> then) {
  then_ = std::move(then);
  if (takeover_ == nullptr) return on_yours();
  parts_.workers.when_counted([this] {
    if (takeover_ != nullptr) takeover_->ready(parts_.loop, *this);
  });
}

void Succession::on_yours() {
  net::Descriptor meeting_point;
  if (const auto taken = std::move(takeover_)) {
    log::info(
        fmt::format("this process serves from now on, in the place of process {}", predecessor_));
    parts_.listeners.own_files();
    parts_.admin_endpoint.own();
    for (const std::string& path : std::exchange(left_files_, {}))
      static_cast<void>(net::SocketFile::taken_over(path));  // its end removes it
    meeting_point = taken->take_meeting_point();
  }
  serves_ = true;
  hand_over_.meet_at(meeting_point_, std::move(meeting_point));
  if (const auto then = std::exchange(then_, nullptr)) then();
}

void Succession::on_refused(std::string_view why) {
  const auto taken = std::move(takeover_);
  log::error(
      fmt::format("takeover: process {} goes on, so this one leaves: {}", predecessor_, why));
  gave_way_ = true;
  parts_.stop.give_way();
}

void Succession::call_off(std::string_view why) {
  if (const auto taken = std::move(takeover_)) taken->fail(why);
  hand_over_.call_off(why);
}

void Succession::gather(HandOver::Owner::Then then) {
  parts_.workers.duplicate_sockets([this, then = std::move(then)](Worker::Duplicates all) {
    std::map<std::string, HandedSockets> by_key;
    for (auto& [key, sockets] : all) {
      HandedSockets& handed = by_key[Listeners::key_text(key)];
      for (net::Descriptor& socket : sockets) handed.sockets.push_back(std::move(socket));
    }
    const auto& listeners = parts_.in_force.snapshot->listeners();
    const auto contexts = parts_.in_force.prepared.tls.listeners();
    for (size_t i = 0; i < listeners.size(); ++i) {
      HandedSockets& handed = by_key[Listeners::key_text(listeners[i]->key)];
      handed.activated = parts_.listeners.activated(listeners[i]->config.address);
      if (contexts[i] != nullptr) handed.ticket_keys = contexts[i]->ticket_key_bytes();
    }
    std::vector<HandedSockets> everything = parts_.admin_endpoint.duplicate_sockets();
    everything.push_back({.key = std::string(kStickySecret), .ticket_keys = sticky_secret_});
    for (auto& [key, handed] : by_key) {
      handed.key = key;
      everything.push_back(std::move(handed));
    }
    then(std::move(everything));
  });
}

std::string_view Succession::hindrance() const {
  if (parts_.stop.asked()) return "this one is being stopped";
  if (::getpid() == 1) return "this one is process 1 of its container, which would end with it";
  return serves_ ? "" : "this one does not serve yet";
}

void Succession::leave_to(int pid) {
  parts_.listeners.leave_files();
  parts_.admin_endpoint.leave();
  parts_.stop.leave_to(pid);
}

}  // namespace onehop::server
