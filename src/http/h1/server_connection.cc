// SPDX-License-Identifier: MIT
#include "server_connection.h"

#include <algorithm>
#include <array>
#include <utility>

#include "look_ahead.h"
#include "onehop/base/assert.h"
#include "onehop/http/h1.h"
#include "parser.h"

namespace onehop::http::h1 {
namespace {

constexpr uint32_t kLingerBytes = 4 * 1024 * 1024;  // read and dropped while lingering
constexpr uint64_t kDiscardBytes = 64 * 1024;  // of a body, read and dropped to keep the connection

}  // namespace

void serve(net::Loop& loop, net::TransportPtr transport, const Client& client, Service& service,
           const ServerSettings& settings, ServerConnections& owner) {
  serve_either(loop, std::move(transport), client, service, settings, owner, nullptr);
}

void serve_either(net::Loop& loop, net::TransportPtr transport, const Client& client,
                  Service& service, const ServerSettings& settings, ServerConnections& owner,
                  TakeOver take_over) {
  auto connection = std::make_unique<H1ServerConnection>(loop, std::move(transport), client,
                                                         service, settings, owner, take_over);
  H1ServerConnection& started = *connection;
  owner.adopt(std::move(connection));
  started.start();
}

H1ServerConnection::H1ServerConnection(net::Loop& loop, net::TransportPtr transport,
                                       const Client& client, Service& service,
                                       const ServerSettings& settings, ServerConnections& owner,
                                       TakeOver take_over)
    : loop_(loop),
      transport_(std::move(transport)),
      service_(service),
      settings_(settings),
      owner_(owner),
      held_(owner.join(client), settings.limits.buffered_per_connection),
      client_(client),
      take_over_(take_over) {
  client_.attachment = &attachment_;
  settings_.counters.accepted.add();
  settings_.counters.open.add(1);
}

H1ServerConnection::~H1ServerConnection() {
  ONEHOP_ASSERT(state_ == State::closed);
  // Before its address has no connection any more.
  kept_.set(0);
  held_.set(0);
  owner_.leave(client_);
}

void H1ServerConnection::start() {
  transport_->set_events(*this);
  transport_->count_bytes(settings_.counters.bytes_received, settings_.counters.bytes_sent);
  transport_->set_reading(true);
  settings_.counters.idle.add(1);
  counted_idle_ = true;
  owner_.shedding().rests(*this, Rest::silent);
  // The first request's head has its own deadline from the start; a silent client is closed by it
  // too.
  const auto wait = settings_.timeouts.request_head;
  if (wait.count() > 0) loop_.arm(deadline_, static_cast<uint64_t>(wait.count()));
}

// A response that has begun has not said that it is the last one: its client may be sending the
// next request, which is answered, and is told. So does whoever is idle (edge case 84).
void H1ServerConnection::begin_drain(uint64_t idle_ms) {
  drain_ms_ = idle_ms;
  if (idle_ms == 0 || !response_.begun()) persistent_ = false;
  if (state_ != State::idle) return;
  if (idle_ms == 0) return close(telemetry::Closer::onehop);
  loop_.arm(deadline_, idle_ms);
}

void H1ServerConnection::on_bytes(Buffer& bytes) {
  if (state_ == State::lingering) {
    lingered_bytes_ += static_cast<uint32_t>(bytes.size());
    if (lingered_bytes_ > kLingerBytes) close(telemetry::Closer::onehop);
    return;
  }
  if (state_ == State::closed) return;
  const bool in_message = state_ == State::body || state_ == State::tunnel;
  if (!in_message) {
    times_.last_byte_ns = loop_.now_ns();
    if (state_ != State::head && pending_.empty()) arrived_ns_ = times_.last_byte_ns;
  }
  if (pending_.empty()) {
    process(bytes);
    if (in_message && !bytes.empty()) arrived_ns_ = loop_.now_ns();
    if (state_ != State::closed) pending_.append(std::move(bytes));
  } else {
    pending_.append(std::move(bytes));
    process(pending_);
  }
  if (state_ != State::closed) apply_reading();
}

void H1ServerConnection::on_end() {
  ended_ = true;
  if (state_ == State::lingering) return close(telemetry::Closer::peer);
  // Over TLS there is no half of a connection: who said close_notify takes nothing any more (RFC
  // 5246 7.2.1; no client of HTTP makes use of what RFC 8446 6.1 allows).
  if (client_.secure && state_ == State::answering) return on_error({});
  process(pending_);
  if (cancels_at_fin()) has_gone();
}

// A client that says FIN while it is answered, unless the whole response is on its way.
bool H1ServerConnection::cancels_at_fin() const noexcept {
  const bool answers = state_ == State::answering || state_ == State::body;
  return answers && !response_.complete() && fin_is_the_end();
}

void H1ServerConnection::has_gone() {
  StreamError why;
  why.violation = Violation::half_closed;
  tell_of_reset(why);
  close(telemetry::Closer::peer);
}

// Nearly every client that says FIN has closed its socket, and whoever works on for it works for
// nobody. What it is told already is sent to its end all the same.
bool H1ServerConnection::fin_is_the_end() const noexcept {
  return client_.listener != nullptr &&
         client_.listener->config.half_close == config::HalfClose::cancel;
}

void H1ServerConnection::on_error(net::NetError error) {
  StreamError why;
  why.violation = Violation::gone;
  why.network = error;
  tell_of_reset(why);
  close(telemetry::Closer::peer);
}

void H1ServerConnection::resume() {
  if (state_ == State::closed) return;
  if (state_ == State::idle) times_.last_byte_ns = loop_.now_ns();
  process(pending_);
  if (state_ != State::closed) apply_reading();
}

// As much of it as is there is the preface of a client with prior knowledge (RFC 9113 3.3).
bool H1ServerConnection::may_be_h2(const Buffer& bytes) const {
  if (take_over_ == nullptr) return false;
  std::string_view rest = kPreface;
  if (!rest.starts_with(bytes.front().substr(0, 2))) return false;
  std::array<iovec, kPreface.size()> slices;
  for (const iovec& slice : std::span(slices).first(bytes.gather(slices))) {
    const std::string_view text(static_cast<const char*>(slice.iov_base),
                                std::min(slice.iov_len, rest.size()));
    if (!rest.starts_with(text)) return false;
    rest.remove_prefix(text.size());
  }
  return true;
}

void H1ServerConnection::hand_over(Buffer& bytes) {
  state_ = State::closed;
  deadline_.disarm();
  resume_.unlink();
  Buffer first = std::move(bytes);
  take_over_(loop_, std::move(transport_), client_, service_, settings_, owner_, std::move(first));
  owner_.retire(*this);
}

// Goes on as far as what has come allows. Every callback may change the state, so it is looked at
// anew each time.
void H1ServerConnection::process(Buffer& bytes) {
  bool more = true;
  while (more) {
    switch (state_) {
      case State::idle:
        if (bytes.empty() || (ended_ && fin_is_the_end())) {
          if (ended_) close(telemetry::Closer::peer);
          return;
        }
        if (first_request_ && may_be_h2(bytes)) {
          if (bytes.size() < kPreface.size()) return;
          return hand_over(bytes);
        }
        Shedding::stirs(*this);
        // Requests that onehop answers itself end in the turn they begin in: whoever sends many
        // ahead would have the turn, and all of the worker, for itself.
        if (!requests_.take_one(loop_.turn())) return loop_.mark_later(resume_);
        first_request_ = false;
        state_ = State::head;
        times_.first_byte_ns = arrived_ns_;
        if (settings_.timeouts.request_head.count() > 0) {
          loop_.arm(deadline_, static_cast<uint64_t>(settings_.timeouts.request_head.count()));
        } else {
          deadline_.disarm();
        }
        break;
      case State::head:
        more = read_head(bytes);
        break;
      case State::body:
        more = read_body(bytes);
        break;
      case State::tunnel:
        more = read_tunnel(bytes);
        break;
      case State::discarding:
        more = discard_body(bytes);
        break;
      case State::answering:
        return;
      case State::lingering:
      case State::closed:
        bytes.clear();
        return;
    }
  }
}

bool H1ServerConnection::read_head(Buffer& bytes) {
  switch (head_.feed(bytes, settings_.limits.request_line, settings_.limits.request_head)) {
    case HeadReader::Status::complete:
      begin_request(bytes);
      return true;
    case HeadReader::Status::failed:
      fail(head_.violation());
      return true;
    case HeadReader::Status::incomplete:
      break;
  }
  if (!ListNode<Sheddable>::linked()) owner_.shedding().rests(*this, Rest::begun);
  if (ended_) {
    if (head_.started()) {
      fail(Violation::incomplete);
    } else {
      close(telemetry::Closer::peer);
    }
  }
  return false;
}

void H1ServerConnection::begin_request(Buffer& bytes) {
  Shedding::stirs(*this);
  deadline_.disarm();
  if (std::exchange(counted_idle_, false)) settings_.counters.idle.add(-1);
  auto parsed = parse_request(head_.head(), settings_.limits.head_fields, client_.targets());
  const auto fault =
      parsed.has_value() ? fault_behind(parsed->head, bytes) : std::optional(parsed.error());
  if (fault.has_value()) {
    fail(*fault);
    if (state_ != State::closed) head_.release(bytes);
    return;
  }
  const RequestHead& head = parsed->head;
  response_.begin(*transport_, {.version_minor = head.version_minor,
                                .is_head = head.method == Method::head,
                                .expects_continue = head.fields.find(FieldId::expect) != nullptr});
  delivering_ = false;
  client_closes_ = !parsed->persistent;
  persistent_ = parsed->persistent && !draining_ && !owner_.draining();
  Ends ends = Ends::no;
  if (head.body.kind == BodyLength::Kind::unknown) {
    body_.start_chunked(settings_.limits.request_head);
  } else if (head.body.bytes > 0) {
    body_.start_length(head.body.bytes);
  } else {
    ends = Ends::yes;
  }
  state_ = ends == Ends::yes ? State::answering : State::body;
  responder_ = service_.open(*this, client_, times_);
  responder_->on_head(head, ends);
  if (state_ == State::closed) return;
  head_.release(bytes);
  // A head that came alone: its sender may wait for our acknowledgement with the body.
  if (state_ == State::body && !response_.withholds_continue() && bytes.empty())
    transport_->acknowledge();
}

// What is wrong with as much of the body as came with its head.
std::optional<Violation> H1ServerConnection::fault_behind(const RequestHead& head,
                                                          const Buffer& bytes) {
  if (head.body.kind != BodyLength::Kind::unknown) return std::nullopt;
  return fault_ahead(bytes, head_.started() ? 0 : head_.head().size(), settings_.limits);
}

bool H1ServerConnection::read_body(Buffer& bytes) {
  if (!delivering_) return false;
  if (bytes.empty()) {
    if (ended_) fail(Violation::incomplete);
    return false;
  }
  Buffer out;
  switch (body_.read(bytes, out, loop_.turn())) {
    case BodyReader::Status::more:
      if (!out.empty()) responder_->on_body(out, Ends::no);
      return true;
    case BodyReader::Status::paused:
      if (!out.empty()) responder_->on_body(out, Ends::no);
      if (state_ != State::body) return true;
      loop_.mark_later(resume_);
      return false;
    case BodyReader::Status::end:
      end_body(out);
      return true;
    case BodyReader::Status::failed:
      fail(body_.violation());
      return true;
  }
  return false;
}

void H1ServerConnection::end_body(Buffer& out) {
  if (body_.trailers().empty()) {
    body_.release();
    state_ = State::answering;
    responder_->on_body(out, Ends::yes);
    return;
  }
  if (!out.empty()) responder_->on_body(out, Ends::no);
  if (state_ != State::body) return;
  const auto trailers =
      parse_trailers(body_.trailers(), field_room().first(settings_.limits.head_fields));
  if (!trailers.has_value()) return fail(trailers.error());
  state_ = State::answering;
  responder_->on_trailers(*trailers);
  body_.release();
}

// The rest of a body that nobody wants, so that the next request can be found behind it.
bool H1ServerConnection::discard_body(Buffer& bytes) {
  Buffer out;
  if (body_.read(bytes, out, loop_.turn()) == BodyReader::Status::end) {
    persistent_ ? become_idle() : linger();
    return true;
  }
  if (ended_) close(telemetry::Closer::peer);
  return false;
}

bool H1ServerConnection::may_discard() const {
  return !response_.withholds_continue() && body_.remaining().has_value() &&
         *body_.remaining() <= kDiscardBytes;
}

bool H1ServerConnection::read_tunnel(Buffer& bytes) {
  if (!delivering_ || end_delivered_) return false;
  if (!bytes.empty()) {
    Buffer out = std::move(bytes);
    responder_->on_body(out, Ends::no);
    return true;
  }
  if (ended_) {
    end_delivered_ = true;
    responder_->on_body(bytes, Ends::yes);
    if (state_ == State::tunnel)
      transport_->send();  // on_flush ends the exchange if both directions have ended
  }
  return false;
}

// The client broke the rules, or was too slow. Whoever answers gets a last chance to say so, unless
// the whole answer is on its way: it is what it is, and its deadline stays.
void H1ServerConnection::fail(Violation violation) {
  persistent_ = false;
  if (responder_ != nullptr && response_.complete()) {
    state_ = State::body;
    delivering_ = false;
    return;
  }
  Shedding::stirs(*this);
  deadline_.disarm();
  if (std::exchange(counted_idle_, false)) settings_.counters.idle.add(-1);
  if (responder_ == nullptr) {
    times_.last_byte_ns = loop_.now_ns();  // its head was waited for until now
    response_.begin(*transport_, {});
    responder_ = service_.open(*this, client_, times_);
  }
  state_ = State::body;  // what remains of the request is never read: its end, and what follows it,
                         // cannot be known
  delivering_ = false;
  StreamError why;
  why.violation = violation;
  why.may_answer = !response_.begun();
  why.sent_anything = response_.begun();
  responder_->on_reset(why);
  if (state_ != State::closed && !response_.complete()) reset();
}

}  // namespace onehop::http::h1
