// SPDX-License-Identifier: MIT
// Result<T, E>: what a function returns that can fail in an expected way (peer, network, file,
// configuration). An alias, so that the day std::expected is everywhere this file is the only one
// to change.
#pragma once

#include <tl/expected.hpp>

namespace onehop {

template <class T, class E>
using Result = tl::expected<T, E>;

template <class E>
using Unexpected = tl::unexpected<E>;

}  // namespace onehop
