// SPDX-License-Identifier: MIT
#include "prepared.h"

#include <utility>

namespace onehop::server {

Result<Prepared, std::string> Prepared::make(Loaded loaded, const TlsContexts* before) {
  Prepared made{std::move(loaded), {}};
  auto tls = TlsContexts::make(made.config(), before);
  if (!tls.has_value()) return Unexpected<std::string>(tls.error());
  made.tls = std::move(*tls);
  return made;
}

}  // namespace onehop::server
