// SPDX-License-Identifier: MIT
// A look at the part of a chunked body that came together with its head, before an endpoint is
// asked for anything: what is wrong with it by then is answered without an exchange. The bytes stay
// where they are and are read when they are wanted, as any others.
#pragma once

#include <cstddef>
#include <optional>

#include "onehop/base/buffer.h"
#include "onehop/config/config.h"
#include "onehop/http/violation.h"

namespace onehop::http::h1 {

// What is wrong with the chunked body that begins behind `skipped` bytes, as far as it is there.
std::optional<Violation> fault_ahead(const Buffer& bytes, size_t skipped,
                                     const config::Limits& limits);

}  // namespace onehop::http::h1
