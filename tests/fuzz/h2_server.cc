// SPDX-License-Identifier: MIT
// Fuzz target: a client's bytes into the server side of HTTP/2, with whoever answers doing all that
// a responder may do, at any moment.
//
//   byte 0: the connection, its preface and its end     the rest: decisions, one action after
//   another
//
// Promised is the contract of http/stream.h: the order of events, one last event, none from within
// a call, none of a message that was not asked for; and that windows are given for bytes that came
// and DATA is sent into windows that were given. Everything is destroyed at the end, in the middle
// of whatever it was doing.
#include <cerrno>
#include <list>

#include "h2_line.h"
#include "onehop/http/connection.h"
#include "onehop/http/h2.h"

namespace onehop::fuzz {
namespace {

using http::Ends;

constexpr uint64_t kConnectionWindow = 16 * 1024 * 1024;

class Server;

// Answers one request. Of its policy: bit 0 reads the body, 1 sends a head at once, 2 echoes the
// body, 3 ends the response at once, 4 resets in the middle of a body, 5 stops reading after each
// piece, 6 resets when there is room, 7 answers what is refused.
class Answerer final : public http::Responder {
 public:
  Answerer(Server& server, http::ServerStream& stream, uint8_t policy);
  ~Answerer() override;

  void act(Choices& choices);

 private:
  // Events
  void on_head(const http::RequestHead& head, Ends ends) override;
  void on_body(Buffer& bytes, Ends ends) override;
  void on_trailers(const http::Fields& trailers) override;
  void on_room() override;
  void on_stall() override { event(); }
  void on_reset(const http::StreamError& why) override;

  void event() const;
  bool is_over() const { return given_up_ || told_of_end_; }
  bool may_send_head() const { return !is_over() && !unheard_ && !head_sent_; }
  bool may_send_body() const { return !is_over() && head_sent_ && !end_sent_; }
  void interim();
  void send_head(int status, Ends ends);
  void send_body(Buffer&& bytes, Ends ends);
  void send_trailers();
  void read(bool wanted);
  void give_up();

  Server& server_;
  http::ServerStream& stream_;
  uint8_t policy_;
  bool upgrade_ = false;
  bool got_head_ = false;
  bool got_end_ = false;
  bool refused_ = false;  // a reset came that may be answered
  bool unheard_ = false;  // it was not
  bool reading_ = false;
  bool head_sent_ = false;
  bool tunnel_ = false;
  bool end_sent_ = false;
  bool end_is_out_ = false;
  bool given_up_ = false;
  bool told_of_end_ = false;
};

class Server final : public http::Service, public http::ServerConnections::Events {
 public:
  explicit Server(std::span<const uint8_t> input)
      : choices_(input),
        how_(choices_.byte()),
        line_(loop_, http::kPreface, "", kConnectionWindow - kFirstWindow) {
    settings_.limits.request_head = 4096;
    settings_.limits.head_fields = 20;
    settings_.http2.streams = 6;
    settings_.http2.stream_window = (how_ & 1) != 0 ? 1024 : 64 * 1024;
    settings_.http2.max_stream_window = 128 * 1024;
    line_.growth = settings_.http2.max_stream_window - settings_.http2.stream_window;
    settings_.http2.reset_burst = 12;
  }

  void run() {
    connect();
    turn();
    while (!choices_.empty()) {
      const uint8_t action = choices_.byte();
      step(action % 32);
      if (action < 224) turn();  // else what follows happens in the same turn
    }
    finish();
  }

 private:
  friend class Answerer;

  std::unique_ptr<http::Responder> open(http::ServerStream& stream, const http::Client&,
                                        const http::HeadTimes&) override {
    ONEHOP_ASSERT(calls_ == 0);
    return std::make_unique<Answerer>(*this, stream, choices_.byte());
  }
  void on_all_closed() override {}

