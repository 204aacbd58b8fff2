// SPDX-License-Identifier: MIT
#include "transport.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "judgement.h"
#include "onehop/base/assert.h"
#include "plain_chunk.h"

namespace onehop::tls {
namespace {

// Encrypted bytes that wait below for the peer; then the rest waits as it is.
constexpr size_t kEncryptedAhead = 128 * 1024;
constexpr size_t kGatheredSlices = 16;  // that one record is made of, at most
// What waits below when the protocol itself has more to say, which is a few bytes for each thing
// that the peer asks of it. Whoever asks on and on and takes no answer is given up.
constexpr size_t kMostAnswers = kEncryptedAhead + 64 * 1024;

// What is read of a client whose handshake waits for its turn.
constexpr size_t kHandshakeAhead = 64 * 1024;
// Two reads are a record: about a millisecond of the smallest ones, 8 MiB of the largest.
constexpr size_t kReadsPerTurn = 1024;
// New keys and tickets cost as much as a signature each. Nobody needs as many for so few bytes.
constexpr uint64_t kFreeMessages = 32;
constexpr uint64_t kBytesPerMessage = 64 * 1024;

constexpr char kHandshakeRecord = 0x16;
constexpr char kAlertRecord = 0x15;

PlainChunk& plain_chunk() {
  static thread_local PlainChunk chunk;
  return chunk;
}

}  // namespace

TlsTransport::TlsTransport(net::Loop& loop, net::TransportPtr below, SslPtr ssl,
                           std::shared_ptr<const void> kept, Waiter& waiter)
    : Transport(loop),
      below_(std::move(below)),
      kept_(std::move(kept)),
      ssl_(std::move(ssl)),
      waiter_(&waiter) {
  ends_.output = &below_->output();
  BIO* bio = make_record_bio(ends_);
  SSL_set_bio(ssl_.get(), bio, bio);
  below_->set_events(*this);
  below_->set_reading(true);
  // The client speaks first; a failure of that shows when the server says something, or nothing.
  if (SSL_is_server(ssl_.get()) == 0) {
    clear_errors();
    SSL_do_handshake(ssl_.get());
    below_->send();
  }
}

TlsTransport::~TlsTransport() {
  // Or OpenSSL would take the session for one that must not be resumed.
  if (state_ == State::closed && input_ != Input::failed) {
    SSL_set_shutdown(ssl_.get(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  }
}

void TlsTransport::on_bytes(Buffer& bytes) {
  if (ends_.input.empty()) {
    ends_.input = std::move(bytes);
  } else {
    ends_.input.append(std::move(bytes));
  }
  switch (state_) {
    case State::handshaking:
      return shake_hands();
    case State::open:
      if (events_ != nullptr) read_on();
      return;
    case State::ended:  // nothing may follow a close_notify (RFC 8446 6.1)
    case State::broken:
    case State::closed:
      ends_.input.clear();
      return;
  }
}

void TlsTransport::on_end() {
  if (state_ == State::handshaking) return not_secured(Failure::closed, "end of the connection");
  // Whatever is left: no turn follows.
  turn_ = loop_.turn();
  ends_.reads_left = SIZE_MAX;
  read_on();
  if (state_ != State::open) return;
  // The close_notify may have come while nobody was reading.
  if (input_ != Input::end) return fail({net::kTlsFailed});
  if (events_ != nullptr) report_input();
}

void TlsTransport::on_error(net::NetError error) {
  if (state_ == State::handshaking) return not_secured(Failure::closed, error.sentence());
  if (state_ == State::open || state_ == State::ended) fail(error);
}

void TlsTransport::on_flush(net::Flushed flushed) {
  if (flushing_) {
    below_flushed_ = flushed;
    return;
  }
  if (flushed == net::Flushed::all && has_more_to_send()) {
    loop_.mark_dirty(*this);
    return;
  }
  report(flushed);
}

// The first two bytes of each side's first record are known; OpenSSL would call the rest of them a
// wrong version.
bool TlsTransport::looks_like_tls() const {
  const std::string_view front = ends_.input.front();
  const bool right_record =
      front[0] == kHandshakeRecord || (SSL_is_server(ssl_.get()) == 0 && front[0] == kAlertRecord);
  return right_record && (front.size() < 2 || front[1] == 0x03);
}

void TlsTransport::shake_hands() {
  if (std::exchange(first_bytes_, false) && !looks_like_tls())
    return not_secured(Failure::not_tls, sentence_of(Failure::not_tls));
  // Here is the signature with the private key, for which a flood of clients could take all turns.
  if (SSL_is_server(ssl_.get()) != 0 && !loop_.take_costly_step()) {
    if (ends_.input.size() > kHandshakeAhead) below_->set_reading(false);
    return loop_.mark_later(resume_);
  }
  below_->set_reading(true);
  clear_errors();
  const int done = SSL_do_handshake(ssl_.get());
  if (below_->unsent() > 0) below_->send();
  if (done == 1) return secured();
  if (SSL_get_error(ssl_.get(), done) == SSL_ERROR_WANT_READ) return;
  input_ = Input::failed;
  alert_sent_ = true;
  const Judgement judgement = judge(*ssl_);
  not_secured(judgement.failure, judgement.detail);
}

void TlsTransport::secured() {
  state_ = State::open;
  SSL_set_msg_callback_arg(ssl_.get(), this);
  SSL_set_msg_callback(ssl_.get(),
                       [](int sent, int, int type, const void*, size_t, SSL*, void* to) {
                         if (sent == 0 && type == SSL3_RT_HANDSHAKE)
                           static_cast<TlsTransport*>(to)->note_message();
                       });
  describe_session();
  std::exchange(waiter_, nullptr)->on_secured();
  if (state_ == State::closed) return;
  if (!reading_) {
    below_->set_reading(false);
  } else if (events_ != nullptr) {
    read_on();
  }
}

void TlsTransport::not_secured(Failure failure, std::string_view detail) {
  state_ = State::broken;
  input_ = Input::failed;
  alert_sent_ = true;
  ends_.input.clear();
  if (waiter_ != nullptr) std::exchange(waiter_, nullptr)->on_not_secured(failure, detail);
}

void TlsTransport::describe_session() {
  const auto text = [](const char* words) {
    return words == nullptr ? std::string_view() : std::string_view(words);
  };
  SSL* ssl = ssl_.get();
  session_.resumed = SSL_session_reused(ssl) == 1;
  session_.version = text(SSL_get_version(ssl));
  session_.cipher = text(SSL_CIPHER_standard_name(SSL_get_current_cipher(ssl)));
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  session_.application_protocol = {reinterpret_cast<const char*>(protocol), size};
  session_.server_name = text(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
  if (SSL_is_server(ssl) == 0 || SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE) return;
  // A resumed session has it from its ticket.
  const X509* peer = SSL_get0_peer_certificate(ssl);
  if (peer == nullptr || SSL_get_verify_result(ssl) != X509_V_OK) return;
  subject_ = subject_of(*peer);
  fingerprint_ = fingerprint_of(*peer);
  session_.peer_subject = subject_;
  session_.peer_fingerprint = fingerprint_;
}

void TlsTransport::set_reading(bool wanted) noexcept {
  if (wanted == reading_) return;
  reading_ = wanted;
  if (state_ == State::handshaking) return;
  below_->set_reading(wanted);
  if (wanted && (!ends_.input.empty() || input_ != Input::more)) loop_.mark_dirty(resume_);
}

void TlsTransport::resume() {
  if (state_ == State::handshaking) return shake_hands();
  if (!reading_) return;
  read_on();
  const bool more = state_ == State::open && input_ == Input::more;
  if (more && reading_ && ends_.input.empty()) below_->set_reading(true);
}

// Called from within OpenSSL, which goes on for as long as there is something to read.
void TlsTransport::note_message() noexcept {
  ++protocol_messages_;
  if (floods()) ends_.reads_left = 0;
}

bool TlsTransport::floods() const noexcept {
  return protocol_messages_ > kFreeMessages + (decrypted_bytes_ + written_) / kBytesPerMessage;
}

// Decrypts what is there, as far as the turn's share goes, and passes it on in one piece.
void TlsTransport::read_on() {
  if (state_ != State::open || events_ == nullptr) return;
  if (std::exchange(turn_, loop_.turn()) != loop_.turn()) ends_.reads_left = kReadsPerTurn;
  if (input_ == Input::more) {
    Buffer plain;
    input_ = decrypt(plain);
    if (below_->unsent() > 0) below_->send();  // an answer of the protocol itself, or an alert
    if (below_->unsent() > kMostAnswers || floods()) input_ = Input::failed;
    if (input_ == Input::more && !ends_.input.empty()) {
      below_->set_reading(false);
      loop_.mark_later(resume_);
    }
    if (!plain.empty()) {
      if (received_ != nullptr) received_->add(plain.size());
      events_->on_bytes(plain);
    }
  }
  if (state_ != State::open || input_ == Input::more) return;
  ends_.input.clear();
  if (reading_) report_input();
}

TlsTransport::Input TlsTransport::decrypt(Buffer& plain) {
  PlainChunk& chunk = plain_chunk();
  Input input = Input::more;
  while (input == Input::more && !ends_.input.empty() && ends_.reads_left > 0) {
    const std::span<char> room = chunk.room(plain);
    size_t size = 0;
    clear_errors();
    const int done = SSL_read_ex(ssl_.get(), room.data(), room.size(), &size);
    if (done == 1) {
      chunk.filled(size);
      decrypted_bytes_ += size;
      refusal_ = nullptr;
      continue;
    }
    switch (SSL_get_error(ssl_.get(), done)) {
      case SSL_ERROR_WANT_READ:
        break;
      case SSL_ERROR_ZERO_RETURN:
        input = Input::end;
        break;
      default:
        input = Input::failed;
        if (Refusal* const refusal = std::exchange(refusal_, nullptr)) {
          const Judgement judgement = judge(*ssl_);
          if (judgement.failure == Failure::refused)
            refusal->on_refused(judgement.failure, judgement.detail);
        }
    }
  }
  chunk.take(plain);
  return input;
}

void TlsTransport::report_input() {
  if (input_ == Input::failed) return fail({net::kTlsFailed});
  state_ = State::ended;
  events_->on_end();
}

void TlsTransport::fail(net::NetError error) {
  state_ = State::broken;
  output_.clear();
  if (events_ != nullptr) std::exchange(events_, nullptr)->on_error(error);
}

void TlsTransport::flush() {
  if (state_ != State::open && state_ != State::ended) return;
  asked_ = true;
  // What is encrypted waits for the peer; on_flush will come.
  if (below_->write_pending()) return;
  flushing_ = true;
  do {
    encrypt();
    if (finish_wanted_ && !finished_ && output_.empty()) finish();
    below_flushed_.reset();
    below_->unlink();
    below_->flush();
  } while (below_flushed_ == net::Flushed::all && has_more_to_send());
  flushing_ = false;
  if (below_flushed_.has_value()) report(*below_flushed_);
}

void TlsTransport::report(net::Flushed flushed) {
  if (!asked_) return;
  if (flushed == net::Flushed::all) asked_ = false;
  if (events_ != nullptr) events_->on_flush(flushed);
}

// In full records as far as there is enough: a slice that is long enough as it is, shorter ones
// gathered.
void TlsTransport::encrypt() {
  std::array<char, kRecordBytes> gathered;
  while (!output_.empty() && below_->unsent() < kEncryptedAhead) {
    std::string_view piece = output_.front();
    if (piece.size() < kRecordBytes && piece.size() < output_.size()) {
      std::array<iovec, kGatheredSlices> slices;
      const size_t count = output_.gather(slices);
      size_t size = 0;
      for (size_t i = 0; i < count && size < kRecordBytes; ++i) {
        const size_t part = std::min(slices[i].iov_len, kRecordBytes - size);
        std::memcpy(gathered.data() + size, slices[i].iov_base, part);
        size += part;
      }
      piece = {gathered.data(), size};
    }
    size_t size = 0;
    clear_errors();
    const int done =
        SSL_write_ex(ssl_.get(), piece.data(), std::min(piece.size(), kRecordBytes), &size);
    if (done != 1) {
      // Only of a connection whose input has failed, which reading will tell.
      output_.clear();
      return;
    }
    output_.consume(size);
    written_ += size;
    if (sent_ != nullptr) sent_->add(size);
  }
}

void TlsTransport::finish_writing() noexcept {
  if (std::exchange(finish_wanted_, true)) return;
  loop_.mark_dirty(*this);
}

void TlsTransport::finish() {
  finished_ = true;
  say_goodbye();
  below_->finish_writing();
}

void TlsTransport::say_goodbye() noexcept {
  if (std::exchange(alert_sent_, true) || input_ == Input::failed) return;
  clear_errors();
  SSL_shutdown(ssl_.get());
}

void TlsTransport::close_with_reset() noexcept {
  reset_on_close_ = true;
  below_->close_with_reset();
}

// Bytes that nobody will get any more must not be followed by a proper end.
void TlsTransport::close() noexcept {
  const bool was_open = state_ == State::open || state_ == State::ended;
  events_ = nullptr;
  waiter_ = nullptr;
  unlink();
  resume_.unlink();
  if (!reset_on_close_) {
    if (was_open && output_.empty()) say_goodbye();
    flushing_ = true;
    if (below_->unsent() > 0) below_->flush();
  }
  state_ = State::closed;
  output_.clear();
  ends_.input.clear();
  ends_.output = nullptr;
  below_.reset();
  loop_.retire(std::unique_ptr<net::Retirable>(this));
}

}  // namespace onehop::tls
