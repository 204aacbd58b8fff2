// SPDX-License-Identifier: MIT
// Responses of OCSP (RFC 6960) that go along with a certificate: who is shown it need not ask its
// authority whether it has been revoked.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "files.h"
#include "openssl.h"

namespace onehop::tls {

// A response that says a certificate is good, from `from` on and before `to`.
struct Staple {
  using Clock = std::chrono::system_clock;

  std::string file;
  std::string response;  // DER; empty: there is none
  Clock::time_point from;
  Clock::time_point to = Clock::time_point::max();  // a response may leave its end open

  bool is_for_use(Clock::time_point now) const {
    return !response.empty() && from <= now && now < to;
  }

  // "expired on ..." or "is valid only from ..." where there is one and it is not for use; else "".
  std::string why_not(Clock::time_point now) const;
};

// The response must be successful and say "good" of `leaf`, the first certificate of `leaf_file`;
// its authority is known by name and key where `chain` has it, else by name. Whether it is valid
// now is not looked at. A fault has the key ocsp.
//
// The signature is left to the clients, who must verify it anyway.
Result<Staple, Fault> load_staple(const std::string& file, const std::string& leaf_file,
                                  const X509& leaf, const std::vector<CertificatePtr>& chain);

}  // namespace onehop::tls
