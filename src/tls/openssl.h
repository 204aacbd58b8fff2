// SPDX-License-Identifier: MIT
// The private door to OpenSSL: its objects with owners, and its error queue as text.
//
// The queue belongs to the thread, not to the connection: clear_errors() comes before each call
// whose outcome is judged, or what one connection left there would end another (edge case 95).
#pragma once

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace onehop::tls {

template <auto free_it>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    free_it(object);
  }
};

inline void free_bio(BIO* bio) noexcept {
  BIO_free(bio);
}

using BioPtr = std::unique_ptr<BIO, Free<free_bio>>;
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;
using ContextPtr = std::unique_ptr<SSL_CTX, Free<SSL_CTX_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, Free<X509_CRL_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, Free<SSL_SESSION_free>>;
using SslPtr = std::unique_ptr<SSL, Free<SSL_free>>;

// Empties the error queue. It is empty as a rule, and ERR_clear_error() goes through all of its
// places even so, which shows for each record.
inline void clear_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// When a session was made, in seconds since 1970. OpenSSL 3.4 warns of the older call, whose time
// ends in 2038 where a long has 32 bits.
inline int64_t made_at(const SSL_SESSION& session) noexcept {
#if OPENSSL_VERSION_NUMBER >= 0x30300000L
  return SSL_SESSION_get_time_ex(&session);
#else
  return SSL_SESSION_get_time(&session);
#endif
}

// The oldest error of the queue in OpenSSL's words, such as "ee key too small". Empties the queue.
std::string take_error();

// A time as messages write it: "2031-05-17 06:30:00 UTC".
std::string date_of(std::chrono::system_clock::time_point time);
std::string date_of(const ASN1_TIME* time);

// The name of a certificate's subject by RFC 4514.
std::string subject_of(const X509& certificate);

// The SHA-256 of the whole certificate: 64 hexadecimal digits.
std::string fingerprint_of(const X509& certificate);

}  // namespace onehop::tls
