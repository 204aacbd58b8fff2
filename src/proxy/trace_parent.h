// SPDX-License-Identifier: MIT
// The trace that a request is of, as W3C Trace Context has it.
#pragma once

#include <string_view>

#include "onehop/http/fields.h"

namespace onehop::proxy {

// The trace id of the one valid traceparent; else nothing. A part of the field's value.
std::string_view trace_id_of(const http::Fields& fields);

}  // namespace onehop::proxy
