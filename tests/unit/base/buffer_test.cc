// SPDX-License-Identifier: MIT
// A Buffer is a string that knows when not to copy: what it holds is compared with a std::string,
// and whether it copied is seen in where its bytes lie.
#include "onehop/base/buffer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace onehop {
namespace {

Buffer buffer_of(std::string_view text) {
  Buffer buffer;
  buffer.append(text);
  return buffer;
}

// `text` in pieces of their own, as reads would bring them.
Buffer sliced(const std::vector<std::string>& pieces) {
  Buffer buffer;
  for (const std::string& piece : pieces) buffer.splice(buffer_of(piece));
  return buffer;
}

size_t slice_count(const Buffer& buffer) {
  std::array<iovec, 64> slices;
  return buffer.gather(slices);
}

TEST_CASE("an empty buffer has no bytes, no front and nothing to gather") {
  Buffer buffer;
  CHECK(buffer.empty());
  CHECK(buffer.size() == 0);  // NOLINT(readability-container-size-empty): it is tested as well
  CHECK(buffer.front().empty());
  CHECK(buffer.front_writable().empty());
  CHECK(slice_count(buffer) == 0);
  CHECK(buffer.take_front(0).empty());
}

TEST_CASE("text appended piece by piece lies in one slice") {
  Buffer buffer;
  buffer.append("Host: ");
  buffer.append("example.org");
  buffer.append("");
  CHECK(buffer.front() == "Host: example.org");
  CHECK(slice_count(buffer) == 1);
}

TEST_CASE("a buffer holds more than any one chunk can") {
  const std::string text(3 * kLargeChunkBytes + 5, 'x');
  const Buffer buffer = buffer_of(text);
  CHECK(buffer.size() == text.size());
  CHECK(buffer.to_string() == text);
}

TEST_CASE("a small slice is copied behind the bytes that are there") {
  Buffer buffer = buffer_of("head ");
  Buffer small = buffer_of(std::string(kCopyBelow - 1, 's'));
  const char* where = small.front().data();
  buffer.append(std::move(small));
  CHECK(small.empty());  // NOLINT(bugprone-use-after-move): append promises it
  CHECK(buffer.to_string() == "head " + std::string(kCopyBelow - 1, 's'));
  buffer.consume(5);
  CHECK(buffer.front().data() != where);
}

TEST_CASE("a large slice changes hands without being copied") {
  Buffer buffer = buffer_of("head ");
  Buffer large = buffer_of(std::string(kCopyBelow, 'l'));
  const char* where = large.front().data();
  buffer.append(std::move(large));
  CHECK(large.empty());  // NOLINT(bugprone-use-after-move): append promises it
  CHECK(large.to_string().empty());
  buffer.consume(5);
  CHECK(buffer.front().data() == where);
}

TEST_CASE("splice never copies, however small the slices are") {
  Buffer buffer = buffer_of("a");
  Buffer other = buffer_of("b");
  const char* where = other.front().data();
  buffer.splice(std::move(other));
  CHECK(other.empty());  // NOLINT(bugprone-use-after-move): splice promises it
  CHECK(buffer.to_string() == "ab");
  buffer.consume(1);
  CHECK(buffer.front().data() == where);
  buffer.splice(Buffer());
  CHECK(buffer.to_string() == "b");
}

TEST_CASE("take_front shares the bytes of a slice that it cuts in two") {
  Buffer buffer = buffer_of("headbody");
  const char* where = buffer.front().data();
  const Buffer head = buffer.take_front(4);
  CHECK(head.to_string() == "head");
  CHECK(head.front().data() == where);
  CHECK(buffer.to_string() == "body");
  CHECK(buffer.front().data() == where + 4);
}

TEST_CASE("a copy has the same bytes, which the other keeps, and goes its own way") {
  Buffer buffer;
  buffer.append(std::string(10, 'a'));
  buffer.append(std::string(2 * kLargeChunkBytes, 'b'));
  const std::string text = buffer.to_string();
  Buffer copy;
  copy.append("before ");
  copy.append_copy(buffer);
  CHECK(buffer.to_string() == text);
  CHECK(copy.to_string() == "before " + text);
  buffer.append("more");
  copy.append("other");
  CHECK(buffer.to_string() == text + "more");
  CHECK(copy.to_string() == "before " + text + "other");
  buffer.clear();
  CHECK(copy.to_string() == "before " + text + "other");
}

TEST_CASE("bytes appended after a cut do not run into the part that was taken") {
  Buffer buffer = buffer_of("headbody");
  Buffer head = buffer.take_front(4);
  head.append("-more");
  buffer.append("-and more");
  CHECK(head.to_string() == "head-more");
  CHECK(buffer.to_string() == "body-and more");
}

TEST_CASE("taking everything leaves an empty buffer that can be filled again") {
  Buffer buffer = sliced({"one", "two"});
  const Buffer all = buffer.take_front(6);
  CHECK(all.to_string() == "onetwo");
  CHECK(buffer.empty());
  buffer.append("again");
  CHECK(buffer.to_string() == "again");
}

TEST_CASE("consume drops bytes across slices and stops inside one") {
  Buffer buffer = sliced({"one", "two", "three"});
  buffer.consume(4);
  CHECK(buffer.front() == "wo");
  CHECK(buffer.to_string() == "wothree");
  buffer.consume(2);
  CHECK(buffer.front() == "three");
  buffer.consume(5);
  CHECK(buffer.empty());
}

TEST_CASE("reserved bytes count only when they are committed") {
  Buffer buffer = buffer_of("x");
  char* room = buffer.reserve(100);
  room[0] = 'y';
  room[1] = 'z';
  CHECK(buffer.size() == 1);
  buffer.commit(2);
  CHECK(buffer.to_string() == "xyz");
}

TEST_CASE("a reservation larger than a chunk is contiguous") {
  Buffer buffer = buffer_of("x");
  const size_t size = 2 * kLargeChunkBytes;
  std::memset(buffer.reserve(size), 'r', size);
  buffer.commit(size);
  CHECK(buffer.to_string() == "x" + std::string(size, 'r'));
  buffer.consume(1);
  CHECK(buffer.front().size() == size);
}

TEST_CASE("a reservation that was not used does not hide the bytes behind it") {
  Buffer buffer = buffer_of("x");
  buffer.reserve(kLargeChunkBytes);
  buffer.commit(0);
  buffer.splice(buffer_of("y"));
  CHECK(buffer.to_string() == "xy");
  buffer.consume(1);
  REQUIRE(buffer.size() == 1);
  CHECK(buffer.front() == "y");  // the contract: front is empty only when the buffer is
}

TEST_CASE("gather describes the first slices, as many as fit") {
  const Buffer buffer = sliced({"one", "two", "three"});
  std::array<iovec, 2> slices;
  REQUIRE(buffer.gather(slices) == 2);
  CHECK(std::string(static_cast<char*>(slices[1].iov_base), slices[1].iov_len) == "two");
  CHECK(slice_count(buffer) == 3);
}

TEST_CASE("a slice keeps its chunk alive for as long as it lives") {
  Chunk* chunk = acquire_chunk(kSmallChunkBytes);
  std::memcpy(chunk->bytes(), "0123456789", 10);
  Buffer buffer;
  buffer.append_slice(chunk, 2, 3);
  buffer.append_slice(chunk, 7, 2);
  buffer.append_slice(chunk, 0, 0);
  CHECK(chunk->references == 3);
  release_chunk(chunk);
  CHECK(buffer.to_string() == "23478");
  CHECK(slice_count(buffer) == 2);
}

TEST_CASE("a chunk has at least the capacity asked for") {
  for (const size_t size : {size_t{1}, kSmallChunkBytes, kSmallChunkBytes + 1, kLargeChunkBytes,
                            kLargeChunkBytes + 1, kBulkChunkBytes, kBulkChunkBytes + 1}) {
    Chunk* chunk = acquire_chunk(size);
    CHECK(chunk->capacity >= size);
    CHECK(chunk->references == 1);
    std::memset(chunk->bytes(), 0, size);
    release_chunk(chunk);
  }
}

TEST_CASE("bulk chunks are counted from the first to the last reference") {
  const size_t before = bulk_chunks_in_use();
  Chunk* chunk = acquire_chunk(kBulkChunkBytes);
  Chunk* other = acquire_chunk(kBulkChunkBytes);
  CHECK(chunk->capacity == kBulkChunkBytes);
  CHECK(bulk_chunks_in_use() == before + 2);
  Buffer buffer;
  buffer.append_slice(chunk, 0, kBulkChunkBytes);
  release_chunk(chunk);
  release_chunk(other);
  CHECK(bulk_chunks_in_use() == before + 1);
  buffer.consume(kBulkChunkBytes);
  CHECK(bulk_chunks_in_use() == before);
}

TEST_CASE("moving a buffer moves its bytes and leaves nothing behind") {
  Buffer first = buffer_of("first");
  Buffer second(std::move(first));
  CHECK(first.empty());  // NOLINT(bugprone-use-after-move): a move promises it
  CHECK(second.to_string() == "first");
  Buffer third = buffer_of("third");
  third = std::move(second);
  CHECK(second.empty());  // NOLINT(bugprone-use-after-move): a move promises it
  CHECK(third.to_string() == "first");
}

// Two buffers and their models; each step does the same to both.
struct Pair {
  Buffer buffers[2];
  std::string models[2];

