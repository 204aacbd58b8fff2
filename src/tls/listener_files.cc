// SPDX-License-Identifier: MIT
#include "listener_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "policy.h"

namespace onehop::tls {
namespace {

// Faults of an entry have the key below it.
Fault in_entry(size_t index, const Fault& fault) {
  return {fmt::format("certificates[{}].{}", index, fault.key), fault.sentence};
}

Result<LoadedCertificate, Fault> load_usable(const config::ListenerTls& settings, size_t index) {
  auto loaded = load_certificate(settings.certificates[index]);
  if (!loaded.has_value()) return Unexpected<Fault>(in_entry(index, loaded.error()));
  std::string refusal = use_certificate(*make_server_context(settings), *loaded);
  if (!refusal.empty())
    return Unexpected<Fault>(in_entry(index, Fault{"cert", std::move(refusal)}));
  return loaded;
}

}  // namespace

Result<ListenerFiles, Fault> ListenerFiles::read(const config::Listener& listener,
                                                 const ListenerFiles* previous,
                                                 std::vector<std::string>& warnings) {
  const config::ListenerTls& settings = listener.tls;
  const std::string whose = "listener " + listener.address;
  ListenerFiles files;
  for (size_t i = 0; i < settings.certificates.size(); ++i) {
    const config::Certificate& entry = settings.certificates[i];
    const std::vector<std::string> names = {entry.cert, entry.key, entry.ocsp};
    const Certificate* old = previous == nullptr ? nullptr : previous->certificate_in(names);
    const auto load = [&] { return load_usable(settings, i); };
    auto read = renew<LoadedCertificate>(names, old, load, whose, warnings);
    if (!read.has_value()) return Unexpected<Fault>(std::move(read.error()));
    files.certificates_.push_back(std::move(*read));
  }
  files.look_at_staples(warnings);
  if (settings.client_certificates == config::ClientCertificates::off) return files;
  if (auto fault = files.read_demands(listener, previous, warnings); fault.has_value())
    return Unexpected<Fault>(std::move(*fault));
  return files;
}

// What client certificates are held against.
std::optional<Fault> ListenerFiles::read_demands(const config::Listener& listener,
                                                 const ListenerFiles* previous,
                                                 std::vector<std::string>& warnings) {
  const config::ListenerTls& settings = listener.tls;
  const std::string whose = "listener " + listener.address;
  const auto old_of = [](const auto& read, const std::string& name) {
    return read.has_value() && read->names.front() == name ? &*read : nullptr;
  };
  const Authorities* const had =
      previous == nullptr ? nullptr : old_of(previous->authorities_, settings.client_ca);
  const auto load = [&] { return load_authorities(settings.client_ca, "client_ca"); };
  auto read = renew<std::vector<CertificatePtr>>({settings.client_ca}, had, load, whose, warnings);
  if (!read.has_value()) return std::move(read.error());
  authorities_ = std::move(*read);
  if (settings.client_crl.empty()) return std::nullopt;
  const Revocations* const had_lists =
      previous == nullptr ? nullptr : old_of(previous->revocations_, settings.client_crl);
  const auto load_lists = [&] { return load_revocations(settings.client_crl, "client_crl"); };
  auto lists =
      renew<std::vector<CrlPtr>>({settings.client_crl}, had_lists, load_lists, whose, warnings);
  if (!lists.has_value()) return std::move(lists.error());
  revocations_ = std::move(*lists);
  look_at_revocations(whose, warnings);
  return std::nullopt;
}

// Those that were valid when they were read may have grown old in use.
void ListenerFiles::look_at_revocations(const std::string& whose,
                                        std::vector<std::string>& warnings) {
  for (const CrlPtr& list : revocations()) {
    if (const std::string why = why_not_in_use(*list); !why.empty()) {
      warnings.push_back(
          fmt::format("{}: the list of revoked certificates of \"{}\" {}: its clients are refused",
                      whose, issuer_of(*list), why));
    } else {
      revocations_end_ = std::min(revocations_end_, end_of(*list));
    }
  }
}

const ListenerFiles::Certificate* ListenerFiles::certificate_in(
    const std::vector<std::string>& names) const {
  const auto found = std::ranges::find(certificates_, names, &Certificate::names);
  return found == certificates_.end() ? nullptr : &*found;
}

void ListenerFiles::look_at_staples(std::vector<std::string>& warnings) {
  const auto now = Staple::Clock::now();
  for (const LoadedCertificate* certificate : certificates()) {
    const Staple& staple = certificate->staple;
    if (staple.is_for_use(now)) staples_end_ = std::min(staples_end_, staple.to);
    if (const std::string why = staple.why_not(now); !why.empty()) {
      warnings.push_back(
          fmt::format("The OCSP response \"{}\" {}: it is not stapled", staple.file, why));
    }
  }
}

std::vector<const LoadedCertificate*> ListenerFiles::certificates() const {
  std::vector<const LoadedCertificate*> certificates;
  for (const Certificate& read : certificates_) certificates.push_back(read.it.get());
  return certificates;
}

const std::vector<CertificatePtr>& ListenerFiles::authorities() const {
  static const std::vector<CertificatePtr> kNone;
  return authorities_.has_value() ? *authorities_->it : kNone;
}

const std::vector<CrlPtr>& ListenerFiles::revocations() const {
  static const std::vector<CrlPtr> kNone;
  return revocations_.has_value() ? *revocations_->it : kNone;
}

bool ListenerFiles::same_as(const ListenerFiles& other) const {
  const auto same = [](const auto& one, const auto& another) {
    return one.has_value() == another.has_value() && (!one.has_value() || one->it == another->it);
  };
  return certificates() == other.certificates() && same(authorities_, other.authorities_) &&
         same(revocations_, other.revocations_);
}

bool ListenerFiles::changed() const {
  return std::ranges::any_of(certificates_,
                             [](const Certificate& read) { return read.changed(); }) ||
         (authorities_.has_value() && authorities_->changed()) ||
         (revocations_.has_value() && revocations_->changed()) ||
         Staple::Clock::now() >= std::min(staples_end_, revocations_end_);
}

}  // namespace onehop::tls
