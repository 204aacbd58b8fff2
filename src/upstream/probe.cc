// SPDX-License-Identifier: MIT
#include "probe.h"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "onehop/config/units.h"
#include "onehop/http/h1.h"
#include "onehop/http/h2.h"

namespace onehop::upstream {
namespace {

using config::HealthCheck;
using Says = ProbeVerdict::Says;

constexpr std::string_view kAgent = "onehop-health-check";

}  // namespace

Probe::Probe(Parts parts) : parts_(std::move(parts)), answer_(*parts_.health) {}

Probe::~Probe() {
  release();
}

Result<void, net::NetError> Probe::start() {
  auto dial = parts_.dialer.any().dial(parts_.address, *this);
  if (!dial.has_value()) return Unexpected<net::NetError>(dial.error());
  dial_ = std::move(*dial);
  parts_.loop.arm(deadline_, static_cast<uint64_t>(parts_.health->timeout.count()));
  return {};
}

void Probe::on_connected(net::TransportPtr transport) {
  if (parts_.health->check == HealthCheck::tcp) {
    // Whoever waits for a PROXY header has it before the end.
    if (transport->unsent() > 0) transport->flush();
    transport.reset();
    return end({Says::passed,
                parts_.dialer.secure() ? "it took a connection of TLS" : "it took a connection"});
  }
  const bool secure = parts_.dialer.secure();
  const bool h2 = secure ? transport->application_protocol() == "h2"
                         : parts_.protocol == config::UpstreamProtocol::h2;
  if (parts_.health->check == HealthCheck::grpc && !h2) {
    transport.reset();
    return fail("it does not speak HTTP/2, which gRPC needs");
  }
  http::h2::ConnectOptions options;
  options.secure = secure;
  http::ClientConnection::Events& owner = *this;
  connection_ = h2 ? http::h2::connect(parts_.loop, std::move(transport), parts_.limits,
                                       parts_.counters, owner, options)
                   : http::h1::connect(parts_.loop, std::move(transport), parts_.limits,
                                       parts_.counters, owner);
  ask();
}

void Probe::ask() {
  const config::Health& health = *parts_.health;
  const bool grpc = health.check == HealthCheck::grpc;
  http::RequestHead head;
  head.method_text = grpc ? std::string_view("POST") : std::string_view(health.method);
  head.method = http::method_of(head.method_text);
  head.target =
      grpc ? std::string_view("/grpc.health.v1.Health/Check") : std::string_view(health.path);
  head.authority = parts_.authority;
  head.fields = http::Fields(fields_);
  head.fields.add("User-Agent", kAgent);
  http::ClientStream::Events& events = *this;
  stream_ = &connection_->open_stream(events);
  if (!grpc) return stream_->send_head(head, http::Ends::yes);
  Buffer question;
  question.append(grpc_question(health.service));
  head.fields.add("Content-Type", "application/grpc");
  head.trailers_accepted = true;
  head.body = http::BodyLength::of(question.size());
  stream_->send_head(head, http::Ends::no);
  stream_->send_body(std::move(question), http::Ends::yes);
}

void Probe::on_dial_failed(net::NetError error) {
  if (error.is_local_fault()) return end({Says::nothing, std::string(error.sentence())});
  if (error.is_tls_failure()) return fail("no TLS with it: " + parts_.dialer.fault());
  if (error.number == ECONNREFUSED) return fail("it refused the connection");
  fail(fmt::format("no connection to it: {}", error.sentence()));
}

void Probe::on_head(const http::ResponseHead& head, http::Ends ends) {
  if (http::is_interim(head.status)) return;
  answer_.on_head(head);
  if (ends == http::Ends::yes) end(answer_.verdict());
}

// The whole answer is waited for, so that the endpoint does not see a connection that breaks.
void Probe::on_body(Buffer& bytes, http::Ends ends) {
  answer_.on_body(bytes);
  if (ends == http::Ends::yes || answer_.is_enough()) end(answer_.verdict());
}

void Probe::on_trailers(const http::Fields& trailers) {
  answer_.on_trailers(trailers);
  end(answer_.verdict());
}

void Probe::on_reset(const http::StreamError& why) {
  if (answer_.is_refused()) return end(answer_.verdict());
  if (why.violation == http::Violation::gone) {
    return fail(why.network.is_tls_failure() ? "TLS with it broke"
                                             : "it closed the connection without an answer");
  }
  if (why.violation == http::Violation::incomplete)
    return fail("its answer ended before it was whole");
  fail(
      fmt::format("its answer breaks the rules of HTTP: {}", http::row_of(why.violation).sentence));
}

void Probe::on_deadline() {
  if (answer_.is_refused()) return end(answer_.verdict());
  const std::string_view what = connection_ == nullptr ? "no connection" : "no whole answer";
  fail(fmt::format("{} within {}", what, config::duration_text(parts_.health->timeout)));
}

void Probe::end(const ProbeVerdict& verdict) {
  release();
  parts_.events.on_probed(verdict);
}

// The connection may be on the stack.
void Probe::release() {
  deadline_.disarm();
  dial_.reset();
  if (connection_ == nullptr) return;
  if (stream_ != nullptr) connection_->close_stream(*std::exchange(stream_, nullptr));
  connection_->abandon();
  parts_.loop.retire(std::move(connection_));
}

}  // namespace onehop::upstream
