// SPDX-License-Identifier: MIT
#include "proxy/sent_body.h"

#include <cstring>

#include "tests/support/catch.h"

namespace onehop::proxy {
namespace {

Buffer bytes(size_t size, char of = 'a') {
  Buffer made;
  made.append(std::string(size, of));
  return made;
}

TEST_CASE("a body of which nothing was sent is whole, and there is nothing to send again") {
  const SentBody body;
  CHECK(body.untouched());
  CHECK(body.whole());
  CHECK(body.again().empty());
}

TEST_CASE("what was sent of a body is there again, as often as it is asked for") {
  SentBody body;
  body.sends(bytes(3, 'x'), true);
  body.sends(bytes(20'000, 'y'), true);
  body.sends(Buffer(), true);
  CHECK_FALSE(body.untouched());
  CHECK(body.whole());
  for (int i = 0; i < 2; ++i) CHECK(body.again().to_string() == "xxx" + std::string(20'000, 'y'));
}

TEST_CASE("a body of which more was sent than is kept, or a part that was not kept, is not whole") {
  SentBody large;
  large.sends(bytes(SentBody::kMostKept), true);
  CHECK(large.whole());
  large.sends(bytes(1), true);
  CHECK_FALSE(large.whole());
  CHECK(large.again().empty());

  SentBody gap;
  gap.sends(bytes(1), false);
  gap.sends(bytes(1), true);
  CHECK_FALSE(gap.whole());
}

TEST_CASE("a body that was forgotten is whole only if nothing of it was sent") {
  SentBody untouched;
  untouched.forget();
  CHECK(untouched.whole());
  SentBody touched;
  touched.sends(bytes(1), true);
  touched.forget();
  CHECK_FALSE(touched.whole());
  CHECK(touched.again().empty());
}

TEST_CASE("what is kept of a body pins no more memory than it counts for") {
  SentBody body;
  const uint64_t before = buffered_memory();
  for (int i = 0; i < 12; ++i) {
    Chunk* const chunk = acquire_chunk(kLargeChunkBytes);  // as a read leaves it
    std::memset(chunk->bytes(), 'x', 5'000);
    Buffer piece;
    piece.append_slice(chunk, 0, 5'000);
    release_chunk(chunk);
    body.sends(piece, true);
  }
  CHECK(body.bytes() == 60'000);
  // Steps of 64 KiB, in which memory is told to all threads.
  CHECK(buffered_memory() - before <= 3 * kLargeChunkBytes);
}

}  // namespace
}  // namespace onehop::proxy
