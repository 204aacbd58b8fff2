// SPDX-License-Identifier: MIT
// AccessFormat: how an exchange is written down, in one line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "access_text.h"
#include "onehop/config/access_fields.h"
#include "onehop/proxy/exchange_record.h"

namespace onehop::server {

class AccessFormat {
 public:
  // "json", "combined" or a template, which was checked.
  explicit AccessFormat(std::string_view format);

  // The line with its end. `clock_began_ns` is when the clock that stamped the record was at 0, in
  // nanoseconds since 1970.
  void append(std::string& out, const proxy::ExchangeRecord& record, int64_t clock_began_ns);

 private:
  enum class Kind : uint8_t { json, combined, pieces };

  void append_json_line(std::string& out, const proxy::ExchangeRecord& record, int64_t began_ns);
  void append_combined_line(std::string& out, const proxy::ExchangeRecord& record,
                            int64_t began_ns);

  struct Piece {
    config::AccessPiece piece;
    char end;  // what stands behind its field: no text in the field has that
  };

  Kind kind_ = Kind::pieces;
  std::vector<Piece> pieces_;
  TimeText time_;
};

}  // namespace onehop::server
