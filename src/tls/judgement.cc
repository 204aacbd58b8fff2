// SPDX-License-Identifier: MIT
#include "judgement.h"

#include <openssl/sslerr.h>
#include <openssl/x509_vfy.h>

namespace onehop::tls {
namespace {

// Reasons from here on are alerts that the peer sent.
constexpr int kFirstAlert = SSL_AD_REASON_OFFSET;

Failure failure_of_alert(int alert) {
  switch (alert) {
    case SSL_AD_PROTOCOL_VERSION:
    case SSL_AD_INSUFFICIENT_SECURITY:
    case SSL_AD_NO_APPLICATION_PROTOCOL:
    case SSL_AD_INAPPROPRIATE_FALLBACK:
      return Failure::no_shared_protocol;
    default:
      return Failure::refused;
  }
}

Failure failure_of_verification(long result) {
  switch (result) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return Failure::certificate_name;
    default:
      return Failure::certificate_unverified;
  }
}

Failure failure_of_reason(int reason) {
  switch (reason) {
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return Failure::not_tls;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_UNSUPPORTED_SSL_VERSION:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_NO_APPLICATION_PROTOCOL:
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_INAPPROPRIATE_FALLBACK:
    case SSL_R_WRONG_CIPHER_RETURNED:
      return Failure::no_shared_protocol;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
      return Failure::certificate_missing;
    default:
      return Failure::other;
  }
}

}  // namespace

Judgement judge(const SSL& ssl) {
  const unsigned long code = ERR_peek_error();
  const int reason = ERR_GET_REASON(code);
  Judgement judgement;
  if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
    if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
      const long result = SSL_get_verify_result(&ssl);
      judgement.failure = failure_of_verification(result);
      judgement.detail = X509_verify_cert_error_string(result);
      clear_errors();
      return judgement;
    }
    judgement.failure =
        reason >= kFirstAlert ? failure_of_alert(reason - kFirstAlert) : failure_of_reason(reason);
  }
  judgement.detail = take_error();
  return judgement;
}

}  // namespace onehop::tls
