// SPDX-License-Identifier: MIT
// Fuzz target: a replica's bytes into the client side of HTTP/2, with whoever asks doing all that a
// pool and its exchanges may do, at any moment.
//
//   byte 0: the connection, its settings and its end     the rest: decisions, action after action
//
// Promised is the contract of http/stream.h and of ClientConnection: the order of events, at most
// one last event and none after close_stream, none from within a call; the end of an idle
// connection is told once; and that windows are given for bytes that came and DATA is sent into
// windows that were given. Everything is destroyed at the end, in the middle of whatever it was
// doing.
#include <cerrno>
#include <list>
#include <memory>

#include "h2_line.h"
#include "onehop/http/connection.h"
#include "onehop/http/h2.h"

namespace onehop::fuzz {
namespace {

using http::Ends;

constexpr uint64_t kConnectionWindow = 16 * 1024 * 1024;
constexpr size_t kMostStreams = 40;

class Client;

// Asks one question. Of its policy: bit 0 closes its stream with the head, 1 with the end of the
// response, 2 when it is reset, 3 stops reading after each piece, 4 resets in the middle of a body,
// 5 asks again on the same connection when its stream is closed, 6 closes it when there is room.
class Asker final : public http::ClientStream::Events, public net::Retirable {
 public:
  Asker(Client& client, uint8_t policy, uint32_t id) : client_(client), policy_(policy), id_(id) {}

  void ask(http::ClientStream& stream, uint8_t how);
  void act(Choices& choices);
  void close();
  // The connection has ended: whoever wanted to hear has heard the end.
  void check_told() const { ONEHOP_ASSERT(!reading_ || given_up_ || told_of_end_ || got_end_); }

 private:
  // Events
  void on_head(const http::ResponseHead& head, Ends ends) override;
  void on_body(Buffer& bytes, Ends ends) override;
  void on_trailers(const http::Fields& trailers) override;
  void on_room() override;
  void on_stall() override { event(); }
  void on_reset(const http::StreamError& why) override;

  void event() const;
  void ended();
  bool may_send() const { return !closed_ && !given_up_ && !told_of_end_ && !end_sent_; }
  void send_body(Buffer&& bytes, Ends ends);
  void send_trailers();
  void read(bool wanted);
  void give_up();

  Client& client_;
  http::ClientStream* stream_ = nullptr;
  uint8_t policy_;
  uint32_t id_;
  uint64_t received_ = 0;
  bool got_head_ = false;
  bool got_end_ = false;
  bool reading_ = true;
  bool end_sent_ = false;
  bool given_up_ = false;
  bool told_of_end_ = false;
  bool closed_ = false;
};

class Client final : private http::ClientConnection::Events {
 public:
  explicit Client(std::span<const uint8_t> input)
      : choices_(input),
        how_(choices_.byte()),
        line_(loop_, "", http::kPreface, kConnectionWindow - kFirstWindow) {
    limits_.response_head = 4096;
    limits_.head_fields = 20;
    net::TransportPtr transport = line_.open();
    transport->count_bytes(counters().bytes_received, counters().bytes_sent);
    connection_ = http::h2::connect(loop_, std::move(transport), limits_, counters(), *this,
                                    {.secure = (how_ & 1) != 0, .max_stream_window = 128 * 1024});
    line_.growth = 64 * 1024;
    if ((how_ & 2) == 0) peer_.frame(FrameType::settings, 0, 0, "");
  }

  void run() {
    if ((how_ & 4) == 0) turn();
    while (!choices_.empty()) {
      const uint8_t action = choices_.byte();
      step(action % 32);
      if (action < 224) turn();  // else what follows happens in the same turn
    }
    finish();
  }

 private:
  friend class Asker;

  // The shard is large, and nothing in it matters to another input.
  static telemetry::EndpointShard& counters() {
    static telemetry::EndpointShard shard;
    return shard;
  }

