// SPDX-License-Identifier: MIT
// What Connection says of a message (RFC 9110 7.6.1), read once. It may have many lines and name
// anything; so what is kept of it has a limit, and a field is looked up among the names by a hash.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "onehop/base/result.h"
#include "onehop/http/fields.h"
#include "onehop/http/violation.h"

namespace onehop::http {

class ConnectionOptions {
 public:
  static constexpr size_t kMostElements = 100;  // of the list, empty ones too
  static constexpr size_t kMostNames = 32;      // of fields, beside those that are known here

  // Refused is what has more than that. Its views are those of `fields`.
  static Result<ConnectionOptions, Violation> read(const Fields& fields);

  bool close() const noexcept { return close_; }
  bool keep_alive() const noexcept { return keep_alive_; }
  bool upgrade() const noexcept { return upgrade_; }

  // Makes FieldId::nominated of the fields that were named: they concern this connection alone.
  // Those that onehop knows stay what they are. Were they included, a client could delete what this
  // proxy adds (edge case 36).
  void mark(Fields& fields) const noexcept;

 private:
  struct Name {
    std::string_view text;
    uint32_t hash;
  };

  bool take(std::string_view option);
  bool names(std::string_view field, uint32_t hash) const noexcept;

  bool close_ = false;
  bool keep_alive_ = false;
  bool upgrade_ = false;
  uint8_t count_ = 0;
  std::array<Name, kMostNames> names_;
  static constexpr size_t kSlots = 2 * kMostNames;
  std::array<uint8_t, kSlots> slots_{};  // by hash: which name, counted from 1; 0 is none
};

}  // namespace onehop::http
