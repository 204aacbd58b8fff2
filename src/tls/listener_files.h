// SPDX-License-Identifier: MIT
// The files that [listener.tls] names, read: certificates and the authorities of clients.
// When they are read again, renewal.h says what becomes of each.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "loading.h"
#include "onehop/config/config.h"
#include "renewal.h"
#include "revocations.h"

namespace onehop::tls {

class ListenerFiles {
 public:
  // `previous`, which may be null, is of an earlier time. Faults have keys below `tls`; there are
  // none for what `previous` has.
  static Result<ListenerFiles, Fault> read(const config::Listener& listener,
                                           const ListenerFiles* previous,
                                           std::vector<std::string>& warnings);

  // In the order of the settings; at least one. They live at least as long as this.
  std::vector<const LoadedCertificate*> certificates() const;

  // Those that client certificates must come from; empty where nobody is asked for one.
  const std::vector<CertificatePtr>& authorities() const;

  // What these have revoked; empty where there is no file of it.
  const std::vector<CrlPtr>& revocations() const;

  // True when both have the very same things in use.
  bool same_as(const ListenerFiles& other) const;

  // True when a file is not what it was just before it was read, or a staple or a list of what is
  // revoked that was for use then is not any more.
  bool changed() const;

 private:
  using Certificate = Read<LoadedCertificate>;
  using Authorities = Read<std::vector<CertificatePtr>>;
  using Revocations = Read<std::vector<CrlPtr>>;

  std::optional<Fault> read_demands(const config::Listener& listener, const ListenerFiles* previous,
                                    std::vector<std::string>& warnings);
  void look_at_revocations(const std::string& whose, std::vector<std::string>& warnings);
  const Certificate* certificate_in(const std::vector<std::string>& names) const;
  void look_at_staples(std::vector<std::string>& warnings);

  std::vector<Certificate> certificates_;
  std::optional<Authorities> authorities_;
  std::optional<Revocations> revocations_;
  Staple::Clock::time_point staples_end_ = Staple::Clock::time_point::max();
  Staple::Clock::time_point revocations_end_ = Staple::Clock::time_point::max();
};

}  // namespace onehop::tls
