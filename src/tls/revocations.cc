// SPDX-License-Identifier: MIT
#include "revocations.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include <algorithm>
#include <array>
#include <ctime>

namespace onehop::tls {

Result<std::vector<CrlPtr>, Fault> load_revocations(const std::string& file, std::string_view key) {
  constexpr std::string_view kWanted = "a PEM file with lists of revoked certificates";
  const auto text = read_file(file, key, kWanted);
  if (!text.has_value()) return Unexpected<Fault>(text.error());
  const BioPtr bio(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
  std::vector<CrlPtr> lists;
  clear_errors();
  while (X509_CRL* list = PEM_read_bio_X509_CRL(bio.get(), nullptr, nullptr, nullptr))
    lists.emplace_back(list);
  const unsigned long why = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE;
  if (!at_end) return fault(key, fmt::format("{}, found \"{}\" ({})", kWanted, file, take_error()));
  clear_errors();
  if (lists.empty()) return fault(key, fmt::format("{}, found \"{}\" without one", kWanted, file));
  for (const CrlPtr& list : lists) {
    if (const std::string fault_of_it = why_not_in_use(*list); !fault_of_it.empty()) {
      return fault(key, fmt::format("lists of revoked certificates that are valid now, found "
                                    "\"{}\", where that of \"{}\" {}",
                                    file, issuer_of(*list), fault_of_it));
    }
  }
  return lists;
}

bool same(const std::vector<CrlPtr>& some, const std::vector<CrlPtr>& others) {
  return std::ranges::equal(some, others, [](const CrlPtr& a, const CrlPtr& b) {
    return fingerprint_of(*a) == fingerprint_of(*b);
  });
}

std::string issuer_of(const X509_CRL& list) {
  const BioPtr bio(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(bio.get(), X509_CRL_get_issuer(&list), 0, XN_FLAG_RFC2253);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<size_t>(std::max(size, 0L))};
}

std::string fingerprint_of(const X509_CRL& list) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_CRL_digest(&list, EVP_sha256(), digest.data(), &size);
  return {reinterpret_cast<const char*>(digest.data()), size};
}

std::string why_not_in_use(const X509_CRL& list) {
  const ASN1_TIME* from = X509_CRL_get0_lastUpdate(&list);
  const ASN1_TIME* to = X509_CRL_get0_nextUpdate(&list);
  if (X509_cmp_current_time(from) > 0) return "is valid only from " + date_of(from) + " on";
  if (to != nullptr && X509_cmp_current_time(to) < 0) return "expired on " + date_of(to);
  return {};
}

std::chrono::system_clock::time_point end_of(const X509_CRL& list) {
  using Clock = std::chrono::system_clock;
  const ASN1_TIME* to = X509_CRL_get0_nextUpdate(&list);
  std::tm parts{};
  if (to == nullptr || ASN1_TIME_to_tm(to, &parts) != 1) return Clock::time_point::max();
  return Clock::from_time_t(::timegm(&parts));
}

}  // namespace onehop::tls
