// SPDX-License-Identifier: MIT
// Asks a Resolver for one thing at a time, on a loop that runs until the answer is there.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "onehop/net/event_loop.h"
#include "onehop/net/resolver.h"
#include "tests/support/catch.h"

namespace onehop::test {

// Keeps the answer, and lets the loop end.
template <class Answer>
class Heard final : public net::Lookup::Events<Answer> {
 public:
  explicit Heard(net::EventLoop& loop) : loop_(loop) {}
  void on_answer(Answer given) override {
    ++times;
    answer = std::move(given);
    lookup.reset();
    loop_.stop();
  }

  std::unique_ptr<net::Lookup> lookup;
  std::optional<Answer> answer;
  int times = 0;

 private:
  net::EventLoop& loop_;
};

struct NameDesk {
  explicit NameDesk(const net::Resolver::Options& options) {
    auto made = net::Resolver::make(loop, options);
    REQUIRE(made.has_value());
    resolver = std::move(*made);
  }

  net::AddressAnswer addresses(const std::string& name) {
    Heard<net::AddressAnswer> heard(loop);
    heard.lookup = resolver->addresses_of(name, heard);
    return wait(heard);
  }
  net::ServiceAnswer services(const std::string& name) {
    Heard<net::ServiceAnswer> heard(loop);
    heard.lookup = resolver->services_of(name, heard);
    return wait(heard);
  }

  net::EventLoop loop;
  std::unique_ptr<net::Resolver> resolver;

 private:
  template <class Answer>
  Answer wait(Heard<Answer>& heard) {
    CHECK(heard.times == 0);  // not from within the call
    loop.run();
    REQUIRE(heard.times == 1);
    return std::move(*heard.answer);
  }
};

inline std::vector<std::string> ips_of(const net::AddressAnswer& answer) {
  std::vector<std::string> ips;
  for (const auto& record : answer.records) ips.push_back(record.address.ip());
  return ips;
}

}  // namespace onehop::test
