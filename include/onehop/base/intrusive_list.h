// SPDX-License-Identifier: MIT
// A doubly linked list whose nodes are part of their objects: joining and leaving allocate nothing,
// and an object that dies leaves its lists by itself. An object that is in two lists inherits two
// nodes with different tags.
#pragma once

#include <cstddef>

namespace onehop {

template <class Tag>
class ListNode {
 public:
  ListNode() = default;
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;
  ~ListNode() { unlink(); }

  bool linked() const noexcept { return next_ != this; }
  void unlink() noexcept {
    previous_->next_ = next_;
    next_->previous_ = previous_;
    previous_ = next_ = this;
  }

 private:
  template <class, class>
  friend class IntrusiveList;
  void insert_before(ListNode& position) noexcept {
    unlink();
    previous_ = position.previous_;
    next_ = &position;
    previous_->next_ = this;
    position.previous_ = this;
  }

  ListNode* previous_ = this;
  ListNode* next_ = this;
};

// T derives from ListNode<Tag>. The list does not own its members.
template <class T, class Tag = T>
class IntrusiveList {
  using Node = ListNode<Tag>;

 public:
  IntrusiveList() = default;
  ~IntrusiveList() { clear(); }

  bool empty() const noexcept { return !head_.linked(); }
  T* front() noexcept { return empty() ? nullptr : static_cast<T*>(head_.next_); }
  T* back() noexcept { return empty() ? nullptr : static_cast<T*>(head_.previous_); }
  void push_back(T& item) noexcept { static_cast<Node&>(item).insert_before(head_); }
  void push_front(T& item) noexcept { static_cast<Node&>(item).insert_before(*head_.next_); }

  T* pop_front() noexcept {
    T* item = front();
    if (item != nullptr) static_cast<Node*>(item)->unlink();
    return item;
  }

  // Moves all members of `other` to the end of this list.
  void splice_back(IntrusiveList& other) noexcept {
    while (T* item = other.pop_front()) push_back(*item);
  }

  // Unlinks all members; they live on.
  void clear() noexcept {
    while (pop_front() != nullptr) {
    }
  }

  // Calls visit(T&) for every member. The visited member may unlink itself; others must stay.
  template <class Visit>
  void for_each(Visit visit) {
    for (Node* node = head_.next_; node != &head_;) {
      Node* next = node->next_;
      visit(*static_cast<T*>(node));
      node = next;
    }
  }

  // The first member of which is(const T&) is true, from the front; null when there is none.
  template <class Is>
  T* find_if(Is is) {
    for (Node* node = head_.next_; node != &head_; node = node->next_) {
      if (is(*static_cast<const T*>(node))) return static_cast<T*>(node);
    }
    return nullptr;
  }

 private:
  Node head_;
};

}  // namespace onehop
