// SPDX-License-Identifier: MIT
// Membership that ends by itself: whoever dies or leaves is in no list any more.
#include "onehop/base/intrusive_list.h"

#include <memory>
#include <string>

#include "tests/support/catch.h"

namespace onehop {
namespace {

struct Other;

struct Item : ListNode<Item>, ListNode<Other> {
  explicit Item(char item_name) : name(item_name) {}
  using First = ListNode<Item>;
  using Second = ListNode<Other>;
  char name;
};

using List = IntrusiveList<Item>;
using OtherList = IntrusiveList<Item, Other>;

std::string names_of(List& list) {
  std::string names;
  list.for_each([&](Item& item) { names += item.name; });
  return names;
}

TEST_CASE("a list keeps the order in which its members joined") {
  Item a('a'), b('b'), c('c');
  List list;
  CHECK(list.empty());
  CHECK(list.front() == nullptr);
  CHECK(list.back() == nullptr);
  list.push_back(b);
  list.push_back(c);
  list.push_front(a);
  CHECK(names_of(list) == "abc");
  CHECK(list.front() == &a);
  CHECK(list.back() == &c);
}

TEST_CASE("a member that joins again moves") {
  Item a('a'), b('b'), c('c');
  List list;
  List second;
  for (Item* item : {&a, &b, &c}) list.push_back(*item);
  list.push_back(a);
  CHECK(names_of(list) == "bca");
  second.push_back(c);
  CHECK(names_of(list) == "ba");
  CHECK(names_of(second) == "c");
}

TEST_CASE("an object that dies leaves its list") {
  Item a('a'), c('c');
  List list;
  {
    Item b('b');
    for (Item* item : {&a, &b, &c}) list.push_back(*item);
  }
  CHECK(names_of(list) == "ac");
}

TEST_CASE("a list that dies lets its members go") {
  Item a('a');
  {
    List list;
    list.push_back(a);
    CHECK(a.First::linked());
  }
  CHECK_FALSE(a.First::linked());
}

TEST_CASE("leaving twice is the same as leaving once") {
  Item a('a'), b('b');
  List list;
  list.push_back(a);
  list.push_back(b);
  a.First::unlink();
  a.First::unlink();
  CHECK(names_of(list) == "b");
}

TEST_CASE("an object can be in two lists at once") {
  Item a('a');
  List list;
  OtherList other;
  list.push_back(a);
  other.push_back(a);
  a.First::unlink();
  CHECK(list.empty());
  CHECK(other.front() == &a);
}

TEST_CASE("a member may leave while it is visited") {
  Item a('a'), b('b'), c('c');
  List list;
  for (Item* item : {&a, &b, &c}) list.push_back(*item);
  std::string visited;
  list.for_each([&](Item& item) {
    visited += item.name;
    if (item.name != 'b') item.First::unlink();
  });
  CHECK(visited == "abc");
  CHECK(names_of(list) == "b");
}

TEST_CASE("a member may be destroyed while it is visited") {
  List list;
  for (const char name : {'a', 'b', 'c'}) list.push_back(*new Item(name));
  std::string visited;
  list.for_each([&](Item& item) {
    visited += item.name;
    const std::unique_ptr<Item> owned(&item);
  });
  CHECK(visited == "abc");
  CHECK(list.empty());
}

TEST_CASE("a member may move to another list while it is visited") {
  Item a('a'), b('b'), c('c');
  List list;
  List second;
  for (Item* item : {&a, &b, &c}) list.push_back(*item);
  list.for_each([&](Item& item) { second.push_back(item); });
  CHECK(list.empty());
  CHECK(names_of(second) == "abc");
}

TEST_CASE("splice_back moves all members behind those that are there") {
  Item a('a'), b('b'), c('c');
  List list;
  List second;
  list.push_back(a);
  second.push_back(b);
  second.push_back(c);
  list.splice_back(second);
  CHECK(names_of(list) == "abc");
  CHECK(second.empty());
}

TEST_CASE("pop_front takes the members in order and then nothing") {
  Item a('a'), b('b');
  List list;
  list.push_back(a);
  list.push_back(b);
  CHECK(list.pop_front() == &a);
  CHECK_FALSE(a.First::linked());
  CHECK(list.pop_front() == &b);
  CHECK(list.pop_front() == nullptr);
}

}  // namespace
}  // namespace onehop
