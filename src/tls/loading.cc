// SPDX-License-Identifier: MIT
#include "loading.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <utility>

#include "onehop/base/ascii.h"

namespace onehop::tls {
namespace {

constexpr size_t kMostBytes = 1024 * 1024;  // of a file; certificates are a few KiB

using NamesPtr = std::unique_ptr<GENERAL_NAMES, Free<GENERAL_NAMES_free>>;
using OcspPtr = std::unique_ptr<OCSP_RESPONSE, Free<OCSP_RESPONSE_free>>;

Unexpected<Fault> fault(std::string_view key, std::string sentence) {
  return Unexpected<Fault>(Fault{std::string(key), std::move(sentence)});
}

Result<std::string, Fault> read_file(const std::string& file, std::string_view key,
                                     std::string_view wanted) {
  const auto refuse = [&](std::string_view why) {
    return fault(key, fmt::format("{}, found \"{}\" ({})", wanted, file, why));
  };
  if (file.empty()) return fault(key, fmt::format("{}, found none", wanted));
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) return refuse(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return refuse("not a regular file");
  if (static_cast<size_t>(status.st_size) > kMostBytes) return refuse("larger than 1 MiB");
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return refuse(errno == 0 ? "cannot be read" : std::strerror(errno));
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

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

std::string date_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown date";
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", parts);
}

// Empty while the certificate is valid.
std::string outside_of_validity(const X509& certificate) {
  if (X509_cmp_current_time(X509_get0_notBefore(&certificate)) > 0)
    return "is valid only from " + date_of(X509_get0_notBefore(&certificate)) + " on";
  if (X509_cmp_current_time(X509_get0_notAfter(&certificate)) < 0)
    return "expired on " + date_of(X509_get0_notAfter(&certificate));
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

Result<std::string, Fault> read_ocsp(const std::string& file) {
  constexpr std::string_view kWanted = "a DER file with a successful OCSP response";
  auto text = read_file(file, "ocsp", kWanted);
  if (!text.has_value()) return text;
  const auto* bytes = reinterpret_cast<const unsigned char*>(text->data());
  const unsigned char* const end = bytes + text->size();
  clear_errors();
  const OcspPtr response(d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(text->size())));
  const std::string reason = response == nullptr ? take_error() : std::string();
  if (response == nullptr)
    return fault("ocsp", fmt::format("{}, found \"{}\" ({})", kWanted, file, reason));
  if (bytes != end)
    return fault("ocsp", fmt::format("{}, found \"{}\" with more behind it", kWanted, file));
  const int status = OCSP_response_status(response.get());
  if (status == OCSP_RESPONSE_STATUS_SUCCESSFUL) return text;
  return fault("ocsp", fmt::format("{}, found \"{}\" with the status {}", kWanted, file,
                                   OCSP_response_status_str(status)));
}

}  // namespace

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
  auto ocsp = read_ocsp(files.ocsp);
  if (!ocsp.has_value()) return Unexpected<Fault>(std::move(ocsp.error()));
  loaded.ocsp = std::move(*ocsp);
  return loaded;
}

Result<std::vector<CertificatePtr>, Fault> load_authorities(const std::string& file,
                                                            std::string_view key) {
  return read_certificates(file, key, "a PEM file with the certificates of authorities");
}

std::string warning_about_key(const std::string& file) {
  struct stat status {};
  constexpr mode_t kOthers = S_IRGRP | S_IROTH;
  if (::stat(file.c_str(), &status) != 0 || (status.st_mode & kOthers) == 0) return {};
  return fmt::format("The private key \"{}\" can be read by others than its owner (mode {:04o})",
                     file, status.st_mode & 07777u);
}

FileStamp::FileStamp(std::string file) : file_(std::move(file)), seen_(look()) {}

FileStamp::Seen FileStamp::look() const {
  struct stat status {};
  if (::stat(file_.c_str(), &status) != 0) return {};
  return {true, status.st_ino, status.st_size, status.st_mtim};
}

bool FileStamp::changed() const {
  const Seen now = look();
  return now.there != seen_.there || now.inode != seen_.inode || now.size != seen_.size ||
         now.modified.tv_sec != seen_.modified.tv_sec ||
         now.modified.tv_nsec != seen_.modified.tv_nsec;
}

}  // namespace onehop::tls
