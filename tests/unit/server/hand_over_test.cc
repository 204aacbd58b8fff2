// SPDX-License-Identifier: MIT
// Both ends of a takeover in one process, each on a loop of its own.
#include "server/hand_over.h"

#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "onehop/net/event_loop.h"
#include "onehop/server/takeover.h"
#include "server/takeover_words.h"
#include "tests/support/catch.h"
#include "tests/support/deadline.h"

namespace onehop::server {
namespace {

using namespace takeover_words;

std::string own_name() {
  return "onehop-test/hand-over/" + std::to_string(::getpid());
}

// The process that runs, with one listening socket.
class Running final : public HandOver::Owner {
 public:
  explicit Running(uint64_t patience_ms = HandOver::kPatienceMs)
      : hand_over(loop, manager, *this, {}, patience_ms) {
    hand_over.meet_at(own_name());
    thread_ = std::thread([this] { loop.run(); });
  }
  ~Running() {
    loop.post([this] { hand_over.call_off("the test ends"); });
    loop.stop();
    thread_.join();
  }

  void gather(Then then) override {
    HandedSockets handed{.key = "listener a 0", .ticket_keys = "secret"};
    handed.sockets.push_back(net::Descriptor::duplicate_of(socket.descriptor()));
    std::vector<HandedSockets> all;
    all.push_back(std::move(handed));
    then(std::move(all));
  }
  std::string_view hindrance() const override { return hindrance_; }
  void leave_to(int pid) override { left_to = pid; }
  void hinder(std::string_view why) { hindrance_ = why; }

  net::EventLoop loop;
  ServiceManager manager{""};
  net::ListeningSocket socket = std::move(*net::ListeningSocket::open(
      *Address::numeric("127.0.0.1", 0), 8, net::ListeningSocket::Port::mine_alone));
  HandOver hand_over;
  std::atomic<int> left_to = 0;

 private:
  std::string_view hindrance_;
  std::thread thread_;
};

std::unique_ptr<Takeover> begun() {
  auto takeover = Takeover::begin(own_name());
  REQUIRE(takeover.has_value());
  return std::move(*takeover);
}

struct Told final : Takeover::Events {
  void on_yours() override {
    yours = true;
    loop->stop();
  }
  void on_refused(std::string_view why) override {
    refused = why;
    loop->stop();
  }
  net::EventLoop* loop = nullptr;
  bool yours = false;
  std::string refused;
};

// Says that it is ready, and waits for what comes of it.
Told ready(Takeover& takeover) {
  Told told;
  net::EventLoop loop;
  told.loop = &loop;
  takeover.ready(loop, told);
  loop.run();
  return told;
}

std::string answer_to(const net::MessageSocket& channel, std::string_view question) {
  REQUIRE(channel.send(question).has_value());
  REQUIRE(channel.wait(static_cast<int>(test::patience().count())));
  const auto received = channel.receive();
  REQUIRE(received.has_value());
  return received->has_value() ? (*received)->text : "";
}

TEST_CASE("who takes over gets the sockets, and the other one leaves when that is ready") {
  Running running;
  const auto takeover = begun();
  auto sockets = takeover->fetch();
  REQUIRE(sockets.has_value());
  CHECK(takeover->from_pid() == ::getpid());
  CHECK(sockets->ticket_keys("listener a 0") == "secret");
  const auto taken = sockets->take("listener a 0", "");
  REQUIRE(taken.sockets.size() == 1);
  CHECK(taken.sockets.front().local().to_string() == running.socket.local().to_string());
  CHECK(running.left_to == 0);
  CHECK(ready(*takeover).yours);
  CHECK(test::eventually([&] { return running.left_to == ::getpid(); }));
  CHECK(takeover->take_meeting_point().get() >= 0);
}

TEST_CASE("who ends before it is ready changes nothing, and the next one may come") {
  Running running;
  {
    const auto takeover = begun();
    REQUIRE(takeover->fetch().has_value());
    takeover->fail("a mistake");
  }
  CHECK(test::eventually([] { return begun()->fetch().has_value(); }));
  CHECK(running.left_to == 0);
}

TEST_CASE("a second one is refused while the first takes over") {
  Running running;
  const auto first = begun();
  REQUIRE(first->fetch().has_value());
  const auto second = begun()->fetch();
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error() ==
        "takeover: process " + std::to_string(::getpid()) + " is taking over already");
  CHECK(ready(*first).yours);
}

TEST_CASE("one that speaks another version is refused") {
  Running running;
  const auto channel = net::MessageSocket::connect(own_name());
  REQUIRE(channel.has_value());
  CHECK(answer_to(*channel, "onehop-takeover-2") ==
        saying(kRefused, "it speaks another version of this"));
  CHECK(answer_to(*net::MessageSocket::connect(own_name()), kReady).starts_with(kRefused));
}

TEST_CASE("one that says nothing more is given up after a time") {
  Running running(20);
  // On a busy machine the time may be over before it has fetched anything.
  std::unique_ptr<Takeover> takeover;
  REQUIRE(test::eventually([&] {
    takeover = begun();
    return takeover->fetch().has_value();
  }));
  CHECK(test::eventually([] { return begun()->fetch().has_value(); }));
  CHECK(ready(*takeover).refused == "it was not ready within 20ms");
  CHECK(running.left_to == 0);
}

TEST_CASE("a process that stops hands nothing over") {
  Running running;
  running.loop.post([&] { running.hinder("this one is being stopped"); });
  CHECK(test::eventually([] {
    const auto refused = begun()->fetch();
    return !refused.has_value() && refused.error() == "takeover: this one is being stopped";
  }));
}

TEST_CASE("where the one that ran has died when the other serves, all is the other's") {
  auto ends = net::MessageSocket::pair();
  REQUIRE(ends.has_value());
  Takeover takeover(std::move(ends->first));
  { const net::MessageSocket died = std::move(ends->second); }
  CHECK(ready(takeover).yours);
}

}  // namespace
}  // namespace onehop::server
