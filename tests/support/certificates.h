// SPDX-License-Identifier: MIT
// Certificates for tests, made at run time: an authority and what it signs, as PEM files in a
// folder of their own that goes when the object goes.
//
//   Certificates made;
//   const auto files = made.leaf({.names = {"example.org", "*.example.org"}});
//   settings.certificates = {{files.cert, files.key, ""}};   client.ca = made.authority();
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/folder.h"

namespace onehop::test {

enum class TestKey { ecdsa, rsa };  // P-256, 2048 bits

struct CertificateWish {
  TestKey key = TestKey::ecdsa;
  // Alternative names, also addresses; the first is the common name, too.
  std::vector<std::string> names = {"localhost", "127.0.0.1"};
  // Validity in days from now: -2 to -1 has expired, 1 to 2 is not valid yet.
  int from_days = -1;
  int to_days = 30;
  int to_seconds = 0;  // from now, in place of to_days where it is not 0
};

struct CertificateFiles {
  std::string cert;  // the leaf alone
  std::string key;   // mode 0600
};

// What a response of OCSP says, in seconds from now.
struct OcspWish {
  bool revoked = false;
  long from_seconds = -60;
  long to_seconds = 24 * 60 * 60;
};

// When a list of revoked certificates is valid, in seconds from now.
struct CrlWish {
  long from_seconds = -60;
  long to_seconds = 24 * 60 * 60;
};

class Certificates {
 public:
  Certificates();
  ~Certificates();
  Certificates(const Certificates&) = delete;
  Certificates& operator=(const Certificates&) = delete;

  // The PEM file of the authority that signs.
  std::string authority() const;

  // The PEM file of one that signs nothing.
  std::string stranger() const;

  // For servers and clients alike.
  CertificateFiles leaf(const CertificateWish& wish = {});

  // The key of `files` again, in a file that wants a passphrase.
  std::string encrypted_key(const CertificateFiles& files);

  // A DER file with the authority's OCSP response about the certificate.
  std::string ocsp_response(const CertificateFiles& files, const OcspWish& wish = {});

  // A PEM file with the authority's list of what it has revoked.
  std::string revocations(const std::vector<CertificateFiles>& revoked, const CrlWish& wish = {});

  // A file with these bytes; one of the same name is replaced as `mv` does it.
  std::string file(std::string_view name, std::string_view bytes);

  // The folder, for files that are not there.
  const std::string& folder() const { return folder_.path(); }

 private:
  struct Authority;
  std::string next(std::string_view ending);

  Folder folder_;
  std::unique_ptr<Authority> authority_;
  int count_ = 0;
};

}  // namespace onehop::test
