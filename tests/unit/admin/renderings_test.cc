// SPDX-License-Identifier: MIT
#include "onehop/admin/renderings.h"

#include "tests/support/catch.h"

namespace onehop::admin {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

Reply document(size_t bytes) {
  std::string body;
  while (body.size() < bytes) body += "onehop_something_total{a=\"b\"} " + std::to_string(bytes);
  body.resize(bytes);
  return {200, "text/plain", std::move(body), {}};
}

std::string text_of(const Rendering& rendering) {
  std::string text;
  for (size_t i = 0; i < rendering.piece_count(); ++i) text += rendering.piece(i).to_string();
  return text;
}

TEST_CASE("a rendering is given to all who ask within its second, and not after it") {
  Renderings renderings;
  const auto made = renderings.make("/metrics", 5 * kSecond, document(10), Coding::identity);
  CHECK(renderings.latest("/metrics", 5 * kSecond) == made);
  CHECK(renderings.latest("/metrics", 6 * kSecond - 1) == made);
  CHECK(renderings.latest("/metrics gzip", 5 * kSecond) == nullptr);
  CHECK(renderings.latest("/metrics", 6 * kSecond) == nullptr);
  CHECK(renderings.made() == 1);
}

TEST_CASE("a rendering without a key is nobody else's") {
  Renderings renderings;
  renderings.make({}, 0, document(10), Coding::identity);
  CHECK(renderings.latest({}, 0) == nullptr);
  CHECK(renderings.held_bytes() == 0);
}

TEST_CASE("readers share the bytes of a rendering, and the last one frees them") {
  Renderings renderings;
  auto first = renderings.make("/metrics", 0, document(500'000), Coding::identity);
  auto second = renderings.latest("/metrics", 1);
  REQUIRE(second == first);
  CHECK(first->piece_count() == 8);
  const Buffer mine = first->piece(3);
  const Buffer other = second->piece(3);
  CHECK(mine.front().data() == other.front().data());
  CHECK(renderings.held_bytes() == 500'000);
  renderings.latest("/metrics", 2 * kSecond);  // its second is over
  first.reset();
  CHECK(renderings.held_bytes() == 500'000);
  second.reset();
  CHECK(renderings.held_bytes() == 0);
}

TEST_CASE("the pieces are the document, whatever its size") {
  Renderings renderings;
  for (const size_t bytes : {0, 1, 65535, 65536, 65537, 300'000}) {
    INFO(bytes);
    const auto made = renderings.make({}, 0, document(bytes), Coding::identity);
    CHECK(made->size() == bytes);
    CHECK((text_of(*made) == document(bytes).body));
    CHECK(made->head().body.empty());
    CHECK(made->head().content_type == "text/plain");
  }
}

TEST_CASE("a document is coded when that makes it smaller, and never a short one") {
  Renderings renderings;
  const auto large = renderings.make({}, 0, document(100'000), Coding::gzip);
  CHECK(large->coding() == Coding::gzip);
  CHECK(large->size() < 10'000);
  CHECK(text_of(*large).starts_with("\x1f\x8b"));
  const auto small = renderings.make({}, 0, document(200), Coding::gzip);
  CHECK(small->coding() == Coding::identity);
  CHECK(small->size() == 200);
}

}  // namespace
}  // namespace onehop::admin
