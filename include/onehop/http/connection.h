// SPDX-License-Identifier: MIT
// Connections, as their owners see them: a server connection owns its streams and what answers
// them; a client connection is owned by a pool and lent out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "onehop/base/address.h"
#include "onehop/base/peers.h"
#include "onehop/config/config.h"
#include "onehop/http/buffered.h"
#include "onehop/http/shedding.h"
#include "onehop/http/stalled_clients.h"
#include "onehop/http/stream.h"
#include "onehop/net/loop.h"
#include "onehop/net/transport.h"
#include "onehop/telemetry/shard.h"

namespace onehop::http {

// Something of whoever answers that lives as long as a client's connection.
class Attachment {
 public:
  virtual ~Attachment() = default;
};

// Something of whoever accepted a client that is let go of with its connection.
class Held {
 public:
  virtual ~Held() = default;
};

// In which forms an endpoint is told who its client is.
struct ForwardedForms {
  bool x_forwarded = true;  // X-Forwarded-For, -Proto, -Host and -Port
  bool x_real_ip = true;
  bool forwarded = false;  // RFC 7239
};

// What a listener was configured with when a client was accepted, or is now.
struct ListenerTerms {
  // Which listener: its address as configured, and which of those that have the same (port 0).
  struct Key {
    std::string address;
    unsigned nth = 0;

    bool operator==(const Key&) const = default;
  };
  Key key;
  config::Listener config;
  ForwardedForms forms;
  Peers proxies = {};  // those of proxy_protocol_from
};

// What a connection knows of its client, made once when it is accepted.
struct Client {
  Address address;
  // What it connected to, where an upstream's endpoints are told (proxy_protocol); else none.
  Address destination;
  char ip[Address::kMaxIpLength];
  uint8_t ip_length = 0;
  bool trusted = false;  // in trusted_proxies
  bool secure = false;   // over TLS
  uint16_t port = 0;     // that it connected to
  // Of its handshake: "TLSv1.3", which lives as long as its transport, or empty; and whether that
  // resumed a session.
  std::string_view tls_version;
  bool tls_resumed = false;
  // The configuration, by its number, that `trusted` and `listener` are of.
  uint64_t judged_by = 0;
  // The listener that it came to; null where there is no configuration (the admin endpoint).
  std::shared_ptr<const ListenerTerms> listener;
  std::shared_ptr<const Held> held;  // null where nothing is
  // Of its verified certificate, or empty; they live as long as its transport.
  std::string_view certificate_subject;
  std::string_view certificate_fingerprint;
  // A place for an attachment, in the connection; null where there is none, as over HTTP/2.
  std::unique_ptr<Attachment>* attachment = nullptr;

  std::string_view ip_text() const { return {ip, ip_length}; }
  config::Targets targets() const {
    return listener == nullptr ? config::Targets::strict : listener->config.targets;
  }
};

// Answers one request: owned by its stream, retired with it.
class Responder : public ServerStream::Events, public net::Retirable {};

// When the head of a request could be read: its first byte, and its last.
struct HeadTimes {
  uint64_t first_byte_ns = 0;
  uint64_t last_byte_ns = 0;
};

// Makes a Responder for each request.
class Service {
 public:
  // `stream` and `client` outlive the responder.
  virtual std::unique_ptr<Responder> open(ServerStream& stream, const Client& client,
                                          const HeadTimes& times) = 0;

 protected:
  ~Service() = default;
};

// What server connections share; outlives them. They read it where they need it, so what changes
// here holds for those that are open, too; an HTTP/2 connection keeps the settings it has sent.
struct ServerSettings {
  config::Limits limits;
  config::DownstreamTimeouts timeouts;
  config::Http2 http2;
  telemetry::DownstreamShard& counters;
};

class ServerConnection;

// What a drain waits for, each kind for a time of its own. `requests` is all but tunnels.
enum class InFlight : uint8_t { requests, tunnels };

// Owns server connections: those of one worker.
class ServerConnections {
 public:
  class Events {
   public:
    virtual void on_all_closed() = 0;  // the last connection is gone; only after drain()

   protected:
    ~Events() = default;
  };

  // All outlive it.
  ServerConnections(net::Loop& loop, const ServerSettings& settings, Events& events)
      : loop_(loop),
        events_(events),
        shedding_(loop),
        client_buffers_(settings.limits),
        stalled_(loop, settings.limits, settings.counters.stalled_given_up) {}
  ~ServerConnections();

  void adopt(std::unique_ptr<ServerConnection> connection);
  void retire(ServerConnection& connection);  // called by the connection when it is over
  size_t size() const noexcept { return count_; }

