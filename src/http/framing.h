// SPDX-License-Identifier: MIT
// How long a body is, as Content-Length and Transfer-Encoding say it (RFC 9112 6.3): edge cases 42
// to 45 and 65. Whatever two readers could read in two ways is refused.
#pragma once

#include "onehop/base/result.h"
#include "onehop/http/fields.h"
#include "onehop/http/head.h"
#include "onehop/http/violation.h"

namespace onehop::http {

// A request with neither field has no body.
Result<BodyLength, Violation> request_length(const Fields& fields);

// Whether a body follows the head; none does in the answer to a HEAD, and with a 1xx, 204 or 304.
enum class Carries : uint8_t { body, nothing };

// A response with neither field has `none` here, whatever follows it. A length that is said twice
// and alike is said once (RFC 9110 8.6). Without a body both fields only describe what there would
// be, so that both may be there and the length is what counts.
Result<BodyLength, Violation> response_length(const Fields& fields, Carries carries);

}  // namespace onehop::http
