// SPDX-License-Identifier: MIT
// A file of lines: what becomes of it when it is renamed, deleted or full, and who is told.
#include "server/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/support/catch.h"
#include "tests/support/folder.h"
#include "tests/support/subprocess.h"

namespace onehop::server {
namespace {

using test::Folder;
using test::TemporaryFile;

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct Side {
  explicit Side(const std::string& path) {
    auto opened = LogFile::open(path);
    REQUIRE(opened.has_value());
    file = *opened;
  }
  void add(const std::string& line, size_t worker = 0) {
    file->batch() += line + '\n';
    file->line_added(worker);
  }
  void write() {
    file->write(
        [&](size_t worker, LogFile::Fate fate) {
          (fate == LogFile::Fate::written ? written : lost).push_back(worker);
        },
        [] { return true; });
  }
  std::shared_ptr<LogFile> file;
  std::vector<size_t> written;  // the workers of the lines
  std::vector<size_t> lost;
};

TEST_CASE("lines are added to what is in the file, and each worker's are counted") {
  const TemporaryFile before("access.log", "old\n");
  Side side(before.path());
  side.add("one", 1);
  side.add("two", 0);
  CHECK(contents(before.path()) == "old\n");
  side.write();
  CHECK(contents(before.path()) == "old\none\ntwo\n");
  CHECK(side.written == std::vector<size_t>{1, 0});
  CHECK(side.lost.empty());
}

TEST_CASE("a new file can be read by its group and written by nobody else") {
  const Folder beside;
  const std::string path = beside / "access.log";
  const mode_t before = ::umask(0022);
  const Side side(path);
  ::umask(before);
  struct stat found {};
  REQUIRE(::stat(path.c_str(), &found) == 0);
  CHECK((found.st_mode & 0777) == 0640);
  std::remove(path.c_str());
}

TEST_CASE("a folder that is not there is a sentence with the key, the path and the reason") {
  const auto opened = LogFile::open("/nowhere/at/all/access.log");
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error() ==
        "log.access.file: /nowhere/at/all/access.log cannot be opened: No such file or directory");
}

TEST_CASE("a renamed file is written to until the path is opened again") {
  const TemporaryFile first("access.log", "");
  const std::string moved = first.path() + ".1";
  Side side(first.path());
  REQUIRE(std::rename(first.path().c_str(), moved.c_str()) == 0);
  side.add("old");
  side.write();
  side.file->reopen();
  side.add("new");
  side.write();
  CHECK(contents(moved) == "old\n");
  CHECK(contents(first.path()) == "new\n");
  std::remove(moved.c_str());
}

TEST_CASE("who looks opens a path again whose file is gone or another one, and else does not") {
  const TemporaryFile first("access.log", "");
  Side side(first.path());
  std::remove(first.path().c_str());
  side.file->look();
  side.add("deleted");
  side.write();
  CHECK(contents(first.path()) == "deleted\n");
  first.replace("another\n");
  side.file->look();
  side.file->look();
  side.add("replaced");
  side.write();
  CHECK(contents(first.path()) == "another\nreplaced\n");
}

TEST_CASE("a path that cannot be opened again leaves the old file in use") {
  const TemporaryFile first("access.log", "");
  const std::string moved = first.path() + ".1";
  Side side(first.path());
  REQUIRE(std::rename(first.path().c_str(), moved.c_str()) == 0);
  REQUIRE(::mkdir(first.path().c_str(), 0700) == 0);
  side.file->look();
  side.add("still");
  side.write();
  CHECK(contents(moved) == "still\n");
  ::rmdir(first.path().c_str());
  std::remove(moved.c_str());
}

TEST_CASE(
    "lines that a full disk does not take are lost and counted, and the next ones are tried") {
  Side side("/dev/full");
  side.add("one", 0);
  side.add("two", 1);
  side.write();
  CHECK(side.written.empty());
  CHECK(side.lost == std::vector<size_t>{0, 1});
  side.add("three", 2);
  side.write();
  CHECK(side.lost == std::vector<size_t>{0, 1, 2});
}

struct Pipe {
  Pipe() : folder("note", ""), path(folder.folder() + "/pipe") {
    REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
    reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  }
  ~Pipe() {
    if (reader >= 0) ::close(reader);
    ::unlink(path.c_str());
  }
  void leave() {
    ::close(reader);
    reader = -1;
  }
  TemporaryFile folder;
  std::string path;
  int reader = -1;
};

TEST_CASE("a pipe whose reader is gone loses lines, and nobody dies of it") {
  Pipe pipe;
  Side side(pipe.path);
  side.add("one");
  side.write();
  CHECK(side.written.size() == 1);
  pipe.leave();
  side.add("two");
  side.write();
  CHECK(side.lost.size() == 1);
}

TEST_CASE("a pipe without a reader is an error at once") {
  Pipe pipe;
  pipe.leave();
  const auto opened = LogFile::open(pipe.path);
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().find("No such device or address") != std::string::npos);
}

TEST_CASE("a line that was torn by a full pipe is ended before the next one") {
  Pipe pipe;
  Side side(pipe.path);
  for (int i = 0; i < 2; ++i) side.add(std::string(100'000, static_cast<char>('a' + i)));
  side.write();
  CHECK(side.written.size() + side.lost.size() == 2);
  CHECK_FALSE(side.lost.empty());
  std::string read;
  const auto read_all = [&] {
    char room[65536];
    for (ssize_t got = 1; (got = ::read(pipe.reader, room, sizeof room)) > 0;)
      read.append(room, static_cast<size_t>(got));
  };
  read_all();
  CHECK(read.back() != '\n');
  side.add("whole");
  side.write();
  read_all();
  CHECK(read.ends_with("\nwhole\n"));
  CHECK(side.written.back() == 0);
}

TEST_CASE("who has given up a pipe that nobody reads does not wait for each further batch") {
  Pipe pipe;
  Side side(pipe.path);
  CHECK(side.file->stuck_for().count() == 0);
  for (int i = 0; i < 100; ++i) {
    side.add(std::string(100'000, 'x'));
    side.write();
  }
  CHECK(side.file->stuck_for().count() > 0);
  // Of the 99 that it did not take none was waited for: 50 ms each would be 5 s.
  CHECK(side.file->stuck_for() < std::chrono::seconds(4));
  CHECK(side.lost.size() == 100);
}

}  // namespace
}  // namespace onehop::server
