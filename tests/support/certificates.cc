// SPDX-License-Identifier: MIT
#include "tests/support/certificates.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <cstdlib>

#include <stdexcept>
#include <utility>

#include "onehop/base/address.h"

namespace onehop::test {
namespace {

template <auto free_it>
struct Free {
  template <class T>
  void operator()(T* object) const {
    free_it(object);
  }
};
using CertificatePtr = std::unique_ptr<X509, Free<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Free<BIO_free_all>>;

constexpr long kDaySeconds = 24 * 60 * 60;

void must(bool fine, const char* what) {
  if (!fine) throw std::runtime_error(std::string("cannot make a test certificate: ") + what);
}

KeyPtr make_key(TestKey kind) {
  KeyPtr key(kind == TestKey::rsa ? EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", size_t{2048})
                                  : EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"));
  must(key != nullptr, "key");
  return key;
}

void add_extension(X509& certificate, X509* issuer, int id, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, &certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str());
  must(extension != nullptr, value.c_str());
  X509_add_ext(&certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

CertificatePtr begin_certificate(EVP_PKEY& key, const std::string& name, long serial,
                                 const CertificateWish& wish) {
  CertificatePtr certificate(X509_new());
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), wish.from_days * kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()),
                  wish.to_seconds != 0 ? wish.to_seconds : wish.to_days * kDaySeconds);
  X509_set_pubkey(certificate.get(), &key);
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  const auto add = [subject](const char* field, const std::string& value) {
    X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(value.c_str()), -1, -1, 0);
  };
  add("O", "onehop tests");
  add("CN", name);
  return certificate;
}

void write_pem(const std::string& file, const X509& certificate) {
  const BioPtr bio(BIO_new_file(file.c_str(), "w"));
  must(bio != nullptr && PEM_write_bio_X509(bio.get(), &certificate) == 1, "certificate file");
}

void write_key(const std::string& file, const EVP_PKEY& key, const EVP_CIPHER* cipher,
               const char* passphrase) {
  const BioPtr bio(BIO_new_file(file.c_str(), "w"));
  must(bio != nullptr && PEM_write_bio_PKCS8PrivateKey(bio.get(), &key, cipher, nullptr, 0, nullptr,
                                                       const_cast<char*>(passphrase)) == 1,
       "key file");
  ::chmod(file.c_str(), S_IRUSR | S_IWUSR);
}

CertificatePtr read_certificate(const std::string& file) {
  const BioPtr bio(BIO_new_file(file.c_str(), "r"));
  must(bio != nullptr, "certificate file");
  return CertificatePtr(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    if (!list.empty()) list += ',';
    list += (Address::numeric(name, 0).has_value() ? "IP:" : "DNS:") + name;
  }
  return list;
}

}  // namespace

