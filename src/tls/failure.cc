// SPDX-License-Identifier: MIT
#include "onehop/tls/tls.h"

namespace onehop::tls {
namespace {

struct FailureRow {
  std::string_view name;
  std::string_view sentence;
};

constexpr FailureRow kFailures[] = {
#define X(name, sentence) {#name, sentence},
    ONEHOP_TLS_FAILURES(X)
#undef X
};

}  // namespace

std::string_view name_of(Failure failure) {
  return kFailures[static_cast<size_t>(failure)].name;
}

std::string_view sentence_of(Failure failure) {
  return kFailures[static_cast<size_t>(failure)].sentence;
}

}  // namespace onehop::tls
