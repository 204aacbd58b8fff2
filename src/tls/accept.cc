// SPDX-License-Identifier: MIT
// A server's handshake: the transport works, this waits for it with a deadline.
#include <utility>

#include "onehop/net/deadlines.h"
#include "onehop/net/loop.h"
#include "server_context.h"
#include "transport.h"

namespace onehop::tls {
namespace {

class ServerHandshake final : public Handshake, private TlsTransport::Waiter {
 public:
  ServerHandshake(net::Loop& loop, net::TransportPtr below,
                  std::shared_ptr<const OpenSslServerContext> context, Handshake::Events& events)
      : events_(events) {
    const uint64_t timeout_ms = static_cast<uint64_t>(context->handshake_timeout().count());
    SslPtr ssl = context->make_ssl();
    transport_ =
        new TlsTransport(loop, std::move(below), std::move(ssl), std::move(context), *this);
    owned_.reset(transport_);
    if (timeout_ms > 0) loop.arm(deadline_, timeout_ms);
  }
  bool silent() const override { return transport_->silent(); }

 private:
  // The receiver may destroy this object in each of the three calls.
  void on_secured() override {
    deadline_.disarm();
    events_.on_handshake_done(*this, std::move(owned_), transport_->session());
  }
  void on_not_secured(Failure failure, std::string_view detail) override {
    deadline_.disarm();
    const std::string words(detail);
    owned_.reset();
    events_.on_handshake_failed(*this, failure, words);
  }
  void on_deadline() {
    owned_.reset();
    events_.on_handshake_failed(*this, Failure::timeout, sentence_of(Failure::timeout));
  }

  Handshake::Events& events_;
  net::TransportPtr owned_;
  TlsTransport* transport_ = nullptr;
  net::Deadline deadline_{this, net::DeadlineThunk<&ServerHandshake::on_deadline>::call};
};

}  // namespace

std::unique_ptr<Handshake> accept(net::Loop& loop, net::TransportPtr transport,
                                  std::shared_ptr<const ServerContext> context,
                                  Handshake::Events& events) {
  return std::make_unique<ServerHandshake>(
      loop, std::move(transport),
      std::static_pointer_cast<const OpenSslServerContext>(std::move(context)), events);
}

}  // namespace onehop::tls