  void connect() {
    if ((how_ & 2) == 0) {
      peer_.add(http::kPreface);
      peer_.frame(FrameType::settings, 0, 0, "");
    }
    if ((how_ & 4) != 0) connections_.drain(100);
    if ((how_ & 8) == 0) {
      http::h2::serve(loop_, line_.open(), client_, *this, settings_, connections_);
      return line_.arrive(peer_.take());
    }
    counters_.accepted.add();
    counters_.open.add(1);
    counters_.idle.add(1);
    Buffer first;
    first.append(peer_.take());
    line_.in.read(first.to_string());
    http::h2::take_over(loop_, line_.open(), client_, *this, settings_, connections_,
                        std::move(first));
  }

  void step(uint8_t action) {
    const auto ends_turn = [this] { turn(); };
    if (act_around(action, choices_, peer_, line_, loop_, ends_turn)) return;
    switch (action) {
      case 20:
        return line_.end();
      case 21:
        return connections_.drain(choices_.byte() * 2u);
      default:
        return answer();
    }
  }

  void answer() {
    if (!answerers_.empty()) chosen(answerers_, choices_)->act(choices_);
  }

  void turn() {
    loop_.end_turn();
    line_.check();
    ONEHOP_ASSERT(received_ <= line_.in.data());
    ONEHOP_ASSERT(line_.out.data() <= sent_);
    ONEHOP_ASSERT(counters_.open.value() == static_cast<int64_t>(connections_.size()));
    ONEHOP_ASSERT(answerers_.empty() || !line_.closed());
  }

