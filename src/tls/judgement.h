// SPDX-License-Identifier: MIT
// What OpenSSL has to say about a handshake that failed, as a row of the table of failures.
#pragma once

#include <string>

#include "onehop/tls/tls.h"
#include "openssl.h"

namespace onehop::tls {

struct Judgement {
  Failure failure = Failure::other;
  std::string detail;  // OpenSSL's words, without their code
};

// Judges the error that the failed call has left. Empties the queue.
Judgement judge(const SSL& ssl);

}  // namespace onehop::tls
