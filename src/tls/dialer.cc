// SPDX-License-Identifier: MIT
// A dial in two steps: what is below connects, then the handshake; who gives the dial up gives up
// both.
#include <cerrno>
#include <utility>

#include "client_context.h"
#include "onehop/net/deadlines.h"
#include "onehop/net/loop.h"
#include "transport.h"

namespace onehop::tls {
namespace {

class TlsDial final : public net::Dial, private net::Dial::Events, private TlsTransport::Waiter {
 public:
  TlsDial(net::Loop& loop, std::shared_ptr<Endpoint> endpoint, DialObserver* observer,
          net::Dial::Events& events)
      : loop_(loop), endpoint_(std::move(endpoint)), observer_(observer), events_(events) {}
  ~TlsDial() override { stop_counting(); }

  Result<void, net::NetError> start(net::Dialer& below, const Address& address) {
    auto dial = below.dial(address, *this);
    if (!dial.has_value()) return Unexpected<net::NetError>(dial.error());
    connecting_ = std::move(*dial);
    return {};
  }

 private:
  void on_connected(net::TransportPtr below) override {
    connecting_.reset();
    began_ns_ = loop_.now_ns();
    counted_ = observer_ != nullptr;
    if (counted_) observer_->on_handshakes(1);
    transport_ = new TlsTransport(loop_, std::move(below), endpoint_->make_ssl(), endpoint_, *this);
    transport_->tell_of_refusal(*endpoint_);
    owned_.reset(transport_);
    const auto timeout = endpoint_->context().settings().handshake_timeout;
    if (timeout.count() > 0) loop_.arm(deadline_, static_cast<uint64_t>(timeout.count()));
    events_.on_reached();
  }
  // The receiver may destroy this object in each of the calls below.
  void on_dial_failed(net::NetError error) override { events_.on_dial_failed(error); }

  void on_secured() override {
    const Session& session = transport_->session();
    if (endpoint_->context().protocol() == config::UpstreamProtocol::h2 &&
        session.application_protocol != "h2")
      return give_up(Failure::no_shared_protocol, net::kTlsFailed);
    deadline_.disarm();
    stop_counting();
    if (observer_ != nullptr) observer_->on_handshake(session.resumed, loop_.now_ns() - began_ns_);
    events_.on_connected(std::move(owned_));
  }
  void on_not_secured(Failure failure, std::string_view detail) override {
    give_up(failure, net::kTlsFailed, std::string(detail));
  }
  void on_deadline() { give_up(Failure::timeout, ETIMEDOUT); }

  void give_up(Failure failure, int number, const std::string& detail = "") {
    deadline_.disarm();
    owned_.reset();
    stop_counting();
    if (observer_ != nullptr) observer_->on_handshake_failed(failure, detail);
    events_.on_dial_failed({number});
  }

  void stop_counting() {
    if (std::exchange(counted_, false)) observer_->on_handshakes(-1);
  }

  net::Loop& loop_;
  std::shared_ptr<Endpoint> endpoint_;
  DialObserver* observer_;
  net::Dial::Events& events_;
  std::unique_ptr<net::Dial> connecting_;
  net::TransportPtr owned_;
  TlsTransport* transport_ = nullptr;
  uint64_t began_ns_ = 0;
  bool counted_ = false;  // as a handshake in progress
  net::Deadline deadline_{this, net::DeadlineThunk<&TlsDial::on_deadline>::call};
};

}  // namespace

Dialer::Dialer(net::Loop& loop, net::Dialer& below, std::shared_ptr<const ClientContext> context,
               std::string host, DialObserver* observer, Offer offer)
    : loop_(loop),
      below_(below),
      host_(std::move(host)),
      offer_(offer),
      observer_(std::make_shared<DialObserver*>(observer)) {
  use(std::move(context));
}

void Dialer::use(std::shared_ptr<const ClientContext> context) {
  endpoint_ = std::make_shared<Endpoint>(
      std::static_pointer_cast<const OpenSslClientContext>(std::move(context)), host_,
      offer_ == Offer::http1, observer_);
}

Dialer::~Dialer() {
  *observer_ = nullptr;
}

Result<std::unique_ptr<net::Dial>, net::NetError> Dialer::dial(const Address& address,
                                                               net::Dial::Events& events) {
  auto dial = std::make_unique<TlsDial>(loop_, endpoint_, *observer_, events);
  const auto started = dial->start(below_, address);
  if (!started.has_value()) return Unexpected<net::NetError>(started.error());
  return std::unique_ptr<net::Dial>(std::move(dial));
}

}  // namespace onehop::tls
