// SPDX-License-Identifier: MIT
#include "hand_over.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iterator>
#include <utility>

#include "onehop/base/log.h"
#include "onehop/config/units.h"
#include "start_program.h"
#include "takeover_words.h"

namespace onehop::server {

using namespace takeover_words;

namespace {

// Its sockets in messages of a size that the kernel takes; a secret without sockets in one.
std::vector<HandedSockets> in_messages(std::vector<HandedSockets> all) {
  constexpr auto kMost = static_cast<std::ptrdiff_t>(net::MessageSocket::kMostDescriptors);
  std::vector<HandedSockets> parts;
  for (HandedSockets& one : all) {
    auto at = one.sockets.begin();
    do {
      const auto end = at + std::min(kMost, std::distance(at, one.sockets.end()));
      parts.push_back({.key = one.key,
                       .activated = one.activated,
                       .ticket_keys = one.ticket_keys,
                       .sockets = {std::move_iterator(at), std::move_iterator(end)}});
      at = end;
    } while (at != one.sockets.end());
  }
  return parts;
}

std::string in_one_line(std::string_view lines) {
  std::string line;
  for (const char c : lines) c == '\n' ? line += "; " : line += c;
  return line;
}

std::string words_of(int status) {
  return WIFSIGNALED(status) ? fmt::format("it was ended by signal {}", WTERMSIG(status))
                             : fmt::format("it ended with code {}", WEXITSTATUS(status));
}

}  // namespace

HandOver::HandOver(net::EventLoop& loop, ServiceManager& manager, Owner& owner,
                   std::vector<std::string> arguments, uint64_t patience_ms)
    : loop_(loop),
      manager_(manager),
      owner_(owner),
      arguments_(std::move(arguments)),
      patience_ms_(patience_ms) {}

void HandOver::meet_at(const std::string& name, net::Descriptor listening) {
  if (listening) {
    net::listen_anew(listening);
  } else {
    if (name.empty()) return;
    auto made = net::listen_at_name(name);
    if (!made.has_value())
      return log::warning(fmt::format(
          "--takeover will not find this process, as another one answers for the same file: {}; "
          "SIGUSR2 works",
          made.error().sentence()));
    listening = std::move(*made);
  }
  meeting_ = std::move(listening);
  at_meeting_ = net::Readable::watch(loop_, meeting_.get(), *this);
}

void HandOver::start_successor() {
  const std::string_view hindrance = owner_.hindrance();
  if (!hindrance.empty()) return log::warning(fmt::format("SIGUSR2 is ignored: {}", hindrance));
  if (arguments_.empty())
    return log::warning(
        "SIGUSR2 is ignored: what has its configuration from standard input, and the demo, cannot "
        "be started again");
  if (under_way())
    return log::warning(fmt::format("SIGUSR2 is ignored: process {} is taking over already", pid_));
  if (child_ != 0)
    return log::warning(
        fmt::format("SIGUSR2 is ignored: process {}, of the last time, has not ended", child_));
  auto ends = net::MessageSocket::pair();
  if (!ends.has_value()) return fail(fmt::format("no channel to it: {}", ends.error().sentence()));
  const auto started = start_program(arguments_, ends->second);
  if (!started.has_value()) return fail(started.error());
  child_ = *started;
  log::info(fmt::format("SIGUSR2: process {} is started, to take over", child_));
  begin(std::move(ends->first), child_);
}

void HandOver::on_readable(net::Readable& which) {
  if (&which == at_channel_.get()) return on_message();
  while (auto came = net::accept_one(meeting_)) greet(std::move(*came));
}

void HandOver::greet(net::MessageSocket came) {
  const Address::Process process = came.peer();
  std::string why;
  if (process.uid != ::geteuid()) {
    why = fmt::format("process {} runs as user {}, and this one as user {}", process.pid,
                      process.uid, ::geteuid());
    log::warning(fmt::format("a takeover is refused: {}", why));
  } else if (under_way()) {
    why = fmt::format("process {} is taking over already", pid_);
  } else {
    why = owner_.hindrance();
  }
  if (why.empty()) return begin(std::move(came), process.pid);
  static_cast<void>(came.send(saying(kRefused, why)));
}

void HandOver::begin(net::MessageSocket channel, int pid) {
  state_ = State::greeting;
  ++round_;
  pid_ = pid;
  said_.clear();
  channel_ = std::move(channel);
  at_channel_ = net::Readable::watch(loop_, channel_.descriptor(), *this);
  loop_.arm(deadline_, patience_ms_);
}

void HandOver::on_message() {
  auto received = channel_.receive();
  if (!received.has_value() && received.error().number == EAGAIN) return;
  if (!received.has_value() || !received->has_value()) {
    at_channel_.reset();
    // How it has ended is told by its end, which comes.
    if (child_ != 0) return on_child_signal();
    return fail(said_.empty() ? "it has ended before it was ready" : said_);
  }
  const Said said = said_in((*received)->text);
  if (said.word == kFailed) {
    said_ = in_one_line(said.rest);
  } else if (said.word == kHello && state_ == State::greeting) {
    state_ = State::gathering;
    owner_.gather([this, round = round_](std::vector<HandedSockets> sockets) {
      if (round == round_ && state_ == State::gathering) gathered(std::move(sockets));
    });
  } else if (said.word == kNext && state_ == State::giving) {
    give_next();
  } else if (said.word == kReady && state_ == State::giving && to_give_.empty()) {
    leave();
  } else {
    fail("it speaks another version of this");
  }
}

void HandOver::answer(std::string_view text) {
  if (const auto sent = channel_.send(text); !sent.has_value())
    fail(fmt::format("it does not listen: {}", sent.error().sentence()));
}

void HandOver::gathered(std::vector<HandedSockets> sockets) {
  for (const HandedSockets& one : sockets) {
    if (std::ranges::any_of(one.sockets, [](const net::Descriptor& socket) { return !socket; }))
      return fail("there are no descriptors left for the sockets");
  }
  if (meeting_) {
    sockets.push_back({.key = std::string(kMeetingPoint)});
    sockets.back().sockets.push_back(net::Descriptor::duplicate_of(meeting_.get()));
  }
  to_give_ = in_messages(std::move(sockets));
  state_ = State::giving;
  give_next();
}

void HandOver::give_next() {
  if (to_give_.empty()) return answer(saying(kAll, std::to_string(::getpid())));
  const HandedSockets next = std::move(to_give_.back());
  to_give_.pop_back();
  const auto sent = channel_.send(
      saying(next.activated ? kActivated : kSockets, saying(next.key, next.ticket_keys)),
      next.sockets);
  if (!sent.has_value()) fail(fmt::format("it does not listen: {}", sent.error().sentence()));
}

// The manager hears first who the service is, as it does not believe the other one before.
void HandOver::leave() {
  manager_.main_process(pid_);
  if (const auto sent = channel_.send(kYours); !sent.has_value()) {
    manager_.main_process(::getpid());
    return fail(fmt::format("it has ended when it was ready: {}", sent.error().sentence()));
  }
  manager_.say_no_more();
  end();
  state_ = State::left;
  at_meeting_.reset();
  meeting_ = net::Descriptor();
  owner_.leave_to(pid_);
}

void HandOver::on_child_signal() {
  const int child = child_;
  const std::optional<int> status = reap();
  if (!status.has_value() || pid_ != child) return;
  const std::string ended = words_of(*status);
  if (state_ == State::left && *status == 0)  // stopped, or taken over from itself
    return log::info(fmt::format("process {}, which has taken over, has ended", child));
  if (state_ == State::left)
    return log::error(fmt::format("process {} has taken over, and is gone: {}", child, ended));
  if (under_way()) fail(said_.empty() ? ended : fmt::format("{}; {}", said_, ended));
}

std::optional<int> HandOver::reap() {
  int status = 0;
  if (child_ == 0 || ::waitpid(child_, &status, WNOHANG) != child_) return std::nullopt;
  child_ = 0;
  return status;
}

// Others end when they hear of it; one that hangs does not.
void HandOver::on_deadline() {
  if (child_ != 0) ::kill(child_, SIGKILL);
  fail(fmt::format("it was not ready within {}",
                   config::duration_text(config::milliseconds(patience_ms_))));
}

void HandOver::call_off(std::string_view why) {
  if (under_way()) {
    log::warning(fmt::format("the takeover by process {} is called off: {}", pid_, why));
    give_up(why);
  }
  at_meeting_.reset();
  meeting_ = net::Descriptor();
}

void HandOver::fail(const std::string& why) {
  ++failures_;
  log::error(fmt::format("the takeover{} failed, this process goes on: {}",
                         pid_ != 0 ? fmt::format(" by process {}", pid_) : "", why));
  give_up(why);
}

void HandOver::give_up(std::string_view why) {
  if (channel_) static_cast<void>(channel_.send(saying(kRefused, why)));
  end();
  state_ = State::idle;
  pid_ = 0;
}

void HandOver::end() {
  deadline_.disarm();
  at_channel_.reset();
  channel_ = net::MessageSocket();
  to_give_.clear();
  said_.clear();
}

}  // namespace onehop::server
