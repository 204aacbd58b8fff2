// SPDX-License-Identifier: MIT
// The private door to c-ares, from 1.18 (Debian 12) on.
//
// Newer ones (1.28) deprecate what gives an answer as bytes in favour of records that 1.18 does not
// have, and keep it. The bytes are what dns_message.h reads, the same with every version.
#pragma once

#define CARES_NO_DEPRECATED
#include <ares.h>