  void step(std::mt19937_64& random) {
    const size_t one = random() % 2;
    const size_t other = 1 - one;
    Buffer& buffer = buffers[one];
    std::string& model = models[one];
    const size_t part = model.empty() ? 0 : random() % (model.size() + 1);
    switch (random() % 7) {
      case 0: {
        const size_t size = random() % 4 == 0 ? random() % 90'000 : random() % 200;
        const std::string text(size, static_cast<char>('a' + random() % 26));
        buffer.append(text);
        model += text;
        return;
      }
      case 1:
        buffer.append(std::move(buffers[other]));
        model += std::exchange(models[other], "");
        return;
      case 2:
        buffer.splice(std::move(buffers[other]));
        model += std::exchange(models[other], "");
        return;
      case 3:
        buffer.consume(part);
        model.erase(0, part);
        return;
      case 4:
        buffers[other].splice(buffer.take_front(part));
        models[other] += model.substr(0, part);
        model.erase(0, part);
        return;
      case 5: {
        const size_t size = 1 + random() % 10'000;
        const size_t used = 1 + random() % size;
        std::memset(buffer.reserve(size), 'R', used);
        buffer.commit(used);
        model.append(used, 'R');
        return;
      }
      default:
        if (model.size() > 300'000) {
          buffer.clear();
          model.clear();
        }
    }
  }
};

std::string gathered(const Buffer& buffer) {
  std::vector<iovec> slices(5000);
  slices.resize(buffer.gather(slices));
  std::string text;
  for (const iovec& slice : slices) {
    text.append(static_cast<const char*>(slice.iov_base), slice.iov_len);
  }
  return text;
}

TEST_CASE("after any sequence of calls a buffer holds what a string would") {
  std::mt19937_64 random(test::test_seed());
  INFO("seed " << test::test_seed());
  Pair pair;
  for (int step = 0; step < 4000; ++step) {
    pair.step(random);
    for (const size_t i : {0, 1}) {
      const Buffer& buffer = pair.buffers[i];
      const std::string& model = pair.models[i];
      INFO("step " << step);
      REQUIRE(buffer.size() == model.size());
      REQUIRE(buffer.empty() == model.empty());
      REQUIRE(buffer.front().empty() == model.empty());
      REQUIRE((model.compare(0, buffer.front().size(), buffer.front()) == 0));
      if (step % 16 == 0) {
        REQUIRE((buffer.to_string() == model));
        REQUIRE((gathered(buffer) == model));
      }
    }
  }
}

TEST_CASE("a small slice that has to wait does not keep a large chunk alive") {
  const uint64_t before = buffered_memory();
  Buffer waiting;
  for (int i = 0; i < 16; ++i) {
    Chunk* const chunk = acquire_chunk(kLargeChunkBytes);
    chunk->bytes()[0] = static_cast<char>('a' + i);
    waiting.append_slice(chunk, 0, 1);
    release_chunk(chunk);
  }
  CHECK(buffered_memory() >= before + 14 * kLargeChunkBytes);
  waiting.compact();
  CHECK(waiting.to_string() == "abcdefghijklmnop");
  CHECK(buffered_memory() <= before + 2 * kLargeChunkBytes);
}

TEST_CASE("slices that fill their chunks are not copied when they wait") {
  Buffer waiting;
  Chunk* const chunk = acquire_chunk(kLargeChunkBytes);
  waiting.append_slice(chunk, 0, kLargeChunkBytes);
  const char* const where = waiting.front().data();
  waiting.compact();
  CHECK(waiting.front().data() == where);
  release_chunk(chunk);
}

}  // namespace
}  // namespace onehop
