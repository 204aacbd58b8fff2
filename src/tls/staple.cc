// SPDX-License-Identifier: MIT
#include "staple.h"

#include <fmt/format.h>
#include <openssl/ocsp.h>

#include <ctime>
#include <optional>
#include <utility>

namespace onehop::tls {
namespace {

using ResponsePtr = std::unique_ptr<OCSP_RESPONSE, Free<OCSP_RESPONSE_free>>;
using BasicPtr = std::unique_ptr<OCSP_BASICRESP, Free<OCSP_BASICRESP_free>>;
using IdPtr = std::unique_ptr<OCSP_CERTID, Free<OCSP_CERTID_free>>;

constexpr std::string_view kWanted = "a DER file with a successful OCSP response";

Unexpected<Fault> refuse(const std::string& file, std::string_view why) {
  return fault("ocsp", fmt::format("{}, found \"{}\" {}", kWanted, file, why));
}

Result<BasicPtr, Fault> parse(const std::string& file, const std::string& text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  const unsigned char* const end = bytes + text.size();
  clear_errors();
  const ResponsePtr response(d2i_OCSP_RESPONSE(nullptr, &bytes, static_cast<long>(text.size())));
  if (response == nullptr) return refuse(file, fmt::format("({})", take_error()));
  if (bytes != end) return refuse(file, "with more behind it");
  const int status = OCSP_response_status(response.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
    return refuse(file, fmt::format("with the status {}", OCSP_response_status_str(status)));
  BasicPtr basic(OCSP_response_get1_basic(response.get()));
  if (basic == nullptr) return refuse(file, fmt::format("({})", take_error()));
  return basic;
}

// The certificate that has signed `leaf`, which may be itself; null where it is not at hand.
const X509* issuer_of(const X509& leaf, const std::vector<CertificatePtr>& chain) {
  X509* const signed_one = const_cast<X509*>(&leaf);  // OpenSSL keeps what it finds out about it
  for (const CertificatePtr& candidate : chain) {
    if (X509_check_issued(candidate.get(), signed_one) == X509_V_OK) return candidate.get();
  }
  return X509_check_issued(signed_one, signed_one) == X509_V_OK ? &leaf : nullptr;
}

bool equal(const ASN1_OCTET_STRING& digest, const unsigned char* bytes, unsigned size) {
  return std::string_view(reinterpret_cast<const char*>(ASN1_STRING_get0_data(&digest)),
                          static_cast<size_t>(ASN1_STRING_length(&digest))) ==
         std::string_view(reinterpret_cast<const char*>(bytes), size);
}

bool is_about(OCSP_CERTID* id, const X509& leaf, const X509* issuer) {
  ASN1_OCTET_STRING* issuer_name = nullptr;
  ASN1_OBJECT* algorithm = nullptr;
  ASN1_INTEGER* serial = nullptr;
  OCSP_id_get0_info(&issuer_name, &algorithm, nullptr, &serial, id);
  const EVP_MD* digest = EVP_get_digestbyobj(algorithm);
  if (digest == nullptr) return false;
  if (issuer != nullptr) {
    const IdPtr own(OCSP_cert_to_id(digest, &leaf, issuer));
    return own != nullptr && OCSP_id_cmp(own.get(), id) == 0;
  }
  unsigned char bytes[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  return ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(&leaf)) == 0 &&
         X509_NAME_digest(X509_get_issuer_name(&leaf), digest, bytes, &size) == 1 &&
         equal(*issuer_name, bytes, size);
}

OCSP_SINGLERESP* part_about(OCSP_BASICRESP& basic, const X509& leaf, const X509* issuer) {
  for (int i = 0; i < OCSP_resp_count(&basic); ++i) {
    OCSP_SINGLERESP* part = OCSP_resp_get0(&basic, i);
    const OCSP_CERTID* id = OCSP_SINGLERESP_get0_id(part);
    if (is_about(const_cast<OCSP_CERTID*>(id), leaf, issuer)) return part;  // it is not written
  }
  return nullptr;
}

std::optional<Staple::Clock::time_point> time_of(const ASN1_GENERALIZEDTIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return std::nullopt;
  return Staple::Clock::from_time_t(::timegm(&parts));
}

}  // namespace

std::string Staple::why_not(Clock::time_point now) const {
  if (response.empty() || is_for_use(now)) return {};
  return now < from ? "is valid only from " + date_of(from) + " on" : "expired on " + date_of(to);
}

Result<Staple, Fault> load_staple(const std::string& file, const std::string& leaf_file,
                                  const X509& leaf, const std::vector<CertificatePtr>& chain) {
  auto text = read_file(file, "ocsp", kWanted);
  if (!text.has_value()) return Unexpected<Fault>(std::move(text.error()));
  const auto basic = parse(file, *text);
  if (!basic.has_value()) return Unexpected<Fault>(basic.error());
  OCSP_SINGLERESP* part = part_about(**basic, leaf, issuer_of(leaf, chain));
  clear_errors();
  if (part == nullptr) {
    return fault("ocsp",
                 fmt::format("an OCSP response for \"{}\", found one for another certificate in "
                             "\"{}\"",
                             leaf_file, file));
  }
  ASN1_GENERALIZEDTIME* from = nullptr;
  ASN1_GENERALIZEDTIME* to = nullptr;
  const int status = OCSP_single_get0_status(part, nullptr, nullptr, &from, &to);
  if (status != V_OCSP_CERTSTATUS_GOOD) {
    return fault("ocsp",
                 fmt::format("an OCSP response that \"{}\" is good, found that it is {} in \"{}\"",
                             leaf_file, OCSP_cert_status_str(status), file));
  }
  const auto begin = time_of(from);
  const auto end = time_of(to);
  if (!begin.has_value() || (to != nullptr && !end.has_value()))
    return refuse(file, "with a time that is none");
  Staple staple{file, std::move(*text), *begin};
  if (end.has_value()) staple.to = *end;
  return staple;
}

}  // namespace onehop::tls
