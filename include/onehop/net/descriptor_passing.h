// SPDX-License-Identifier: MIT
// Descriptors, such as listening sockets, that one process gives to another: they go with messages
// over a unix socket (SCM_RIGHTS), whose ends know who the other is (SO_PEERCRED).
//
// The sockets are of SOCK_SEQPACKET: a message arrives whole or not at all.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "onehop/base/address.h"
#include "onehop/base/result.h"
#include "onehop/net/error.h"

namespace onehop::net {

// A descriptor that somebody owns. Move-only; closes in its destructor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  // Another one of the same open file; empty when there is none to be had.
  static Descriptor duplicate_of(int number);

  int get() const noexcept { return number_; }
  int release() noexcept { return std::exchange(number_, -1); }
  explicit operator bool() const noexcept { return number_ >= 0; }

 private:
  int number_ = -1;
};

// One end, which never blocks but in wait().
class MessageSocket {
 public:
  static constexpr size_t kMostBytes = 32 * 1024;
  static constexpr size_t kMostDescriptors = 64;  // the kernel takes 253

  struct Message {
    std::string text;
    std::vector<Descriptor> descriptors;
  };

  MessageSocket() = default;
  explicit MessageSocket(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  // Both ends, for a process that starts another one.
  static Result<std::pair<MessageSocket, MessageSocket>, NetError> pair();

  // To whoever listens at an abstract name: one without a file, of the network namespace.
  static Result<MessageSocket, NetError> connect(const std::string& name);

  // Who is at the other end: who connected, or who listens.
  Address::Process peer() const;

  // Within the limits above; what is longer is cut. Not empty.
  Result<void, NetError> send(std::string_view text, std::span<const Descriptor> with = {}) const;

  // Nothing: the other end is closed. EAGAIN: there is no message yet.
  Result<std::optional<Message>, NetError> receive() const;

  // Whether a message, or the end, came within the time.
  bool wait(int milliseconds) const;

  int descriptor() const noexcept { return descriptor_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(descriptor_); }
  Descriptor release() { return std::move(descriptor_); }

 private:
  Descriptor descriptor_;
};

// Listens at an abstract name. EADDRINUSE: somebody else does.
Result<Descriptor, NetError> listen_at_name(const std::string& name);

// Again, by another process that was given the socket: those who connect from now on are told of
// it.
void listen_anew(const Descriptor& listening);

// The next who connected; nothing when there is none.
std::optional<MessageSocket> accept_one(const Descriptor& listening);

}  // namespace onehop::net
