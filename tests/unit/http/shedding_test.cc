// SPDX-License-Identifier: MIT
#include "onehop/http/shedding.h"

#include <memory>
#include <string>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::http {
namespace {

class HandLoop final : public net::Loop {
 public:
  uint64_t now_ns() const override { return time_ms * 1'000'000; }
  uint64_t now_ms() const override { return time_ms; }
  uint64_t time_ms = 1000;

 private:
  void on_armed(uint64_t) override {}
};

class Guest final : public Sheddable {
 public:
  Guest(std::string& book, std::string name) : book_(book), name_(std::move(name)) {}
  bool shed() override {
    if (refusals > 0) {
      --refusals;
      return false;
    }
    book_ += name_ + " ";
    return true;
  }
  int refusals = 0;

 private:
  std::string& book_;
  std::string name_;
};

struct Inn {
  HandLoop loop;
  Shedding shedding{loop};
  // What has come by now is read.
  void listen() {
    loop.end_turn();
    loop.end_turn();
  }
  std::string closed;
  Guest a{closed, "a"};
  Guest b{closed, "b"};
  Guest c{closed, "c"};
};

TEST_CASE("of those who wait for their next request the one that waited longest is closed first") {
  Inn inn;
  inn.shedding.rests(inn.a, Rest::idle);
  inn.shedding.rests(inn.b, Rest::idle);
  inn.shedding.rests(inn.c, Rest::idle);
  Shedding::stirs(inn.a);  // it asked, and was answered
  inn.shedding.rests(inn.a, Rest::idle);
  CHECK(inn.shedding.shed(2) == 2);
  CHECK(inn.closed == "b c ");
  CHECK(inn.shedding.shed(2) == 1);
  CHECK(inn.shedding.shed(2) == 0);
}

TEST_CASE("whoever has not said anything is left alone for a moment, and closed first after it") {
  Inn inn;
  inn.shedding.rests(inn.a, Rest::silent);
  CHECK(inn.shedding.shed(1) == 0);
  inn.loop.time_ms += 100;
  inn.shedding.rests(inn.b, Rest::silent);
  inn.shedding.rests(inn.c, Rest::idle);
  inn.listen();
  CHECK(inn.shedding.shed(3) == 1);
  CHECK(inn.closed == "a ");
}

TEST_CASE("while somebody is silent, who was served lately is spared") {
  Inn inn;
  inn.shedding.rests(inn.a, Rest::idle);
  inn.shedding.rests(inn.b, Rest::silent);
  inn.listen();
  CHECK(inn.shedding.shed(1) == 0);
  inn.loop.time_ms += 100;
  CHECK(inn.shedding.shed(1) == 1);
  CHECK(inn.closed == "b ");
  inn.shedding.rests(inn.b, Rest::silent);
  inn.loop.time_ms += 9'900;
  inn.shedding.rests(inn.b, Rest::silent);
  CHECK(inn.shedding.shed(1) == 1);
  CHECK(inn.closed == "b a ");
}

TEST_CASE("who has just come is not silent yet, and spares nobody; but not many go in a turn") {
  Inn inn;
  std::string closed;
  std::vector<std::unique_ptr<Guest>> served;
  for (int i = 0; i < 40; ++i) {
    served.push_back(std::make_unique<Guest>(closed, "x"));
    inn.shedding.rests(*served.back(), Rest::idle);
  }
  inn.shedding.rests(inn.a, Rest::silent);
  CHECK(inn.shedding.shed(40) == 16);
  inn.loop.end_turn();
  CHECK(inn.shedding.shed(40) == 16);
  inn.loop.end_turn();
  CHECK(inn.shedding.shed(40) == 0);
  Shedding::stirs(inn.a);
  CHECK(inn.shedding.shed(40) == 8);
}

TEST_CASE("the first words of a client have two seconds to become a request") {
  Inn inn;
  inn.shedding.rests(inn.a, Rest::begun);
  inn.shedding.rests(inn.b, Rest::parting);
  inn.loop.time_ms += 1999;
  CHECK(inn.shedding.shed(2) == 1);
  CHECK(inn.closed == "b ");
  inn.loop.time_ms += 1;
  CHECK(inn.shedding.shed(2) == 1);
}

TEST_CASE("who turns out to be busy stays, and the next one goes") {
  Inn inn;
  inn.a.refusals = 1;
  inn.shedding.rests(inn.a, Rest::idle);
  inn.shedding.rests(inn.b, Rest::idle);
  CHECK(inn.shedding.shed(1) == 1);
  CHECK(inn.closed == "b ");
}

}  // namespace
}  // namespace onehop::http
