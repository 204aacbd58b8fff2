// SPDX-License-Identifier: MIT
// The buffer: small pieces that are copied, large ones that change hands, and what a gathering
// write is told.
#include <benchmark/benchmark.h>
#include <sys/uio.h>

#include <array>
#include <cstdint>
#include <string>
#include <utility>

#include "onehop/base/buffer.h"

namespace {

using onehop::Buffer;

// A head and a small body, appended and sent.
void append_and_consume_text(benchmark::State& state) {
  const std::string text(static_cast<size_t>(state.range(0)), 'x');
  Buffer buffer;
  while (state.KeepRunning()) {
    buffer.append(text);
    benchmark::DoNotOptimize(buffer.front().data());
    buffer.consume(buffer.size());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(append_and_consume_text)->Arg(256)->Arg(4096)->Arg(16384);

// A body on its way through: read into one buffer, moved to another, sent from there. Nothing is
// copied, so the time hardly depends on the size.
void move_body_through(benchmark::State& state) {
  const auto size = static_cast<size_t>(state.range(0));
  Buffer output;
  while (state.KeepRunning()) {
    Buffer input;
    benchmark::DoNotOptimize(input.reserve(size));
    input.commit(size);
    output.append(std::move(input));
    output.consume(output.size());
  }
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK(move_body_through)->Arg(8192)->Arg(65536);

void gather_slices(benchmark::State& state) {
  Buffer buffer;
  for (int64_t i = 0; i < state.range(0); ++i) {
    Buffer piece;
    piece.reserve(onehop::kLargeChunkBytes);
    piece.commit(onehop::kLargeChunkBytes);
    buffer.append(std::move(piece));
  }
  std::array<iovec, 64> slices{};
  while (state.KeepRunning()) {
    benchmark::DoNotOptimize(buffer.gather(slices));
    benchmark::ClobberMemory();
  }
}
BENCHMARK(gather_slices)->Arg(1)->Arg(4)->Arg(16);

}  // namespace
