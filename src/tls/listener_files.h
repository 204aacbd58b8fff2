// SPDX-License-Identifier: MIT
// The files that [listener.tls] names, read: certificates and the authorities of clients.
//
// When they are read again each stands for itself. What has not changed is kept as it is, also a
// certificate that has expired meanwhile; what has changed and is no good leaves what was there
// before in use, with a warning. So one bad file does not stand in the way of others, and what is
// said of it is said once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "loading.h"
#include "onehop/config/config.h"

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

  // True when a file is not what it was just before it was read, or a staple that was for use then
  // is not any more.
  bool changed() const;

 private:
  // What was made of some files, and what they were like just before.
  template <class T>
  struct Read {
    std::vector<std::string> names;
    std::vector<FileStamp> stamps;
    std::shared_ptr<const T> it;

    bool changed() const;
  };
  using Certificate = Read<LoadedCertificate>;
  using Authorities = Read<std::vector<CertificatePtr>>;

  template <class T, class Load>
  static Result<Read<T>, Fault> renew(const std::vector<std::string>& names, const Read<T>* old,
                                      Load load, const std::string& address,
                                      std::vector<std::string>& warnings);
  const Certificate* certificate_in(const std::vector<std::string>& names) const;
  void look_at_staples(std::vector<std::string>& warnings);

  std::vector<Certificate> certificates_;
  std::optional<Authorities> authorities_;
  Staple::Clock::time_point staples_end_ = Staple::Clock::time_point::max();
};

}  // namespace onehop::tls
