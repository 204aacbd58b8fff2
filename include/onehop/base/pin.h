// SPDX-License-Identifier: MIT
// Pins: how something of one thread is kept while it is in use. A plain count, for the path of a
// request, where the count of a shared_ptr would be a locked instruction.
#pragma once

#include <cstdint>
#include <utility>

namespace onehop {

// What can be pinned. Whoever owns it is told when the last pin is gone.
class Pinned {
 public:
  Pinned() = default;
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  virtual ~Pinned() = default;

  bool pinned() const noexcept { return pins_ > 0; }

 protected:
  virtual void on_unpinned() = 0;

 private:
  template <class T>
  friend class Pin;
  uint32_t pins_ = 0;
};

// `T` is a Pinned. A pin without an object holds nothing.
template <class T>
class Pin {
 public:
  Pin() = default;
  explicit Pin(T& object) noexcept : object_(&object) { ++base().pins_; }
  Pin(Pin&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Pin& operator=(Pin&& other) noexcept {
    if (this != &other) {
      reset();
      object_ = std::exchange(other.object_, nullptr);
    }
    return *this;
  }
  ~Pin() { reset(); }

  void reset() noexcept {
    if (object_ == nullptr) return;
    Pinned& gone = base();
    object_ = nullptr;
    if (--gone.pins_ == 0) gone.on_unpinned();
  }
  explicit operator bool() const noexcept { return object_ != nullptr; }
  T* get() const noexcept { return object_; }
  T& operator*() const noexcept { return *object_; }
  T* operator->() const noexcept { return object_; }

 private:
  Pinned& base() const noexcept { return *object_; }
  T* object_ = nullptr;
};

}  // namespace onehop
