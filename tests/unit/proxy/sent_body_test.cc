// SPDX-License-Identifier: MIT
#include "proxy/sent_body.h"

#include "proxy/body_pace.h"
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

TEST_CASE("bytes buy time at the rate that is asked for, never more than the grace ahead") {
  BodyPace pace;
  pace.begin(1'000, 500);
  CHECK(pace.due_ms() == 1'500);
  pace.earn(10, 100, 1'100, 500);  // a tenth of a second
  CHECK(pace.due_ms() == 1'600);
  pace.earn(1'000'000, 100, 1'200, 500);
  CHECK(pace.due_ms() == 1'700);
}

TEST_CASE("bytes too few for a millisecond are not lost") {
  BodyPace pace;
  pace.begin(0, 10);
  for (int i = 0; i < 4; ++i) pace.earn(1, 2'000, 5, 10);
  CHECK(pace.due_ms() == 12);
}

}  // namespace
}  // namespace onehop::proxy
