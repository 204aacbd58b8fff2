// SPDX-License-Identifier: MIT
// The two kinds of ExpositionWriter, and how each of them writes a label.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "onehop/telemetry/exposition.h"

namespace onehop::telemetry {

std::unique_ptr<ExpositionWriter> make_text_writer(Exposition format);
std::unique_ptr<ExpositionWriter> make_protobuf_writer(int64_t created_unix_s);

// What stands before the samples of a family, and behind a sample's name.
std::string_view suffix_of(FamilyKind kind);

inline double seconds(uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

// Append a label to those that are there.
void add_text(std::string_view name, std::string_view value, std::string& into);
void add_wire(std::string_view name, std::string_view value, std::string& into);

}  // namespace onehop::telemetry
