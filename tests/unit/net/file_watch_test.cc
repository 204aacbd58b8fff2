// SPDX-License-Identifier: MIT
// Files in a real folder, which change in all the ways that files do.
#include "onehop/net/file_watch.h"

#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/deadline.h"
#include "tests/support/folder.h"

namespace onehop::net {
namespace {

constexpr uint64_t kNever = 3'600'000;

// Reads a file whenever it is told, as whoever watches one does. Nobody looks by the clock: what is
// not told is not seen.
class Reader final : private FileWatch::Events {
 public:
  explicit Reader(const std::vector<std::string>& patterns, std::string file)
      : file_(std::move(file)), watch_(watcher_.watch(patterns, *this)) {
    read();
  }

  // Runs the loop until the file was read with this text.
  bool comes_to(const std::string& text) {
    wanted_ = text;
    if (seen_ == wanted_) return true;
    loop_.arm(deadline_, static_cast<uint64_t>(test::patience().count()));
    loop_.run();
    deadline_.disarm();
    return seen_ == wanted_;
  }
  int told() const { return told_; }

 private:
  void on_files_changed() override {
    ++told_;
    read();
    if (seen_ == wanted_) loop_.stop();
  }
  void read() {
    std::ifstream file(file_, std::ios::binary);
    seen_ = file ? std::string(std::istreambuf_iterator<char>(file), {}) : "(none)";
  }
  void on_deadline() { loop_.stop(); }

  EventLoop loop_;
  KernelFileWatcher watcher_{loop_, kNever};
  std::string file_;
  std::string seen_;
  std::string wanted_;
  int told_ = 0;
  Deadline deadline_{this, DeadlineThunk<&Reader::on_deadline>::call};
  std::unique_ptr<FileWatch> watch_;
};

TEST_CASE("a file is followed that is written in place, replaced, deleted and made again") {
  const test::Folder folder;
  folder.write("a", "one");
  Reader reader({folder / "a"}, folder / "a");
  folder.write("a", "two");
  CHECK(reader.comes_to("two"));
  folder.replace("a", "three");
  CHECK(reader.comes_to("three"));
  folder.write("a", "four!");
  CHECK(reader.comes_to("four!"));
  folder.remove("a");
  CHECK(reader.comes_to("(none)"));
  folder.write("a", "five");
  CHECK(reader.comes_to("five"));
}

TEST_CASE("a link two levels up that is swapped is followed, as Kubernetes does it") {
  const test::Folder folder;
  folder.make("..one");
  folder.write("..one/a", "one");
  folder.link("..data", "..one");
  folder.link("a", "..data/a");
  Reader reader({folder / "a"}, folder / "a");
  for (const std::string next : {"two", "three"}) {
    folder.make(".." + next);
    folder.write(".." + next + "/a", next);
    folder.link("..data", ".." + next);
    CHECK(reader.comes_to(next));
  }
  folder.write("..three/a", "in place");
  CHECK(reader.comes_to("in place"));
  folder.remove("..one");
}

TEST_CASE("folders that come later, go and come again are followed") {
  const test::Folder folder;
  Reader reader({folder / "x/y/a"}, folder / "x/y/a");
  for (const std::string text : {"one", "two"}) {
    folder.make("x/y");
    folder.write("x/y/a", text);
    CHECK(reader.comes_to(text));
    folder.remove("x");
    CHECK(reader.comes_to("(none)"));
  }
  folder.make("other/y");
  folder.write("other/y/a", "moved");
  folder.rename("other", "x");
  CHECK(reader.comes_to("moved"));
}

TEST_CASE("a folder that is replaced at once by another, maybe of the same number, is followed") {
  const test::Folder folder;
  folder.make("x");
  folder.write("x/a", "one");
  Reader reader({folder / "x/a"}, folder / "x/a");
  for (const std::string text : {"two", "three", "four"}) {
    folder.remove("x");
    folder.make("x");
    folder.write("x/a", text);
    CHECK(reader.comes_to(text));
    folder.write("x/a", text + " in place");
    CHECK(reader.comes_to(text + " in place"));
  }
}

TEST_CASE("a link to a file elsewhere is followed, and so is what it comes to point at") {
  const test::Folder folder;
  const test::Folder elsewhere;
  elsewhere.write("a", "one");
  folder.link("a", elsewhere / "a");
  Reader reader({folder / "a"}, folder / "a");
  elsewhere.replace("a", "two");
  CHECK(reader.comes_to("two"));
  elsewhere.write("b", "three");
  folder.link("a", elsewhere / "b");
  CHECK(reader.comes_to("three"));
  folder.link("a", "a");  // a circle leads nowhere
  CHECK(reader.comes_to("(none)"));
  folder.link("a", elsewhere / "a");
  CHECK(reader.comes_to("two"));
}

TEST_CASE("files that a pattern finds are followed, and those that it will find") {
  const test::Folder folder;
  folder.make("conf.d");
  Reader reader({folder / "conf.d/*.toml"}, folder / "conf.d/a.toml");
  folder.write("conf.d/a.toml", "one");
  CHECK(reader.comes_to("one"));
  folder.write("conf.d/a.toml", "two");
  CHECK(reader.comes_to("two"));
  folder.remove("conf.d");
  CHECK(reader.comes_to("(none)"));
  folder.make("conf.d");
  folder.replace("conf.d/a.toml", "three");
  CHECK(reader.comes_to("three"));
}

TEST_CASE("a neighbour that changes is nobody's business, and a burst is told few times") {
  const test::Folder folder;
  folder.write("a", "0");
  Reader reader({folder / "a"}, folder / "a");
  for (int i = 1; i <= 200; ++i) {
    folder.write("b", std::to_string(i));
    folder.replace("c", std::to_string(i));
  }
  folder.write("a", "1");
  CHECK(reader.comes_to("1"));
  CHECK(reader.told() == 1);
  for (int i = 2; i <= 200; ++i) folder.write("a", std::to_string(i));
  CHECK(reader.comes_to("200"));
  CHECK(reader.told() < 10);
}

TEST_CASE("a watch may be given up while something is about to be told") {
  const test::Folder folder;
  struct Once final : FileWatch::Events {
    void on_files_changed() override {
      watch.reset();
      loop->stop();
    }
    EventLoop* loop = nullptr;
    std::unique_ptr<FileWatch> watch;
  } once;
  EventLoop loop;
  once.loop = &loop;
  KernelFileWatcher watcher(loop);
  once.watch = watcher.watch({folder / "a", folder / "none/b"}, once);
  folder.write("a", "1");
  loop.run();
  CHECK(once.watch == nullptr);
}

}  // namespace
}  // namespace onehop::net