  // ClientConnection::Events
  void on_idle_end(http::ClientConnection&, http::Violation) override {
    ONEHOP_ASSERT(calls_ == 0);
    ONEHOP_ASSERT(connection_ != nullptr && askers_.empty());
    discard();
  }
  void on_capacity(http::ClientConnection&) override {
    ONEHOP_ASSERT(calls_ == 0);
    ONEHOP_ASSERT(connection_ != nullptr);
  }

  // As a pool does with a connection that is of no more use.
  void discard() {
    connection_->abandon();
    loop_.retire(std::move(connection_));
  }

  void open(uint8_t policy, uint8_t how) {
    if (connection_ == nullptr || connection_->capacity() == 0 || opened_ == kMostStreams) return;
    const auto id = static_cast<uint32_t>(2 * opened_++ + 1);
    askers_.push_back(std::make_unique<Asker>(*this, policy, id));
    Asker& asker = *askers_.back();
    peer_.opened(id);
    const NoEvents call(calls_);
    asker.ask(connection_->open_stream(asker), how);
  }

  // As a pool does when a lease ends. The asker may be on the stack.
  void give_back(Asker& asker, http::ClientStream& stream) {
    http::StreamEnd end;
    {
      const NoEvents call(calls_);
      end = connection_->close_stream(stream);
    }
    const auto at = std::find_if(askers_.begin(), askers_.end(),
                                 [&](const auto& other) { return other.get() == &asker; });
    loop_.retire(std::move(*at));
    askers_.erase(at);
    if (askers_.empty() && end != http::StreamEnd::reusable) discard();
  }

  void step(uint8_t action) {
    const auto ends_turn = [this] { turn(); };
    if (act_around(action, choices_, peer_, line_, loop_, ends_turn)) return;
    switch (action) {
      case 20:
        return (choices_.byte() & 1) != 0 ? line_.end() : line_.fail(ECONNRESET);
      case 21:
        if (connection_ != nullptr && askers_.empty()) discard();
        return;
      default:
        return action < 26 ? ask() : act();
    }
  }

  void ask() {
    const uint8_t policy = choices_.byte();
    open(policy, choices_.byte());
  }

  void act() {
    if (!askers_.empty()) chosen(askers_, choices_)->act(choices_);
  }

  void turn() {
    loop_.end_turn();
    line_.check();
    ONEHOP_ASSERT(line_.out.data() <= sent_);
    ONEHOP_ASSERT((connection_ == nullptr) <= line_.closed());
    if (!line_.closed()) return;
    ONEHOP_ASSERT(connection_ == nullptr || !askers_.empty());
    for (const auto& asker : askers_) asker->check_told();
  }

  void finish() {
    line_.arrive(peer_.take());
    if ((how_ & 16) != 0) turn();
    if ((how_ >> 5 & 3) == 1) line_.fail(ECONNRESET);
    if ((how_ >> 5 & 3) == 2) line_.end();
    if ((how_ & 128) != 0) turn();
    while (!askers_.empty()) askers_.front()->close();
    if (connection_ != nullptr) discard();
    turn();
    ONEHOP_ASSERT(line_.closed());
  }