  // Lets requests in flight finish, with `Connection: close`, closes idle connections after
  // `idle_ms`.
  void drain(uint64_t idle_ms);
  bool draining() const noexcept { return draining_; }
  // The same for those of clients that came to one listener, and those that come of it yet; others
  // are not concerned. Until it is back.
  void drain_those_of(const ListenerTerms::Key& listener, uint64_t idle_ms);
  void is_back(const ListenerTerms::Key& listener) { std::erase(gone_, listener); }
  // The same for those that are there; more may come.
  void drain_present(uint64_t idle_ms);
  void close_all();
  // Ends what is in flight of that kind; a connection that carries the other kind, too, goes on
  // with it.
  void cut(InFlight kind);
  void close_oldest();  // the one that came first, whatever it is doing

  // Connections say here when they wait for their clients.
  Shedding& shedding() noexcept { return shedding_; }
  // Closes up to `most` that wait, to make room; returns how many.
  size_t shed_idle(size_t most) { return shedding_.shed(most); }
  // For each connection of a client, once each: what waits for its address. Null for a trusted
  // proxy, behind which there are many.
  Buffered* join(const Client& client) {
    return client.trusted ? nullptr : &client_buffers_.join(client.ip_text());
  }
  void leave(const Client& client) {
    if (!client.trusted) client_buffers_.leave(client.ip_text());
  }

  // Those who do not take what waits for them.
  StalledClients& stalled() noexcept { return stalled_; }

 private:
  net::Loop& loop_;
  Events& events_;
  Shedding shedding_;
  ClientBuffers client_buffers_;
  StalledClients stalled_;
  IntrusiveList<ServerConnection> list_;
  size_t count_ = 0;
  bool draining_ = false;
  std::vector<ListenerTerms::Key> gone_;  // listeners
};

class ServerConnection : public net::Retirable,
                         public ListNode<ServerConnection>,
                         public Sheddable {
 public:
  // No request after the one in flight; an idle connection is closed after `idle_ms`.
  void drain(uint64_t idle_ms) {
    draining_ = true;
    begin_drain(idle_ms);
  }
  // Before it has begun, and then without a time of its own.
  void drain_from_the_start() { draining_ = true; }
  virtual const Client& client() const = 0;
  // Gives up what is in flight.
  virtual void close_now() = 0;
  // The same of one kind; closed where it has nothing else.
  virtual void cut(InFlight kind) = 0;

  bool shed() override {
    close_now();
    return true;
  }

 protected:
  virtual void begin_drain(uint64_t idle_ms) = 0;

  std::unique_ptr<Attachment> attachment_;  // gone after all that its client asked
  bool draining_ = false;                   // one that comes while all drain is told by its owner
};

// What became of a stream, for its connection.
enum class StreamEnd : uint8_t {
  reusable,        // both messages complete, nothing left over: another request may follow
  not_persistent,  // the peer closes, or the response could only end with the connection
  not_drained,     // one of the messages was cut short, or bytes were left over
  broken,          // it failed
};

// A connection to an endpoint. It has one stream at a time (HTTP/1.1) or many (HTTP/2).
class ClientConnection : public net::Retirable {
 public:
  class Events {
   public:
    // The connection cannot be used again, and no stream is open on it: closed by the peer, or
    // bytes that nobody asked for.
    virtual void on_idle_end(ClientConnection& connection, Violation why) = 0;

    // Its capacity may have changed without close_stream(): a stream has ended for the peer too, or
    // the peer allows more of them, or none any more.
    virtual void on_capacity(ClientConnection& connection) = 0;

   protected:
    ~Events() = default;
  };

  // How many streams may be opened now, beside those that are open. Falls to 0 for good when the
  // endpoint takes no more.
  virtual size_t capacity() const = 0;

  // Many streams at a time.
  virtual bool multiplexed() const = 0;

  // Its capacity is 0 for good, though streams may be open on it still.
  virtual bool takes_no_more() const = 0;

  // `events` outlives the stream. Only while there is capacity.
  virtual ClientStream& open_stream(ClientStream::Events& events) = 0;

  // Ends the stream and says what the connection is good for now.
  virtual StreamEnd close_stream(ClientStream& stream) = 0;

  // Seconds from the peer's `Keep-Alive: timeout=N`; -1 when it did not say.
  virtual int64_t keep_alive_seconds() const = 0;

  // Who ended the connection, once it is of no more use.
  virtual telemetry::Closer closer() const = 0;

  // Ends every stream that is open, each with Violation::stopped; the connection is of no more use.
  virtual void cut() = 0;

  // Closes the socket now, so that its descriptor is free; no stream is open. The object is
  // destroyed later.
  virtual void abandon() = 0;
};

}  // namespace onehop::http
