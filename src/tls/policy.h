// SPDX-License-Identifier: MIT
// Versions, ciphers and curves: Mozilla's recommendations for servers, and what every context has
// in common.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loading.h"
#include "onehop/config/config.h"
#include "openssl.h"

namespace onehop::tls {

// Everything that the texts of ciphers and cipher suites get wrong; OpenSSL itself passes over a
// name that it does not know as long as it knows another one.
std::vector<Fault> faults_of_ciphers(const config::ListenerTls& settings);

// Why no handshake of TLS 1.2 could end well with the listener's own ciphers, which have no faults
// else: no certificate has a key for one of them, or HTTP/2 forbids those that are left.
std::optional<Fault> fault_of_use(const config::Listener& listener,
                                  const std::vector<const LoadedCertificate*>& certificates);

// Whether HTTP/2 may be spoken with it (RFC 9113 9.2.2 and its appendix A).
bool is_for_http2(const SSL_CIPHER& cipher);

// The texts have no faults.
void apply_policy(SSL_CTX& context, const config::ListenerTls& settings);

// A server's context with all of this, and no certificate yet. The texts have no faults.
ContextPtr make_server_context(const config::ListenerTls& settings);

// No renegotiation, no compression, records into memory that is given back when they are through.
void apply_common_options(SSL_CTX& context);

// Shows `certificate` with its chain; of each type of key a context holds one. The sentence of what
// OpenSSL does not accept, or "".
std::string use_certificate(SSL_CTX& context, const LoadedCertificate& certificate);

// "h2", "http/1.1" as RFC 7301 writes them: each behind its length.
std::string protocol_list(bool http2, bool http1);

}  // namespace onehop::tls
