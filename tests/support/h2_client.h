// SPDX-License-Identifier: MIT
// One end of an HTTP/2 connection, frame by frame, so that a test can misbehave. It is written by
// hand but for the inflater, hence no witness of onehop's own errors: what it is told to send it
// sends, what comes it keeps.
//
// Polite by default: it acknowledges SETTINGS and PING, and gives back the windows that DATA takes.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/support/h2_constants.h"
#include "tests/support/message.h"
#include "tests/support/peer.h"

namespace onehop::test {

// RFC 9113 7.
constexpr uint32_t kNoError = 0;
constexpr uint32_t kProtocolError = 1;
constexpr uint32_t kFlowControlError = 3;
constexpr uint32_t kRefusedStream = 7;
constexpr uint32_t kCancel = 8;
constexpr uint32_t kEnhanceYourCalm = 11;

// The largest window (RFC 9113 6.9.1), and what a window has at first.
constexpr uint32_t kLargestWindow = 0x7fffffff;
constexpr uint32_t kFirstWindow = 65535;

// RFC 9113 6.5.2.
constexpr uint16_t kMaxConcurrentStreams = 3;
constexpr uint16_t kInitialWindowSize = 4;

struct H2Frame {
  H2Type type = H2Type::data;
  uint8_t flags = 0;
  int32_t stream = 0;
  std::string payload = {};

  std::string wire() const;
};

using H2Fields = std::vector<std::pair<std::string, std::string>>;
using H2Settings = std::vector<std::pair<uint16_t, uint32_t>>;

std::string h2_number(uint32_t value);                // four bytes
std::string h2_block(const H2Fields& fields);         // HPACK, each a literal without indexing
std::string h2_secret_block(const H2Fields& fields);  // the same, never to be indexed
H2Frame h2_headers(int32_t id, const H2Fields& fields, uint8_t flags);
H2Frame h2_settings(const H2Settings& settings);
H2Frame h2_reset(int32_t id, uint32_t error = kCancel);
H2Frame h2_window_update(int32_t id, uint32_t increment);
H2Frame h2_goaway(int32_t last_id, uint32_t error = kNoError);

// The pseudo-fields of a request, then `more`.
H2Fields h2_request(const std::string& method = "GET", const std::string& path = "/",
                    const H2Fields& more = {});

// What came on a stream.
struct H2Exchange {
  std::vector<FieldList> heads;  // pseudo-fields too; the interim ones first
  std::string body;
  FieldList trailers;
  std::set<std::string> never_indexed;  // names, of heads and trailers
  bool ended = false;
  std::optional<uint32_t> reset;  // the error of RST_STREAM
  int64_t window = 65535;         // what may be sent

  bool over() const { return ended || reset.has_value(); }
  int status() const;  // of the last head; 0 when there is none
};

enum class H2Ends { no, yes };

class H2Peer {
 public:
  enum class Role { client, server };
  enum class Windows { given_back, kept };

  // A client sends its preface at once, a server waits for it; both send `settings`.
  H2Peer(Peer& peer, Role role, const H2Settings& settings = {});
  explicit H2Peer(Peer&& peer, const H2Settings& settings = {});  // a client
  static H2Peer connect(const std::string& address, const H2Settings& settings = {});
  H2Peer(H2Peer&&) noexcept;
  ~H2Peer();

  Peer& peer() { return *peer_; }
  void keep_windows() { windows_ = Windows::kept; }

  void send(const H2Frame& frame) { peer_->send(frame.wire()); }
  bool try_send(std::string_view bytes) { return peer_->try_send(bytes); }

  // A request on the next stream; returns the stream.
  int32_t request(const H2Fields& fields, H2Ends ends = H2Ends::yes);
  int32_t next_id() const { return next_id_; }
  // Sends all of it, as the windows allow; false when the stream was reset or the connection ended.
  bool data(int32_t id, std::string_view bytes, H2Ends ends = H2Ends::no);
  int64_t room(int32_t id);  // bytes that the windows allow now

  // Takes one frame; false when the connection has ended. Throws when none comes in time.
  bool step();

  // Takes frames until the condition holds; false when the connection ended before.
  template <class Condition>
  bool await(Condition condition) {
    while (!condition()) {
      if (!step()) return condition();
    }
    return true;
  }

  const H2Exchange& exchange(int32_t id) { return exchanges_[id]; }
  const H2Exchange& finish(int32_t id);  // waits until it is over
  Response response(int32_t id);         // the same, as for HTTP/1.1
  bool answers(int pings = 1);           // a PING is acknowledged
  bool ended() const { return ended_; }
  std::optional<uint32_t> goaway() const { return goaway_; }  // the error of the last one
  const std::vector<int32_t>& goaway_ids() const { return goaway_ids_; }
  const std::vector<H2Frame>& control() const { return control_; }  // SETTINGS, PING, ...
  // Server: a stream with a complete head that has not been taken yet; waits. 0 at the end.
  int32_t accept();

 private:
  struct Inflater;

  std::optional<H2Frame> read_frame();
  void take(const H2Frame& frame);
  void take_head(const H2Frame& frame);
  void take_data(const H2Frame& frame);
  void take_settings(const H2Frame& frame);
  void acknowledge(const H2Frame& frame);

  std::unique_ptr<Peer> own_;
  Peer* peer_;
  std::unique_ptr<Inflater> inflater_;
  std::string input_;
  std::string block_;
  uint8_t block_flags_ = 0;
  std::map<int32_t, H2Exchange> exchanges_;
  std::vector<H2Frame> control_;
  std::vector<int32_t> accepted_;
  std::vector<int32_t> goaway_ids_;
  std::optional<uint32_t> goaway_;
  Windows windows_ = Windows::given_back;
  int64_t window_ = 65535;
  int64_t initial_window_ = 65535;
  int32_t next_id_ = 1;
  int pings_ = 0;
  bool ended_ = false;
};

}  // namespace onehop::test
