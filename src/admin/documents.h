// SPDX-License-Identifier: MIT
// The documents behind the paths of the admin endpoint, each a function of a view.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "onehop/admin/view.h"
#include "onehop/telemetry/exposition.h"

namespace onehop::admin {

std::string stats_document(const View& view, telemetry::Window window);
std::string metrics_document(const View& view, telemetry::Exposition format);

// When a certificate ends, in seconds since 1970.
int64_t not_after_unix_s(const tls::CertificateExpiry& expiry);

// Which of the formats the Accept field prefers. OpenMetrics and protocol buffers only where they
// are named in a form that we speak; a wildcard means the older text.
telemetry::Exposition negotiate(std::string_view accept);

// Whether the Accept-Encoding field allows gzip; without one: no.
bool accepts_gzip(std::string_view accept_encoding);

}  // namespace onehop::admin
