// SPDX-License-Identifier: MIT
#include "loading.h"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>

#include "onehop/base/ascii.h"
#include "onehop/base/assert.h"

namespace onehop::tls {
namespace {

using NamesPtr = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;

BioPtr bio_over(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

Result<std::vector<CertificatePtr>, Fault> read_certificates(const std::string& file,
                                                             std::string_view key,
                                                             std::string_view wanted) {
  const auto text = read_file(file, key, wanted);
  if (!text.has_value()) return Unexpected<Fault>(text.error());
  const BioPtr bio = bio_over(*text);
  std::vector<CertificatePtr> certificates;
  clear_errors();
  while (X509* certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    certificates.emplace_back(certificate);
  }
  const unsigned long why = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
  if (!at_end) return fault(key, fmt::format("{}, found \"{}\" ({})", wanted, file, take_error()));
  clear_errors();
  if (certificates.empty())
    return fault(key, fmt::format("{}, found \"{}\" without one", wanted, file));
  return certificates;
}

// Empty while the certificate is valid.
std::string outside_of_validity(const X509& certificate) {
  const ASN1_TIME* from = X509_get0_notBefore(&certificate);
  const ASN1_TIME* to = X509_get0_notAfter(&certificate);
  if (X509_cmp_current_time(from) > 0) return "is valid only from " + date_of(from) + " on";
  if (X509_cmp_current_time(to) < 0) return "expired on " + date_of(to);
  return {};
}

// Nobody is asked for a passphrase: there may be no terminal, and nobody at it.
int on_passphrase(char*, int, int, void* asked) noexcept {
  *static_cast<bool*>(asked) = true;
  return -1;
}

Result<KeyPtr, Fault> read_key(const std::string& file) {
  constexpr std::string_view kWanted = "a PEM file with a private key that has no passphrase";
  const auto text = read_file(file, "key", kWanted);
  if (!text.has_value()) return Unexpected<Fault>(text.error());
  const BioPtr bio = bio_over(*text);
  bool asked = false;
  clear_errors();
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, on_passphrase, &asked));
  if (key != nullptr) return key;
  const bool none = text->find("-----BEGIN ") == text->npos;
  const std::string reason = take_error();
  if (asked)
    return fault("key", fmt::format("{}, found an encrypted one in \"{}\"", kWanted, file));
  if (none) return fault("key", fmt::format("{}, found \"{}\" without one", kWanted, file));
  return fault("key", fmt::format("{}, found \"{}\" ({})", kWanted, file, reason));
}

KeyType type_of(const EVP_PKEY& key) {
  if (EVP_PKEY_is_a(&key, "RSA") == 1 || EVP_PKEY_is_a(&key, "RSA-PSS") == 1) return KeyType::rsa;
  return EVP_PKEY_is_a(&key, "EC") == 1 ? KeyType::ecdsa : KeyType::other;
}

std::string lower_case(const unsigned char* text, int size) {
  std::string name(reinterpret_cast<const char*>(text), static_cast<size_t>(std::max(size, 0)));
  std::ranges::transform(name, name.begin(), [](char c) { return to_lower(c); });
  return name;
}

// The common name counts only where there is no alternative name (RFC 6125 6.4.4).
std::vector<std::string> names_of(const X509& certificate) {
  std::vector<std::string> names;
  const NamesPtr alternatives(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type != GEN_DNS) continue;
    names.push_back(
        lower_case(ASN1_STRING_get0_data(name->d.dNSName), ASN1_STRING_length(name->d.dNSName)));
  }
  if (alternatives != nullptr) return names;
  const X509_NAME* subject = X509_get_subject_name(&certificate);
  const int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (at < 0) return names;
  const ASN1_STRING* name = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at));
  names.push_back(lower_case(ASN1_STRING_get0_data(name), ASN1_STRING_length(name)));
  return names;
}

}  // namespace

bool same(const std::vector<CertificatePtr>& some, const std::vector<CertificatePtr>& others) {
  return std::ranges::equal(some, others, [](const CertificatePtr& a, const CertificatePtr& b) {
    return X509_cmp(a.get(), b.get()) == 0;
  });
}

bool same(const LoadedCertificate& one, const LoadedCertificate& other) {
  return X509_cmp(one.leaf.get(), other.leaf.get()) == 0 && same(one.chain, other.chain) &&
         EVP_PKEY_eq(one.key.get(), other.key.get()) == 1 &&
         one.staple.response == other.staple.response;
}

CertificateExpiry expiry_of(const LoadedCertificate& certificate) {
  std::tm parts{};
  // It was compared with the time of day, so it can be read.
  ONEHOP_ASSERT(ASN1_TIME_to_tm(X509_get0_notAfter(certificate.leaf.get()), &parts) == 1);
  return {certificate.file, subject_of(*certificate.leaf),
          std::chrono::system_clock::from_time_t(::timegm(&parts))};
}

Result<LoadedCertificate, Fault> load_certificate(const config::Certificate& files) {
  LoadedCertificate loaded;
  loaded.file = files.cert;
  auto certificates = read_certificates(files.cert, "cert", "a PEM file with a certificate");
  if (!certificates.has_value()) return Unexpected<Fault>(std::move(certificates.error()));
  loaded.leaf = std::move(certificates->front());
  certificates->erase(certificates->begin());
  loaded.chain = std::move(*certificates);
  if (const std::string why = outside_of_validity(*loaded.leaf); !why.empty()) {
    return fault("cert", fmt::format("a certificate that is valid now, found \"{}\", which {}",
                                     files.cert, why));
  }
  for (const CertificatePtr& above : loaded.chain) {
    if (const std::string why = outside_of_validity(*above); !why.empty()) {
      return fault("cert", fmt::format("a certificate with a chain that is valid now, found \"{}\" "
                                       "with \"{}\", which {}",
                                       files.cert, subject_of(*above), why));
    }
  }
  auto key = read_key(files.key);
  if (!key.has_value()) return Unexpected<Fault>(std::move(key.error()));
  loaded.key = std::move(*key);
  const bool match = X509_check_private_key(loaded.leaf.get(), loaded.key.get()) == 1;
  clear_errors();
  if (!match) {
    return fault("key", fmt::format("the private key of \"{}\", found another one in \"{}\"",
                                    files.cert, files.key));
  }
  loaded.key_type = type_of(*loaded.key);
  loaded.names = names_of(*loaded.leaf);
  if (files.ocsp.empty()) return loaded;
  auto staple = load_staple(files.ocsp, files.cert, *loaded.leaf, loaded.chain);
  if (!staple.has_value()) return Unexpected<Fault>(std::move(staple.error()));
  loaded.staple = std::move(*staple);
  return loaded;
}

Result<std::vector<CertificatePtr>, Fault> load_authorities(const std::string& file,
                                                            std::string_view key) {
  auto authorities =
      read_certificates(file, key, "a PEM file with the certificates of authorities");
  if (!authorities.has_value()) return authorities;
  const bool any_valid = std::ranges::any_of(*authorities, [](const CertificatePtr& authority) {
    return outside_of_validity(*authority).empty();
  });
  if (any_valid) return authorities;
  const X509& first = *authorities->front();
  return fault(
      key, fmt::format("authorities of which one is valid now, found \"{}\", where \"{}\" {}", file,
                       subject_of(first), outside_of_validity(first)));
}

}  // namespace onehop::tls
