// SPDX-License-Identifier: MIT
// Files of certificates and keys, read and judged: contexts are made of what this returns, and
// `onehop check` prints what it says.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "files.h"
#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "onehop/tls/tls.h"
#include "openssl.h"
#include "staple.h"

namespace onehop::tls {

enum class KeyType : uint8_t { rsa, ecdsa, other };

// A certificate with its key and its chain, valid at the time of loading. Its staple may not be.
struct LoadedCertificate {
  std::string file;
  CertificatePtr leaf;
  std::vector<CertificatePtr> chain;
  KeyPtr key;
  KeyType key_type = KeyType::other;
  Staple staple;                   // without a response where there is no file
  std::vector<std::string> names;  // lower case, "www.example.org" or "*.example.org"
};

CertificateExpiry expiry_of(const LoadedCertificate& certificate);

// The same certificates, key and staple, whatever files they came from.
bool same(const LoadedCertificate& one, const LoadedCertificate& other);
bool same(const std::vector<CertificatePtr>& some, const std::vector<CertificatePtr>& others);

// Faults have the keys cert, key and ocsp.
Result<LoadedCertificate, Fault> load_certificate(const config::Certificate& files);

// All certificates of a PEM file, of which at least one is valid. A fault has the key that is
// given.
Result<std::vector<CertificatePtr>, Fault> load_authorities(const std::string& file,
                                                            std::string_view key);

}  // namespace onehop::tls
