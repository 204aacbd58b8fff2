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

// Which of the two formats the Accept field prefers. OpenMetrics only where it is named with a
// version that we speak; a wildcard means the older text.
telemetry::Exposition negotiate(std::string_view accept);

}  // namespace onehop::admin