  Choices choices_;
  uint8_t how_;
  config::Limits limits_;
  FuzzLoop loop_;
  Line line_;
  PeerBytes peer_{PeerBytes::Role::server};
  std::unique_ptr<http::ClientConnection> connection_;
  std::list<std::unique_ptr<Asker>> askers_;  // that hold a stream
  size_t opened_ = 0;
  uint64_t sent_ = 0;
  int calls_ = 0;  // into a stream or the connection, on the stack
};

void Asker::ask(http::ClientStream& stream, uint8_t how) {
  constexpr std::array<std::pair<http::Method, std::string_view>, 4> kMethods = {
      {{http::Method::get, "GET"},
       {http::Method::head, "HEAD"},
       {http::Method::post, "POST"},
       {http::Method::put, "PUT"}}};
  stream_ = &stream;
  http::RequestHead head;
  head.method = kMethods[how % 4].first;
  head.method_text = kMethods[how % 4].second;
  head.target = "/";
  head.authority = "a";
  head.trailers_accepted = (how & 8) != 0;
  end_sent_ = (how & 4) != 0;
  if (!end_sent_) head.body = http::BodyLength::unknown();
  stream.send_head(head, end_sent_ ? Ends::yes : Ends::no);
}

void Asker::close() {
  if (std::exchange(closed_, true)) return;
  Client& client = client_;
  client.give_back(*this, *stream_);
  if ((policy_ & 32) != 0) client.open(policy_ & 0x9f, policy_);
}

void Asker::event() const {
  ONEHOP_ASSERT(client_.calls_ == 0);
  ONEHOP_ASSERT(!closed_);
  ONEHOP_ASSERT(!given_up_);
  ONEHOP_ASSERT(!told_of_end_);
}

void Asker::ended() {
  got_end_ = true;
  if ((policy_ & 2) != 0) close();
}

void Asker::on_head(const http::ResponseHead& head, Ends ends) {
  event();
  ONEHOP_ASSERT(!got_head_ && !got_end_);
  ONEHOP_ASSERT(head.status >= 100 && head.status <= 999 && head.status != 101);
  if (http::is_interim(head.status)) {
    ONEHOP_ASSERT(ends == Ends::no);
    return;
  }
  got_head_ = true;
  if ((policy_ & 1) != 0) return close();
  if (ends == Ends::yes) ended();
}

void Asker::on_body(Buffer& bytes, Ends ends) {
  event();
  ONEHOP_ASSERT(got_head_);
  ONEHOP_ASSERT(!got_end_);
  ONEHOP_ASSERT(reading_);
  ONEHOP_ASSERT(!bytes.empty() || ends == Ends::yes);
  received_ += bytes.size();
  ONEHOP_ASSERT(received_ <= client_.line_.in.stream(id_).data);
  if ((policy_ & 8) != 0) read(false);
  if (ends == Ends::yes) return ended();
  if ((policy_ & 16) != 0) give_up();
}

void Asker::on_trailers(const http::Fields&) {
  event();
  ONEHOP_ASSERT(got_head_);
  ONEHOP_ASSERT(!got_end_);
  ONEHOP_ASSERT(reading_);
  ended();
}

void Asker::on_room() {
  event();
  ONEHOP_ASSERT(stream_->has_room());
  if ((policy_ & 64) != 0) close();
}

void Asker::on_reset(const http::StreamError& why) {
  event();
  ONEHOP_ASSERT(!why.may_answer);
  ONEHOP_ASSERT(!why.refused || !why.sent_anything);
  told_of_end_ = true;
  if ((policy_ & 4) != 0) close();
}

void Asker::act(Choices& choices) {
  const uint8_t what = choices.byte();
  const Ends ends = (what & 8) != 0 ? Ends::yes : Ends::no;
  switch (what % 8) {
    case 0:
    case 1:
    case 2: {
      Buffer bytes;
      bytes.append(std::string(choices.byte() * 300u, 'q'));
      return send_body(std::move(bytes), ends);
    }
    case 3:
      return send_trailers();
    case 4:
    case 5:
      return read(!reading_);
    case 6:
      return give_up();
    default:
      return close();
  }
}

void Asker::send_body(Buffer&& bytes, Ends ends) {
  if (!may_send()) return;
  const NoEvents call(client_.calls_);
  client_.sent_ += bytes.size();
  end_sent_ = ends == Ends::yes;
  stream_->send_body(std::move(bytes), ends);
}

void Asker::send_trailers() {
  if (!may_send()) return;
  const NoEvents call(client_.calls_);
  std::array<http::Field, 1> room;
  http::Fields trailers(room);
  if ((policy_ & 1) == 0) trailers.add("x", "1");
  end_sent_ = true;
  stream_->send_trailers(trailers);
}

void Asker::read(bool wanted) {
  if (closed_ || given_up_) return;
  const NoEvents call(client_.calls_);
  reading_ = wanted;
  stream_->set_reading(wanted);
}

void Asker::give_up() {
  if (closed_ || given_up_ || told_of_end_) return;
  const NoEvents call(client_.calls_);
  given_up_ = true;
  stream_->reset();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  Client({bytes, size}).run();
  return 0;
}

}  // namespace onehop::fuzz
