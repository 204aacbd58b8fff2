// SPDX-License-Identifier: MIT
// Connection is read once, over all its lines, and there is an end to what it may ask.
#include "onehop/http/connection_options.h"

#include <string>
#include <utility>
#include <vector>

#include "tests/support/catch.h"

namespace onehop::http {
namespace {

using Lines = std::vector<std::pair<std::string, std::string>>;

// A head with these lines after its Connection was looked at.
class Head {
 public:
  explicit Head(Lines lines) : lines_(std::move(lines)), room_(lines_.size()), fields_(room_) {
    for (const auto& [name, value] : lines_) fields_.add(name, value);
    options_ = ConnectionOptions::read(fields_);
    if (options_.has_value()) options_->mark(fields_);
  }

  bool refused() const { return !options_.has_value(); }
  const ConnectionOptions& options() const { return *options_; }
  std::string nominated() const {
    std::string names;
    for (const Field& field : fields_) {
      if (field.id == FieldId::nominated) names += std::string(field.name) + ";";
    }
    return names;
  }

 private:
  Lines lines_;
  std::vector<Field> room_;
  Fields fields_;
  Result<ConnectionOptions, Violation> options_;
};

std::string repeated(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

// "x0, x1, ..."
std::string names(size_t count) {
  std::string list;
  for (size_t i = 0; i < count; ++i) list += (i == 0 ? "x" : ", x") + std::to_string(i);
  return list;
}

TEST_CASE("Connection is searched over all its lines, without case") {
  const Head head(
      {{"Connection", "Keep-Alive, X"}, {"Via", "close"}, {"connection", ",UPGRADE ,"}});
  CHECK(head.options().keep_alive());
  CHECK(head.options().upgrade());
  CHECK_FALSE(head.options().close());
  CHECK(Head(Lines{{"Connection", "x,\tclose"}}).options().close());
  CHECK_FALSE(Head(Lines{{"Connection", "closed, keep, keep-alive2"}}).options().close());
}

TEST_CASE("the fields that Connection names are marked, but for those that are known") {
  const Head head(Lines{{"x-MINE", "1"},
                        {"Connection", "close, X-Mine, Host, X-Forwarded-For"},
                        {"Host", "h"},
                        {"X-Other", "2"},
                        {"X-Mine", "3"},
                        {"X-Forwarded-For", "4"},
                        {"X_Mine", "5"},
                        {"connection", "x-last"},
                        {"X-Last", "6"}});
  CHECK(head.nominated() == "x-MINE;X-Mine;X-Last;");
}

TEST_CASE("as many names as the limit are taken, and one more is refused") {
  const size_t most = ConnectionOptions::kMostNames;
  const Head head(Lines{{"Connection", names(most)}, {"X0", "a"}, {"X31", "b"}, {"X32", "c"}});
  CHECK(head.nominated() == "X0;X31;");
  CHECK(Head(Lines{{"Connection", names(most + 1)}}).refused());
  CHECK(Head(Lines{{"Connection", names(most)}, {"Connection", "one-more"}}).refused());
  CHECK_FALSE(Head(Lines{{"Connection", names(most) + ", X0, keep-alive, Host"}}).refused());
}

TEST_CASE("empty elements mean nothing, and their number is limited") {
  const size_t most = ConnectionOptions::kMostElements;
  CHECK(Head(Lines{{"Connection", ",, ,close,"}}).options().close());
  CHECK_FALSE(Head(Lines{{"Connection", repeated(",", most - 1)}}).refused());
  CHECK(Head(Lines{{"Connection", repeated(",", most)}}).refused());
  CHECK(Head(Lines{{"Connection", repeated("a,", 15'000)}}).refused());
  CHECK(Head(Lines{{"Connection", repeated("close,", most)}}).refused());
}

}  // namespace
}  // namespace onehop::http
