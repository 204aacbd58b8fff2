// SPDX-License-Identifier: MIT
// Files of certificates and keys, read and judged: contexts are made of what this returns, and
// `onehop check` prints what it says.
#pragma once

#include <sys/stat.h>

#include <string>
#include <string_view>
#include <vector>

#include "onehop/base/result.h"
#include "onehop/config/config.h"
#include "openssl.h"

namespace onehop::tls {

// What is wrong with a setting: the key (below the table that was looked at), and what is allowed
// and what was found.
struct Fault {
  std::string key;
  std::string sentence;
};

enum class KeyType : uint8_t { rsa, ecdsa, other };

// A certificate with its key and its chain, valid at the time of loading.
struct LoadedCertificate {
  std::string file;
  CertificatePtr leaf;
  std::vector<CertificatePtr> chain;
  KeyPtr key;
  KeyType key_type = KeyType::other;
  std::string ocsp;                // DER; empty: nothing to staple
  std::vector<std::string> names;  // lower case, "www.example.org" or "*.example.org"
};

// Faults have the keys cert, key and ocsp.
Result<LoadedCertificate, Fault> load_certificate(const config::Certificate& files);

// All certificates of a PEM file, at least one. A fault has the key that is given.
Result<std::vector<CertificatePtr>, Fault> load_authorities(const std::string& file,
                                                            std::string_view key);

// A warning where others than its owner can read the key's file; "" where not.
std::string warning_about_key(const std::string& file);

// What a file was like, to see later whether it has changed.
class FileStamp {
 public:
  explicit FileStamp(std::string file);
  bool changed() const;

 private:
  struct Seen {
    bool there = false;
    ino_t inode = 0;
    off_t size = 0;
    timespec modified{};
  };
  Seen look() const;

  std::string file_;
  Seen seen_;
};

}  // namespace onehop::tls
