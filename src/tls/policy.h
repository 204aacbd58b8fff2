// SPDX-License-Identifier: MIT
// Versions, ciphers and curves: Mozilla's recommendations for servers, and what every context has
// in common.
#pragma once

#include <string>
#include <vector>

#include "loading.h"
#include "onehop/config/config.h"
#include "openssl.h"

namespace onehop::tls {

// Everything that the texts of ciphers and cipher suites get wrong; OpenSSL itself passes over a
// name that it does not know as long as it knows another one.
std::vector<Fault> faults_of_ciphers(const config::ListenerTls& settings);

// The texts have no faults.
void apply_policy(SSL_CTX& context, const config::ListenerTls& settings);

// No renegotiation, no compression, records into memory that is given back when they are through.
void apply_common_options(SSL_CTX& context);

// Shows `certificate` with its chain; of each type of key a context holds one. The sentence of what
// OpenSSL does not accept, or "".
std::string use_certificate(SSL_CTX& context, const LoadedCertificate& certificate);

// "h2", "http/1.1" as RFC 7301 writes them: each behind its length.
std::string protocol_list(bool http2, bool http1);

}  // namespace onehop::tls
