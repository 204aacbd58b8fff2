// SPDX-License-Identifier: MIT
// Stream: one request and its response on one connection, whatever protocol the connection speaks.
// Two mirror images: a ServerStream receives a request and sends a response (the client side), a
// ClientStream the other way round (the upstream side).
//
// What a stream tells, in order:
//
//   on_head (1xx first, on the client stream) · on_body* · on_trailers?
//                          with Ends::yes on the last of them
//   on_reset               may replace any of them and is the last of this list
//   on_room, on_stall      about sending, at any time until the stream is gone
//
// What may be asked of it, in order:
//
//   send_head (1xx first, on the server stream) · send_body* · send_trailers?
//                          with Ends::yes on the last of them
//
// Nothing is sent while the call lasts: the connection flushes at the end of the turn. After a 101
// both directions are a tunnel: on_body and send_body carry its bytes, Ends::yes is a half-close.
//
// No call of this interface raises an event before it returns. All on the loop's thread.
#pragma once

#include <cstdint>

#include "onehop/base/buffer.h"
#include "onehop/http/head.h"
#include "onehop/http/violation.h"
#include "onehop/net/error.h"

namespace onehop::http {

enum class Ends : uint8_t { no, yes };

// Why a stream ended before its messages did.
struct StreamError {
  Violation violation = Violation::gone;
  bool sent_anything = true;  // false: not one byte of our message can have reached the peer
  // Server stream: a response can still be sent (the last event all the same).
  bool may_answer = false;
  bool refused = false;           // the stream alone was turned away, and nothing was done for it
  bool connection_lives = false;  // the peer gave up this stream and no other
  // Client stream, of a connection that had served others. The peer had closed before its host had
  // a byte of our message; `proven_unseen`: and its application can not have had one since, which
  // is looked for where the method is not idempotent (docs/decisions/0049).
  bool closed_before = false;
  bool proven_unseen = false;
  net::NetError network = {};  // number 0 when the network was fine
};

template <class SentHead, class ReceivedHead>
class Stream {
 public:
  class Events {
   public:
    // Views in `head` are valid during the call. On the client stream there may be several 1xx
    // heads first.
    virtual void on_head(const ReceivedHead& head, Ends ends) = 0;
    virtual void on_body(Buffer& bytes, Ends ends) = 0;  // what is not taken out of `bytes` is lost
    virtual void on_trailers(const Fields& trailers) = 0;
    // All that was sent is in the kernel's hands, and has_room() is true. Once the sent message has
    // ended, this says it is out.
    virtual void on_room() = 0;
    // The peer does not take what was sent; on_room follows when it does.
    virtual void on_stall() = 0;
    virtual void on_reset(const StreamError& why) = 0;
    // A level, of the client stream over HTTP/2: bytes that have come and wait until they are
    // wanted. (Over HTTP/1.1 it is one small read, and the kernel keeps the rest.) Not told when
    // the stream ends, so whoever ends it forgets what was said. Neither stream may be ended in the
    // call.
    virtual void on_waiting([[maybe_unused]] size_t bytes) {}

   protected:
    ~Events() = default;
  };

  virtual void send_head(const SentHead& head, Ends ends) = 0;
  virtual void send_body(Buffer&& bytes,
                         Ends ends) = 0;  // an empty one with Ends::yes ends the message
  virtual void send_trailers(const Fields& trailers) = 0;

  // A level: false while too much waits to be sent. Sending is allowed all the same.
  virtual bool has_room() const = 0;

  // A level: whether on_body may be called. Off at first on the server stream, on on the client
  // stream. Pausing delivery does not hide the end of the connection: a bounded amount is still
  // read.
  virtual void set_reading(bool wanted) = 0;

  // Takes back what was sent of the message, if not one byte of it has left: then another can be
  // sent instead.
  virtual bool take_back() = 0;

  // A level, of the server stream: bytes that its owner keeps for the exchange, as a large head or
  // a body that may be sent again. They count with what waits for the client. Allowed until the
  // exchange ends, which sets it to 0.
  virtual void set_kept([[maybe_unused]] size_t bytes) {}

  // Gives the stream up: no more events, and nothing is sent but what was. A message already begun
  // is cut so that the peer can tell.
  virtual void reset() = 0;

 protected:
  ~Stream() = default;
};

using ServerStream = Stream<ResponseHead, RequestHead>;
using ClientStream = Stream<RequestHead, ResponseHead>;

}  // namespace onehop::http
