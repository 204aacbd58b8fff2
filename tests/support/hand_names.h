// SPDX-License-Identifier: MIT
// A name service that a test holds in its hands: what is asked waits until the test answers it.
#pragma once

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onehop/net/name_service.h"

namespace onehop::test {

inline net::AddressAnswer addresses(const std::vector<std::string_view>& ips, uint32_t ttl_s) {
  net::AddressAnswer answer;
  answer.found = net::Found::answered;
  for (const std::string_view ip : ips)
    answer.records.push_back({Address::numeric(ip, 0).value(), ttl_s});
  answer.ttl_s = ttl_s;
  return answer;
}

inline net::AddressAnswer lacking(net::AddressAnswer answer, net::Family family) {
  answer.lacking = family;
  answer.why = "a hand said so";
  return answer;
}

inline net::ServiceAnswer services(std::vector<net::ServiceAnswer::Record> records,
                                   uint32_t ttl_s) {
  net::ServiceAnswer answer;
  answer.found = net::Found::answered;
  answer.records = std::move(records);
  answer.ttl_s = ttl_s;
  return answer;
}

template <class Answer>
Answer failed() {
  Answer answer;
  answer.why = "a hand said no";
  return answer;
}

template <class Answer>
Answer no_such_name() {
  Answer answer;
  answer.found = net::Found::no_such_name;
  return answer;
}

class HandNames final : public net::NameService {
 public:
  std::unique_ptr<net::Lookup> addresses_of(
      const std::string& name, net::Lookup::Events<net::AddressAnswer>& events) override {
    return open(name, &events, nullptr);
  }
  std::unique_ptr<net::Lookup> services_of(
      const std::string& name, net::Lookup::Events<net::ServiceAnswer>& events) override {
    return open(name, nullptr, &events);
  }

  // How many look-ups wait, and how many of this name.
  size_t waiting() const { return open_.size(); }
  size_t waiting(std::string_view name) const {
    return static_cast<size_t>(std::count_if(open_.begin(), open_.end(),
                                             [&](const Open* open) { return open->name == name; }));
  }
  const std::string& first() const { return open_.at(0)->name; }
  size_t begun() const { return begun_; }  // in all

  // Answers the first look-up of this name that waits.
  void answer(std::string_view name, net::AddressAnswer answer) {
    take(name).addresses->on_answer(std::move(answer));
  }
  void answer(std::string_view name, net::ServiceAnswer answer) {
    take(name).services->on_answer(std::move(answer));
  }

 private:
  struct Open final : net::Lookup {
    ~Open() override { std::erase(service->open_, this); }
    HandNames* service = nullptr;
    std::string name;
    net::Lookup::Events<net::AddressAnswer>* addresses = nullptr;
    net::Lookup::Events<net::ServiceAnswer>* services = nullptr;
  };

  std::unique_ptr<net::Lookup> open(const std::string& name,
                                    net::Lookup::Events<net::AddressAnswer>* addresses,
                                    net::Lookup::Events<net::ServiceAnswer>* services) {
    ++begun_;
    auto made = std::make_unique<Open>();
    made->service = this;
    made->name = name;
    made->addresses = addresses;
    made->services = services;
    open_.push_back(made.get());
    return made;
  }

  // It waits no more, whether it is destroyed or not.
  Open& take(std::string_view name) {
    for (Open* open : open_) {
      if (open->name != name) continue;
      std::erase(open_, open);
      return *open;
    }
    throw std::runtime_error("nobody asks for " + std::string(name));
  }

  std::vector<Open*> open_;
  size_t begun_ = 0;
};

}  // namespace onehop::test
