// SPDX-License-Identifier: MIT
// Lists of revoked certificates (RFC 5280 5), read from a file and judged.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "files.h"
#include "onehop/base/result.h"
#include "openssl.h"

namespace onehop::tls {

// All lists of a PEM file, each of which is valid now. A fault has the key that is given.
Result<std::vector<CrlPtr>, Fault> load_revocations(const std::string& file, std::string_view key);

bool same(const std::vector<CrlPtr>& some, const std::vector<CrlPtr>& others);

std::string issuer_of(const X509_CRL& list);
std::string fingerprint_of(const X509_CRL& list);

// "expired on ..." or "is valid only from ... on"; "" while it is valid.
std::string why_not_in_use(const X509_CRL& list);

// When it expires; a list may leave that open.
std::chrono::system_clock::time_point end_of(const X509_CRL& list);

}  // namespace onehop::tls
