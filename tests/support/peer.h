// SPDX-License-Identifier: MIT
// One end of a TCP connection, held by a test: a client of the proxy, or a connection that a
// scripted origin accepted. It blocks, every call has a deadline, and what goes wrong is thrown as
// a PeerError that says what was expected and what came.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tests/support/deadline.h"
#include "tests/support/message.h"

namespace onehop::test {

class PeerError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class End { closed, reset };

// What still came, and how the other side ended the connection.
struct Rest {
  std::string bytes;
  End end = End::closed;
};

class Peer {
 public:
  explicit Peer(int fd);  // owns it
  Peer(Peer&& other) noexcept;
  Peer& operator=(Peer&& other) noexcept;
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  virtual ~Peer();

  // `receive_buffer` 0 leaves the kernel's size.
  static Peer connect(const std::string& address, int receive_buffer = 0);

  void send(std::string_view bytes);
  bool try_send(std::string_view bytes);  // false when the other side is gone
  // Sends as much of `bytes` as the other side takes until it takes nothing for `quiet`; returns
  // how much that was.
  size_t send_until_stuck(std::string_view bytes, milliseconds quiet = milliseconds(150));
  // Waits until the process at the other end has read everything sent so far (as far as the kernel
  // can tell).
  void wait_until_read();

  std::string read_some();      // "" at the end; throws on reset
  std::string try_read_some();  // "" at the end, by a reset too
  std::string read_exact(size_t size);
  std::string read_through(std::string_view mark);  // up to and with the mark
  Rest read_rest();                   // until the end of the connection, whichever it is
  End wait_end();                     // the same, and throws when any byte comes first
  bool quiet_for(milliseconds time);  // nothing comes, not even an end

  std::optional<Request> read_request_head();  // nullopt: the connection ended before a byte of it
  std::optional<Request> read_request();       // with its body
  Response read_response_head();
  // `method` is what was asked: a HEAD has no body. A 1xx is a response of its own.
  Response read_response(std::string_view method = "GET");
  Response final_response(std::string_view method = "GET");  // passes over 1xx
  std::string read_chunk();  // the data of one chunk; "" is the last

  void half_close();  // no more from this side; reading goes on
  void reset();       // RST, at once
  void close();
  void
  shut();  // ends both directions and wakes whoever blocks in here; callable from another thread

  uint16_t local_port() const;
  int fd() const { return fd_; }

 protected:
  void read_body(Message& message, bool until_close);

 private:
  enum class Got { bytes, closed, reset, nothing };
  Got receive(Deadline deadline);
  void need(Deadline deadline, std::string_view what);
  void read_chunked(Message& message);
  std::string take(size_t size);

  int fd_ = -1;
  std::string input_;  // received, not consumed
};

using Client = Peer;

}  // namespace onehop::test