  void finish() {
    line_.arrive(peer_.take());
    if ((how_ & 16) != 0) turn();
    switch (how_ >> 5 & 3) {
      case 0:
        break;
      case 1:
        line_.fail(ECONNRESET);
        break;
      case 2:
        line_.end();
        break;
      case 3:
        for (int i = 0; i < 40; ++i) {
          loop_.pass(10'000);
          turn();
        }
    }
    connections_.close_all();
    turn();
    ONEHOP_ASSERT(connections_.size() == 0 && answerers_.empty() && line_.closed());
    ONEHOP_ASSERT(counters_.idle.value() == 0);
  }

  Choices choices_;
  uint8_t how_;
  telemetry::DownstreamShard counters_;
  http::ServerSettings settings_{{}, {}, {}, counters_};
  http::Client client_;
  FuzzLoop loop_;
  Line line_;
  PeerBytes peer_{PeerBytes::Role::client};
  http::ServerConnections connections_{loop_, settings_, *this};
  std::list<Answerer*> answerers_;
  uint64_t received_ = 0;  // by answerers
  uint64_t sent_ = 0;
  int calls_ = 0;  // into a stream, on the stack
};

Answerer::Answerer(Server& server, http::ServerStream& stream, uint8_t policy)
    : server_(server), stream_(stream), policy_(policy) {
  server_.answerers_.push_back(this);
}

// Every stream ends: with a response that is out, with a reset that came, or with one of its own.
// Who does not answer what was refused hears no more of it.
Answerer::~Answerer() {
  ONEHOP_ASSERT(is_over() || end_is_out_ || unheard_);
  server_.answerers_.remove(this);
}

void Answerer::event() const {
  ONEHOP_ASSERT(server_.calls_ == 0);
  ONEHOP_ASSERT(!is_over());
}

void Answerer::on_head(const http::RequestHead& head, Ends ends) {
  event();
  ONEHOP_ASSERT(!got_head_ && !refused_);
  ONEHOP_ASSERT(!head.method_text.empty() && !head.target.empty());
  got_head_ = true;
  got_end_ = ends == Ends::yes;
  upgrade_ = !head.upgrade.empty();
  if ((policy_ & 1) != 0) read(true);
  if ((policy_ & 2) != 0) send_head(200, Ends::no);
  if ((policy_ & 8) != 0) send_body(Buffer(), Ends::yes);
}

void Answerer::on_body(Buffer& bytes, Ends ends) {
  event();
  ONEHOP_ASSERT(got_head_ && !refused_);
  ONEHOP_ASSERT(reading_);
  ONEHOP_ASSERT(!got_end_);
  ONEHOP_ASSERT(!bytes.empty() || ends == Ends::yes);
  got_end_ = ends == Ends::yes;
  server_.received_ += bytes.size();
  if ((policy_ & 4) != 0) send_body(std::move(bytes), ends);
  if ((policy_ & 32) != 0) read(false);
  if ((policy_ & 16) != 0) give_up();
}

void Answerer::on_trailers(const http::Fields&) {
  event();
  ONEHOP_ASSERT(got_head_ && !refused_);
  ONEHOP_ASSERT(reading_);
  ONEHOP_ASSERT(!got_end_);
  got_end_ = true;
  if ((policy_ & 4) != 0) send_trailers();
}

void Answerer::on_room() {
  event();
  ONEHOP_ASSERT(stream_.has_room());
  end_is_out_ = end_sent_;
  if ((policy_ & 64) != 0 && !end_sent_) give_up();
}

void Answerer::on_reset(const http::StreamError& why) {
  event();
  ONEHOP_ASSERT(!why.may_answer || !refused_);
  if (!why.may_answer) {
    told_of_end_ = true;
    return;
  }
  refused_ = true;
  unheard_ = (policy_ & 128) == 0;
  if (unheard_) return;
  send_head(431, Ends::no);
  send_body(Buffer(), Ends::yes);
}

void Answerer::act(Choices& choices) {
  const uint8_t what = choices.byte();
  const Ends ends = (what & 8) != 0 ? Ends::yes : Ends::no;
  switch (what % 8) {
    case 0:
      return interim();
    case 1:
      return send_head(upgrade_ ? 101 : 200, upgrade_ ? Ends::no : ends);
    case 2:
      return send_head(what < 128 ? 304 : 204, Ends::yes);
    case 3:
    case 4: {
      Buffer bytes;
      bytes.append(std::string(choices.byte() * 300u, 'r'));
      return send_body(std::move(bytes), ends);
    }
    case 5:
      return send_trailers();
    case 6:
      return read(!reading_);
    default:
      return what < 128 ? read(true) : give_up();
  }
}

void Answerer::interim() {
  if (!may_send_head()) return;
  const NoEvents call(server_.calls_);
  http::ResponseHead head;
  head.status = 103;
  stream_.send_head(head, Ends::no);
}

void Answerer::send_head(int status, Ends ends) {
  if (!may_send_head()) return;
  const NoEvents call(server_.calls_);
  http::ResponseHead head;
  head.status = status;
  if (ends == Ends::no) head.body = http::BodyLength::unknown();
  head_sent_ = true;
  end_sent_ = ends == Ends::yes;
  tunnel_ = status == 101;
  if (tunnel_) got_end_ = false;  // of the tunnel
  stream_.send_head(head, ends);
}

void Answerer::send_body(Buffer&& bytes, Ends ends) {
  if (!may_send_body()) return;
  const NoEvents call(server_.calls_);
  server_.sent_ += bytes.size();
  end_sent_ = ends == Ends::yes;
  stream_.send_body(std::move(bytes), ends);
}

void Answerer::send_trailers() {
  if (!may_send_body() || tunnel_) return;
  const NoEvents call(server_.calls_);
  std::array<http::Field, 1> room;
  http::Fields trailers(room);
  if ((policy_ & 32) == 0) trailers.add("grpc-status", "0");
  end_sent_ = true;
  stream_.send_trailers(trailers);
}

// Nothing is to be read of a request that was refused, nor before a 101: what comes is the
// tunnel's.
void Answerer::read(bool wanted) {
  if (is_over() || refused_ || reading_ == wanted || (upgrade_ && !tunnel_)) return;
  const NoEvents call(server_.calls_);
  reading_ = wanted;
  stream_.set_reading(wanted);
}

void Answerer::give_up() {
  if (is_over()) return;
  const NoEvents call(server_.calls_);
  given_up_ = true;
  stream_.reset();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  Server({bytes, size}).run();
  return 0;
}

}  // namespace onehop::fuzz
