// SPDX-License-Identifier: MIT
// TlsTransport: a Transport over a Transport. It shakes hands first, tells the one who waits for
// that, and is an ordinary transport from then on.
//
//   handshaking -> open -> ended (close_notify came) -> broken -> closed
//        \__________\________________________________/^      from any of them
//
// Bytes count as written once they are encrypted, because they cannot be taken back then. At most
// kEncryptedAhead of them wait below; the rest stays plain in output(). The end of what is below
// without a close_notify is a truncation: on_error with kTlsFailed (edge case 91), as is everything
// that breaks the protocol. What the peer sends to the protocol itself (tickets, new keys) is no
// event (edge case 94); so much of that that nothing else can be meant breaks it too.
//
// A turn decrypts so many records at most, and the rest in the next ones: small ones cost a hundred
// times as much for each byte as full ones.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "onehop/net/transport.h"
#include "onehop/tls/tls.h"
#include "openssl.h"
#include "record_bio.h"

namespace onehop::tls {

class TlsTransport final : public net::Transport,
                           public net::Retirable,
                           private net::Transport::Events {
 public:
  // Whoever waits for the end of the handshake, and owns the transport until then. Told once, never
  // from within make(); may take the transport away or destroy it in the call.
  class Waiter {
   public:
    virtual void on_secured() = 0;
    virtual void on_not_secured(Failure failure, std::string_view detail) = 0;

   protected:
    ~Waiter() = default;
  };

  // A server with TLS 1.3 may refuse a client's certificate when the client takes the handshake for
  // done; an alert in place of its first bytes is that. Lives as long as the transport.
  class Refusal {
   public:
    virtual void on_refused(Failure failure, std::string_view detail) = 0;

   protected:
    ~Refusal() = default;
  };
  void tell_of_refusal(Refusal& refusal) noexcept { refusal_ = &refusal; }

  // `ssl` knows its side. `kept` lives as long as the transport: what the callbacks of `ssl` look
  // at.
  TlsTransport(net::Loop& loop, net::TransportPtr below, SslPtr ssl,
               std::shared_ptr<const void> kept, Waiter& waiter);
  ~TlsTransport() override;

  const Session& session() const noexcept { return session_; }
  bool silent() const noexcept { return first_bytes_; }

  void flush() override;
  size_t waiting_bytes() const noexcept override { return unsent() + below_->waiting_bytes(); }
  bool write_pending() const noexcept override { return below_->write_pending(); }
  uint64_t taken_bytes() const noexcept override { return below_->taken_bytes(); }
  void watch_peer(const Watch& watch) noexcept override { below_->watch_peer(watch); }
  void acknowledge() noexcept override { below_->acknowledge(); }
  Peer peer() const noexcept override { return below_->peer(); }
  uint64_t position() const noexcept override { return below_->position(); }
  Delivered delivered(uint64_t since) const noexcept override { return below_->delivered(since); }
  void set_reading(bool wanted) noexcept override;
  void set_reads(net::Reads reads) noexcept override { below_->set_reads(reads); }
  std::string_view application_protocol() const noexcept override {
    return session_.application_protocol;
  }
  void finish_writing() noexcept override;
  void close_with_reset() noexcept override;

 private:
  enum class State : uint8_t { handshaking, open, ended, broken, closed };
  enum class Input : uint8_t { more, end, failed };

  // Goes on, at the end of the turn, with what was left when nobody wanted to read; or, in a later
  // turn, with a handshake.
  class Resume final : public net::Dirty {
   public:
    explicit Resume(TlsTransport& transport) : transport_(transport) {}
    void flush() override { transport_.resume(); }

   private:
    TlsTransport& transport_;
  };

  // of the transport below
  void on_bytes(Buffer& bytes) override;
  void on_end() override;
  void on_error(net::NetError error) override;
  void on_flush(net::Flushed flushed) override;

  void close() noexcept override;
  void resume();
  void shake_hands();
  void secured();
  void not_secured(Failure failure, std::string_view detail);
  void describe_session();
  bool looks_like_tls() const;

  void read_on();
  void note_message() noexcept;
  bool floods() const noexcept;
  Input decrypt(Buffer& plain);
  void report_input();
  void fail(net::NetError error);

  void encrypt();
  void finish();
  void say_goodbye() noexcept;
  void report(net::Flushed flushed);
  bool has_more_to_send() const noexcept {
    return !output_.empty() || (finish_wanted_ && !finished_);
  }

  net::TransportPtr below_;
  std::shared_ptr<const void> kept_;
  RecordEnds ends_;
  SslPtr ssl_;
  Waiter* waiter_;
  Refusal* refusal_ = nullptr;  // null once something has come
  Session session_;
  std::string subject_;
  std::string fingerprint_;
  Resume resume_{*this};
  std::optional<net::Flushed> below_flushed_;  // what came of a flush that is going on
  uint64_t turn_ = 0;                          // of which ends_.reads_left is the share
  uint64_t decrypted_bytes_ = 0;
  uint64_t protocol_messages_ = 0;  // of handshakes, since the first one ended
  State state_ = State::handshaking;
  Input input_ = Input::more;  // an end or a failure that nobody wanted to read yet
  bool first_bytes_ = true;    // nothing has come so far
  bool reading_ = false;
  bool flushing_ = false;    // below's on_flush answers to our own flush()
  bool asked_ = false;       // an on_flush is owed
  bool alert_sent_ = false;  // close_notify or a fatal alert
  bool finish_wanted_ = false;
  bool finished_ = false;
  bool reset_on_close_ = false;
};

}  // namespace onehop::tls
