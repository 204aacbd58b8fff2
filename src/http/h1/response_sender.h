// SPDX-License-Identifier: MIT
// Writes the responses of one client's connection, one after the other, into its transport's
// output: how each is framed, how much of it is out, and what of it can still be taken back. What a
// response means for the connection is the connection's to decide.
//
//   begin -> interim* -> head -> body* -> (body with Ends::yes | trailers) -> begin ...
#pragma once

#include <cstdint>

#include "onehop/http/stream.h"
#include "onehop/net/transport.h"
#include "writer.h"

namespace onehop::http::h1 {

class ResponseSender {
 public:
  enum class Sent : uint8_t { nothing, head, all };

  // What of a request decides how its response is written.
  struct Asked {
    uint8_t version_minor = 1;
    bool is_head = false;           // of the method HEAD: there is no content
    bool expects_continue = false;  // the client may hold its body back until a 100
  };

  // Before the response of a request. `transport` outlives the response.
  void begin(net::Transport& transport, const Asked& asked);

  void interim(const ResponseHead& head);
  // `persistent`: another request may follow, which only a response that frames() ends by itself
  // allows.
  void head(const ResponseHead& head, Ends ends, bool persistent);
  // Bytes behind the end of a response, or before its head, are dropped.
  void body(Buffer&& bytes, Ends ends);
  void trailers(const Fields& trailers);

  // How a response with this head is framed.
  Framing frames(const ResponseHead& head, Ends ends) const;

  Sent sent() const noexcept { return sent_; }
  bool begun() const noexcept { return sent_ != Sent::nothing; }
  bool complete() const noexcept { return sent_ == Sent::all; }
  // A part is out, and only the connection's end could say that it is all.
  bool needs_close() const noexcept {
    return sent_ == Sent::head && framing_ == Framing::until_close;
  }
  // The client may hold its body back: it has not been told to go on.
  bool withholds_continue() const noexcept { return awaits_continue_; }

  // Takes everything back that was written since begin(), unless some of it has left.
  bool take_back();

 private:
  enum class Content : uint8_t { follows, none, never };

  Content content_of(const ResponseHead& head, Ends ends) const;
  static BodyLength length_to_say(const ResponseHead& head, Content content);

  net::Transport* transport_ = nullptr;
  uint64_t written_before_ = 0;  // bytes, when the response began
  Asked asked_;
  Sent sent_ = Sent::nothing;
  Framing framing_ = Framing::none;
  bool awaits_continue_ = false;
};

}  // namespace onehop::http::h1
