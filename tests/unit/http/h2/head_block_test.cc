// SPDX-License-Identifier: MIT
#include "src/http/h2/head_block.h"

#include <array>
#include <memory>
#include <string>

#include "tests/support/catch.h"

namespace onehop::http::h2 {
namespace {

// The table of a connection's other side, which is that of the compressor.
class Table {
 public:
  Table() {
    nghttp2_hd_deflater* made = nullptr;
    REQUIRE(nghttp2_hd_deflate_new(&made, 4096) == 0);
    deflater_.reset(made);
  }

  size_t write(const HeadBlock& block) {
    std::array<uint8_t, 8192> out;
    const auto size =
        nghttp2_hd_deflate_hd(deflater_.get(), out.data(), out.size(), block.data(), block.size());
    REQUIRE(size > 0);
    return static_cast<size_t>(size);
  }
  size_t bytes() const { return nghttp2_hd_deflate_get_dynamic_table_size(deflater_.get()); }

 private:
  struct Delete {
    void operator()(nghttp2_hd_deflater* deflater) const { nghttp2_hd_deflate_del(deflater); }
  };
  std::unique_ptr<nghttp2_hd_deflater, Delete> deflater_;
};

std::string text_of(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

TEST_CASE("what changes with each response takes no place in the table") {
  Table table;
  HeadBlock block;
  size_t settled = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string value = std::to_string(1'000'000 + i);
    std::array<Field, 24> room;
    ResponseHead head;
    head.status = 200;
    head.body = BodyLength::of(static_cast<uint64_t>(1000 + i));
    head.fields = Fields(room);
    for (const char* name : {"ETag", "Last-Modified", "Expires", "X-Request-Id", "Location", "Age",
                             "Set-Cookie", "Content-Range", "Server-Timing", "X-Runtime",
                             "traceparent", "x-correlation-id", "content-disposition"})
      head.fields.add(name, value);
    head.fields.add("Server", "app");
    head.fields.add("Content-Type", "text/html");
    head.fields.add("X-Own", "the same each time");
    block.response(head);
    table.write(block);
    if (i == 0) settled = table.bytes();
  }
  CHECK(settled > 0);
  CHECK(table.bytes() == settled);
}

TEST_CASE("what tells clients apart takes no place in the table of an endpoint") {
  Table table;
  HeadBlock block;
  size_t settled = 0;
  for (int i = 0; i < 50; ++i) {
    const std::string value = std::to_string(1'000'000 + i);
    std::array<Field, 16> room;
    RequestHead head;
    head.method_text = "GET";
    head.authority = "a.example";
    const std::string target = "/" + value;
    head.target = target;
    head.fields = Fields(room);
    for (const char* name :
         {"cookie", "authorization", "x-forwarded-for", "forwarded", "x-request-id", "referer",
          "if-none-match", "if-modified-since", "range", "X-Real-IP", "traceparent"})
      head.fields.add(name, value);
    head.fields.add("accept", "*/*");
    block.request(head, "https");
    table.write(block);
    if (i == 0) settled = table.bytes();
  }
  CHECK(settled > 0);
  CHECK(table.bytes() == settled);
}

TEST_CASE("a value that comes again is a byte or two the second time") {
  Table table;
  HeadBlock block;
  std::array<Field, 4> room;
  ResponseHead head;
  head.status = 200;
  head.fields = Fields(room);
  head.fields.add("X-Own", std::string_view("the same each time"));
  head.fields.add("Content-Security-Policy", "default-src 'self'; img-src *");
  block.response(head);
  const size_t first = table.write(block);
  CHECK(first > 30);
  CHECK(table.write(block) <= 4);
}

TEST_CASE("names that are constants are in lower case and not copied, others are") {
  HeadBlock block;
  std::array<Field, 4> room;
  const std::string known = "Content-Type";
  const std::string met_often = "Last-Modified";
  const std::string own = "X-Own";
  ResponseHead head;
  head.status = 404;
  head.fields = Fields(room);
  head.fields.add(known, "a");
  head.fields.add(met_often, "b");
  head.fields.add(own, "c");
  block.response(head);
  REQUIRE(block.size() == 4);
  const nghttp2_nv* pairs = block.data();
  CHECK(text_of(pairs[0].name, pairs[0].namelen) == ":status");
  CHECK(text_of(pairs[0].value, pairs[0].valuelen) == "404");
  CHECK(text_of(pairs[1].name, pairs[1].namelen) == "content-type");
  CHECK(text_of(pairs[2].name, pairs[2].namelen) == "last-modified");
  CHECK(text_of(pairs[3].name, pairs[3].namelen) == "X-Own");  // nghttp2 lowers what it copies
  for (int i = 0; i < 3; ++i) CHECK((pairs[i].flags & NGHTTP2_NV_FLAG_NO_COPY_NAME) != 0);
  for (int i = 0; i < 4; ++i) CHECK((pairs[i].flags & NGHTTP2_NV_FLAG_NO_COPY_VALUE) == 0);
  CHECK((pairs[3].flags & NGHTTP2_NV_FLAG_NO_COPY_NAME) == 0);
}

}  // namespace
}  // namespace onehop::http::h2
