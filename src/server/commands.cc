// SPDX-License-Identifier: MIT
#include "commands.h"

#include <fmt/format.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "onehop/base/ascii.h"
#include "onehop/config/units.h"

namespace onehop::server {
namespace {

constexpr int kRefused = 422;
constexpr uint32_t kMostWeight = 1000;
constexpr config::milliseconds kLongestWait = std::chrono::hours(1);

using Hand = EndpointSets::Hand;

admin::Reply refused(const std::string& why) {
  return admin::text_reply(kRefused, why + "\n");
}

// "1" where none was given.
Result<uint32_t, std::string> weight_of(std::optional<std::string_view> text) {
  if (!text.has_value()) return 1;
  const auto number = parse_decimal(*text, kMostWeight);
  if (number.has_value() && *number > 0) return static_cast<uint32_t>(*number);
  return Unexpected<std::string>(
      fmt::format("a weight is 1 to {}, \"{}\" was given", kMostWeight, *text));
}

// The order that a command is, but for what is said of it further.
EndpointSets::Order order_of(Hand hand, const admin::Command& command) {
  return {.hand = hand,
          .upstream = std::string(command.part("name")),
          .address = std::string(command.part("address"))};
}

void answer(EndpointSets& endpoints, const EndpointSets::Order& order, const std::string& what,
            const admin::Done& done) {
  const auto obeyed = endpoints.obey(order);
  done(obeyed.has_value() ? admin::text_reply(200, order.address + what + "\n")
                          : refused(obeyed.error()));
}

}  // namespace

void add_endpoint_commands(admin::Commands& commands, EndpointSets& endpoints, DrainWaits& waits) {
  commands.add({.method = "POST",
                .path = "/upstreams/{name}/endpoints",
                .what = "adds an endpoint; ?address=IP:PORT&weight=N",
                .query = {"address", "weight"}},
               [&](const admin::Command& command, const admin::Done& done) {
                 const auto weight = weight_of(command.given("weight"));
                 if (!weight.has_value()) return done(refused(weight.error()));
                 EndpointSets::Order order{
                     .hand = Hand::add,
                     .upstream = std::string(command.part("name")),
                     .address = std::string(command.given("address").value_or("")),
                     .weight = *weight};
                 answer(endpoints, order, " is added", done);
               });
  commands.add({.method = "DELETE",
                .path = "/upstreams/{name}/endpoints/{address}",
                .what = "gives an endpoint no request any more, and forgets it"},
               [&](const admin::Command& command, const admin::Done& done) {
                 answer(endpoints, order_of(Hand::remove, command), " is removed", done);
               });
  commands.add({.method = "POST",
                .path = "/upstreams/{name}/endpoints/{address}/ready",
                .what = "gives a drained endpoint requests again"},
               [&](const admin::Command& command, const admin::Done& done) {
                 answer(endpoints, order_of(Hand::ready, command), " is ready", done);
               });
  commands.add({.method = "POST",
                .path = "/upstreams/{name}/endpoints/{address}/weight",
                .what = "gives an endpoint another weight; ?value=N",
                .query = {"value"}},
               [&](const admin::Command& command, const admin::Done& done) {
                 const auto weight = weight_of(command.given("value"));
                 if (!weight.has_value()) return done(refused(weight.error()));
                 EndpointSets::Order order = order_of(Hand::weigh, command);
                 order.weight = *weight;
                 answer(endpoints, order, fmt::format(" has weight {}", *weight), done);
               });
  commands.add(
      {.method = "POST",
       .path = "/upstreams/{name}/endpoints/{address}/drain",
       .what = "gives an endpoint no request any more; ?wait=30s answers when it has none left",
       .query = {"wait"}},
      [&](const admin::Command& command, const admin::Done& done) {
        const auto given = command.given("wait");
        const auto wait = config::parse_duration(given.value_or("0s"));
        if (!wait.has_value() || *wait > kLongestWait)
          return done(refused("wait is a time up to 1h, such as 30s"));
        const EndpointSets::Order order = order_of(Hand::drain, command);
        const auto obeyed = endpoints.obey(order);
        if (!obeyed.has_value()) return done(refused(obeyed.error()));
        waits.wait(
            order.upstream, order.address, static_cast<uint64_t>(wait->count()),
            [done, address = order.address](int64_t in_flight) {
              done(admin::text_reply(
                  200, fmt::format("{} is drained, {} requests in flight\n", address, in_flight)));
            });
      });
}

void add_commands(admin::Commands& commands, Reload& reload) {
  commands.add(
      {.method = "POST",
       .path = "/reload",
       .what = "loads the configuration file again: what is different, or every mistake"},
      [&reload](const admin::Command& command, admin::Done done) {
        reload.ask("POST /reload of " + std::string(command.caller()),
                   [done = std::move(done)](const ReloadResult& result) {
                     done(admin::text_reply(result.in_force ? 200 : kRefused, result.text + "\n"));
                   });
      });
}

}  // namespace onehop::server
