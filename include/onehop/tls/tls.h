// SPDX-License-Identifier: MIT
// The door to TLS (RFC 8446, RFC 5246): contexts made of files, and handshakes that turn a
// transport into one that encrypts. Everything right of here sees a net::Transport.
//
//   listener:  ServerContext::make -> accept(transport) -> on_handshake_done(TLS transport)
//   upstream:  ClientContext::make -> Dialer(net dialer) -> on_connected(TLS transport)
//
// A TLS transport counts plain bytes, which are written once they are encrypted. Its on_end is the
// peer's close_notify; an end without one is a truncation, which is on_error with net::kTlsFailed,
// as is whatever breaks the protocol.
//
// Contexts are immutable and shared by all workers; a changed certificate makes a new one, and
// connections keep the one they began with. Handshakes and transports belong to one loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/config/load.h"
#include "onehop/net/dialer.h"
#include "onehop/net/transport.h"
#include "onehop/telemetry/tls.h"

namespace onehop::tls {

// Why a handshake failed; the table is in telemetry, where the reasons are counted.
enum class Failure : uint8_t {
#define X(name, sentence) name,
  ONEHOP_TLS_FAILURES(X)
#undef X
};
std::string_view name_of(Failure failure);
std::string_view sentence_of(Failure failure);

// What a handshake agreed on. Views live as long as the transport.
struct Session {
  bool resumed = false;
  std::string_view version;               // "TLSv1.3"
  std::string_view cipher;                // "TLS_AES_128_GCM_SHA256"
  std::string_view application_protocol;  // "h2", "http/1.1" or empty
  std::string_view server_name;           // the SNI; empty: none
  std::string_view peer_subject;          // RFC 4514, of a verified client certificate; or empty
  std::string_view peer_fingerprint;      // SHA-256, 64 hexadecimal digits; or empty
};

// Keys that encrypt session tickets, shared by all workers of a listener. A key encrypts for one
// `rotation` and decrypts for one more. Thread-safe.
class TicketKeys;

// Expiry of a certificate that is in use, for a metric.
struct CertificateExpiry {
  std::string file;
  std::string subject;
  std::chrono::system_clock::time_point not_after;
};

// What handshakes are made with: files that were read, and settings. make() reads them; with
// `previous`, of an earlier time, it keeps those that are the same still or are no good now: each
// certificate (with its key) and each list of authorities stands for itself, and what is refused is
// a warning, once. An error is one sentence behind its key, and names the file. Further warnings
// are of keys that others can read.
class Context {
 public:
  virtual ~Context() = default;

  // Of each certificate that is shown, without its chain.
  virtual std::vector<CertificateExpiry> expiries() const = 0;

  // True when one of its files has changed since it was made (modification time, size or inode), or
  // is gone, or an OCSP response that it began to staple has expired.
  virtual bool files_changed() const = 0;

  // True when it uses the very certificates and authorities of `other`, made for the same settings:
  // what had changed about the files was refused, or was not what is in them.
  virtual bool presents_as(const Context& other) const = 0;
};

// What a listener presents: certificates by server name, protocols, ciphers.
class ServerContext : public Context {
 public:
  // `previous`, which may be null, hands its ticket keys on, so that tickets outlive a reload
  // (though not one that demands other client certificates). OCSP responses that are not valid are
  // not stapled, with a warning.
  static Result<std::shared_ptr<const ServerContext>, std::string> make(
      const config::Listener& listener, const ServerContext* previous,
      std::vector<std::string>& warnings);

  // Its ticket keys as bytes, for a process that takes over, and those of the process before, with
  // which tickets are made from now on. As secret as what is said with them. Empty: there are none;
  // bytes that are no keys change nothing. Thread-safe.
  virtual std::string ticket_key_bytes() const = 0;
  virtual void use_ticket_key_bytes(std::string_view bytes) const = 0;
};

// What connections to an upstream are made with: authorities, a certificate of our own, protocols.
class ClientContext : public Context {
 public:
  // `previous` may be null.
  static Result<std::shared_ptr<const ClientContext>, std::string> make(
      const config::Upstream& upstream, const ClientContext* previous,
      std::vector<std::string>& warnings);
};

// A server's handshake in progress. Destroying it closes the connection.
class Handshake {
 public:
  class Events {
   public:
    // Exactly one of the two, once, and never from within accept(). The Handshake is spent and may
    // be destroyed in the call. `session` is valid as long as the transport.
    virtual void on_handshake_done(Handshake& handshake, net::TransportPtr transport,
                                   const Session& session) = 0;
    virtual void on_handshake_failed(Handshake& handshake, Failure failure,
                                     std::string_view detail) = 0;

   protected:
    ~Events() = default;
  };
  virtual ~Handshake() = default;
  virtual bool silent() const = 0;  // the client has sent nothing yet
};

// Begins a handshake on a connection that a client opened. The deadline is the context's
// handshake_timeout. `events` outlives the Handshake.
std::unique_ptr<Handshake> accept(net::Loop& loop, net::TransportPtr transport,
                                  std::shared_ptr<const ServerContext> context,
                                  Handshake::Events& events);

// Told of each handshake with an endpoint, before its dial succeeds or fails.
class DialObserver {
 public:
  virtual void on_handshake(bool resumed, uint64_t nanoseconds) = 0;
  // `detail` is OpenSSL's words, or "". Also where an endpoint with TLS 1.3 refuses our
  // certificate, which it can only after its dial has succeeded.
  virtual void on_handshake_failed(Failure failure, std::string_view detail) = 0;
  virtual void on_handshakes(int64_t change) = 0;  // so many more are in progress, or fewer

 protected:
  ~DialObserver() = default;
};

// One endpoint as the handshakes of a dialer see it: its name, and its sessions.
class Endpoint;

// Dials through `below` and adds TLS to what comes of it: connected means handshaken and verified.
// A failed handshake is a failed dial with net::kTlsFailed (or ETIMEDOUT). One for each endpoint
// and worker: the endpoint is what it verifies, and whose sessions it remembers to resume them;
// everything referred to outlives it. A server that speaks TLS 1.3 may refuse our certificate only
// after that; the transport then breaks with net::kTlsFailed.
class Dialer final : public net::Dialer {
 public:
  // The protocols to offer: all that the context has, or HTTP/1.1 alone.
  enum class Offer : uint8_t { all, http1 };

  // `host` is the host of the endpoint's address as configured: the SNI and the name that is
  // verified where the configuration names none. `observer` may be null.
  Dialer(net::Loop& loop, net::Dialer& below, std::shared_ptr<const ClientContext> context,
         std::string host, DialObserver* observer, Offer offer = Offer::all);
  ~Dialer() override;

  // Dials that begin from now on are made with `context`, and resume no session of an earlier one.
  void use(std::shared_ptr<const ClientContext> context);

  Result<std::unique_ptr<net::Dial>, net::NetError> dial(const Address& address,
                                                         net::Dial::Events& events) override;

 private:
  net::Loop& loop_;
  net::Dialer& below_;
  std::string host_;
  Offer offer_;
  std::shared_ptr<Endpoint> endpoint_;
  std::shared_ptr<DialObserver*> observer_;  // null once the dialer is gone
};

// Everything that the TLS settings of a configuration get wrong: a key that does not match its
// certificate, an expired or unreadable file, a cipher that is unknown or that no handshake could
// use, a list of authorities without one.
// Problems have a key (such as listener[0].tls.certificates[1].key) and a sentence; whoever read
// the file adds the place.
std::vector<config::Problem> check(const config::Config& config);

}  // namespace onehop::tls