struct Certificates::Authority {
  explicit Authority(const std::string& name) : key(make_key(TestKey::ecdsa)) {
    CertificateWish wish;
    wish.from_days = -30;
    certificate = begin_certificate(*key, name, 1, wish);
    X509* own = certificate.get();
    X509_set_issuer_name(own, X509_get_subject_name(own));
    add_extension(*own, own, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(*own, own, NID_key_usage, "critical,keyCertSign,cRLSign");
    add_extension(*own, own, NID_subject_key_identifier, "hash");
    must(X509_sign(own, key.get(), EVP_sha256()) > 0, "signature");
  }
  KeyPtr key;
  CertificatePtr certificate;
};

Certificates::Certificates() {
  authority_ = std::make_unique<Authority>("onehop test authority");
  write_pem(authority(), *authority_->certificate);
  write_pem(stranger(), *Authority("onehop test stranger").certificate);
}

Certificates::~Certificates() = default;

std::string Certificates::authority() const {
  return folder_ / "authority.pem";
}

std::string Certificates::stranger() const {
  return folder_ / "stranger.pem";
}

std::string Certificates::next(std::string_view ending) {
  return folder_ / (std::to_string(++count_) + std::string(ending));
}

CertificateFiles Certificates::leaf(const CertificateWish& wish) {
  const KeyPtr key = make_key(wish.key);
  const std::string name = wish.names.empty() ? "nobody" : wish.names.front();
  const CertificatePtr certificate = begin_certificate(*key, name, 100 + count_, wish);
  X509* issuer = authority_->certificate.get();
  X509_set_issuer_name(certificate.get(), X509_get_subject_name(issuer));
  add_extension(*certificate, issuer, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(*certificate, issuer, NID_ext_key_usage, "serverAuth,clientAuth");
  add_extension(*certificate, issuer, NID_authority_key_identifier, "keyid");
  if (!wish.names.empty())
    add_extension(*certificate, issuer, NID_subject_alt_name, alternative_names(wish.names));
  must(X509_sign(certificate.get(), authority_->key.get(), EVP_sha256()) > 0, "signature");
  const std::string stem = next("");
  CertificateFiles files{stem + ".pem", stem + ".key"};
  write_pem(files.cert, *certificate);
  write_key(files.key, *key, nullptr, nullptr);
  return files;
}

std::string Certificates::encrypted_key(const CertificateFiles& files) {
  const BioPtr bio(BIO_new_file(files.key.c_str(), "r"));
  const KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  must(key != nullptr, "key");
  std::string file = next(".key");
  write_key(file, *key, EVP_aes_256_cbc(), "passphrase");
  return file;
}

std::string Certificates::ocsp_response(const CertificateFiles& files, const OcspWish& wish) {
  const CertificatePtr certificate = read_certificate(files.cert);
  X509* issuer = authority_->certificate.get();
  const std::unique_ptr<OCSP_BASICRESP, Free<OCSP_BASICRESP_free>> basic(OCSP_BASICRESP_new());
  const std::unique_ptr<OCSP_CERTID, Free<OCSP_CERTID_free>> id(
      OCSP_cert_to_id(nullptr, certificate.get(), issuer));
  using TimePtr = std::unique_ptr<ASN1_TIME, Free<ASN1_TIME_free>>;
  const TimePtr from(X509_gmtime_adj(nullptr, wish.from_seconds));
  const TimePtr to(X509_gmtime_adj(nullptr, wish.to_seconds));
  const int status = wish.revoked ? V_OCSP_CERTSTATUS_REVOKED : V_OCSP_CERTSTATUS_GOOD;
  must(OCSP_basic_add1_status(basic.get(), id.get(), status, OCSP_REVOKED_STATUS_KEYCOMPROMISE,
                              wish.revoked ? from.get() : nullptr, from.get(), to.get()) != nullptr,
       "OCSP status");
  must(OCSP_basic_sign(basic.get(), issuer, authority_->key.get(), EVP_sha256(), nullptr, 0) == 1,
       "OCSP signature");
  const std::unique_ptr<OCSP_RESPONSE, Free<OCSP_RESPONSE_free>> response(
      OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get()));
  unsigned char* bytes = nullptr;
  const int size = i2d_OCSP_RESPONSE(response.get(), &bytes);
  must(size > 0, "OCSP response");
  const std::string text(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return file(std::to_string(++count_) + ".der", text);
}

std::string Certificates::revocations(const std::vector<CertificateFiles>& revoked,
                                      const CrlWish& wish) {
  using TimePtr = std::unique_ptr<ASN1_TIME, Free<ASN1_TIME_free>>;
  const TimePtr from(X509_gmtime_adj(nullptr, wish.from_seconds));
  const TimePtr to(X509_gmtime_adj(nullptr, wish.to_seconds));
  const std::unique_ptr<X509_CRL, Free<X509_CRL_free>> list(X509_CRL_new());
  X509_CRL_set_version(list.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(list.get(), X509_get_subject_name(authority_->certificate.get()));
  X509_CRL_set1_lastUpdate(list.get(), from.get());
  X509_CRL_set1_nextUpdate(list.get(), to.get());
  for (const CertificateFiles& files : revoked) {
    const CertificatePtr certificate = read_certificate(files.cert);
    X509_REVOKED* entry = X509_REVOKED_new();
    X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.get()));
    X509_REVOKED_set_revocationDate(entry, from.get());
    must(X509_CRL_add0_revoked(list.get(), entry) == 1, "list of revoked certificates");
  }
  X509_CRL_sort(list.get());
  must(X509_CRL_sign(list.get(), authority_->key.get(), EVP_sha256()) > 0, "signature");
  const BioPtr bio(BIO_new(BIO_s_mem()));
  must(PEM_write_bio_X509_CRL(bio.get(), list.get()) == 1, "list of revoked certificates");
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return file(std::to_string(++count_) + ".crl", std::string_view(text, static_cast<size_t>(size)));
}

std::string Certificates::file(std::string_view name, std::string_view bytes) {
  folder_.replace(std::string(name), std::string(bytes));
  return folder_ / std::string(name);
}

}  // namespace onehop::test
