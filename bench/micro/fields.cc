// SPDX-License-Identifier: MIT
// Fields: what classifying a name costs when it is added, and what that saves when it is looked
// for.
#include <benchmark/benchmark.h>

#include <array>
#include <string_view>
#include <utility>

#include "onehop/http/fields.h"

namespace {

using onehop::http::Field;
using onehop::http::FieldId;
using onehop::http::Fields;

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kUsual = {{
    {"Host", "shop.example.org"},
    {"User-Agent", "bench"},
    {"Accept", "*/*"},
    {"Accept-Encoding", "gzip, deflate, br"},
    {"Accept-Language", "en-GB,en;q=0.9"},
    {"Cache-Control", "no-cache"},
    {"Cookie", "basket=8f14e45fceea167a"},
    {"Referer", "https://shop.example.org/"},
    {"X-Request-Id", "0123456789abcdef"},
    {"Content-Length", "16384"},
}};

void add_all(Fields& fields) {
  for (const auto& [name, value] : kUsual) fields.add(name, value);
}

void add_ten_fields(benchmark::State& state) {
  std::array<Field, kUsual.size()> room;
  while (state.KeepRunning()) {
    Fields fields(room);
    add_all(fields);
    benchmark::DoNotOptimize(fields.begin());
    benchmark::ClobberMemory();
  }
}
BENCHMARK(add_ten_fields);

// The last one, and one that is not there: both look at every field.
void find_field_by_id(benchmark::State& state) {
  std::array<Field, kUsual.size()> room;
  Fields fields(room);
  add_all(fields);
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(fields.find(FieldId::content_length));
    benchmark::DoNotOptimize(fields.find(FieldId::upgrade));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(find_field_by_id);

void find_field_by_name(benchmark::State& state) {
  std::array<Field, kUsual.size()> room;
  Fields fields(room);
  add_all(fields);
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(fields.find("referer"));
    benchmark::DoNotOptimize(fields.find("if-none-match"));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(find_field_by_name);

}  // namespace
