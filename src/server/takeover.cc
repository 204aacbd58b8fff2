// SPDX-License-Identifier: MIT
#include "onehop/server/takeover.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "inherited_sockets.h"
#include "onehop/base/ascii.h"
#include "onehop/tls/digest.h"
#include "takeover_words.h"

namespace onehop::server {

using namespace takeover_words;

namespace {

constexpr size_t kDigits = 32;  // of the name: no two paths have the same

Unexpected<std::string> failed(std::string why) {
  return Unexpected<std::string>(std::move(why));
}

}  // namespace

std::string meeting_point_of(const std::string& file) {
  if (file.empty() || file == "-") return "";
  std::error_code unknown;
  const auto path = std::filesystem::absolute(file, unknown).lexically_normal();
  return unknown ? "" : "onehop-takeover/" + tls::sha256_hex(path.string()).substr(0, kDigits);
}

Result<std::unique_ptr<Takeover>, std::string> Takeover::begin(const std::string& meeting_point) {
  if (const char* const given = std::getenv(kTakeoverVariable)) {
    const auto number = parse_decimal(given, 1 << 20);
    const std::string text = given;
    ::unsetenv(kTakeoverVariable);
    if (!number.has_value())
      return failed(fmt::format("{} is a descriptor, \"{}\" was given", kTakeoverVariable, text));
    // Its own children do not get it.
    net::Descriptor inherited(static_cast<int>(*number));
    net::Descriptor channel = net::Descriptor::duplicate_of(inherited.get());
    if (!channel)
      return failed(fmt::format("{}: {}", kTakeoverVariable, net::NetError{errno}.sentence()));
    return std::make_unique<Takeover>(net::MessageSocket(std::move(channel)));
  }
  if (meeting_point.empty())
    return failed(
        "--takeover: without a file nobody knows from whom; send SIGUSR2 to the process that runs");
  auto channel = net::MessageSocket::connect(meeting_point);
  if (!channel.has_value() && channel.error().number == ECONNREFUSED)
    return failed(
        "--takeover: no onehop runs with this file; start without it, or with the file, by the "
        "same path, of the one that runs");
  if (!channel.has_value())
    return failed(fmt::format("--takeover: {}", channel.error().sentence()));
  const Address::Process other = channel->peer();
  if (other.uid != ::geteuid())
    return failed(
        fmt::format("--takeover: process {} runs as user {}, and this one as user {}: only a "
                    "process of the same user can take over",
                    other.pid, other.uid, ::geteuid()));
  return std::make_unique<Takeover>(std::move(*channel));
}

Result<net::MessageSocket::Message, std::string> Takeover::next() const {
  if (!channel_.wait(kPatienceMs))
    return failed(fmt::format("the process that runs said nothing for {} s", kPatienceMs / 1000));
  auto received = channel_.receive();
  if (!received.has_value()) return failed(std::string(received.error().sentence()));
  if (!received->has_value()) return failed("the process that ran has ended meanwhile");
  return std::move(**received);
}

Result<InheritedSockets, std::string> Takeover::fetch() {
  const auto give_up = [this](const std::string& why) {
    fail(why);
    return failed("takeover: " + why);
  };
  InheritedSockets sockets;
  std::string_view question = kHello;
  while (true) {
    static_cast<void>(channel_.send(question));  // one that has refused is heard all the same
    question = kNext;
    auto answer = next();
    if (!answer.has_value()) return give_up(answer.error());
    const Said said = said_in(answer->text);
    if (said.word == kRefused) return failed(fmt::format("takeover: {}", said.rest));
    if (said.word == kAll) {
      from_pid_ = static_cast<int>(parse_decimal(said.rest, INT32_MAX).value_or(0));
      return sockets;
    }
    if (said.word != kSockets && said.word != kActivated)
      return give_up("the process that runs speaks another version of this");
    const Said of = said_in(said.rest);
    if (of.word == kMeetingPoint && !answer->descriptors.empty()) {
      meeting_point_ = std::move(answer->descriptors.front());
      continue;
    }
    auto added = sockets.add({.key = std::string(of.word),
                              .activated = said.word == kActivated,
                              .ticket_keys = std::string(of.rest),
                              .sockets = std::move(answer->descriptors)});
    if (!added.has_value()) return give_up(added.error());
  }
}

void Takeover::fail(std::string_view why) const {
  // Where it has gone there is nobody to be told.
  static_cast<void>(channel_.send(saying(kFailed, why)));
}

void Takeover::ready(net::EventLoop& loop, Events& events) {
  events_ = &events;
  readable_ = net::Readable::watch(loop, channel_.descriptor(), *this);
  static_cast<void>(channel_.send(kReady));  // its end is seen as such
}

// Whoever has ended without a word does not accept any more, so this process does.
void Takeover::on_readable(net::Readable&) {
  auto received = channel_.receive();
  if (!received.has_value() && received.error().number == EAGAIN) return;
  readable_.reset();
  if (received.has_value() && received->has_value()) {
    const Said said = said_in((*received)->text);
    if (said.word == kRefused) return events_->on_refused(said.rest);
  }
  events_->on_yours();
}

}  // namespace onehop::server
