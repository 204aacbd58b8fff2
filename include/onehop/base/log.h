// SPDX-License-Identifier: MIT
// The operational log: what an operator must know (start, stop, a paused listener, an endpoint that
// cannot be reached), one line each on standard error. Nothing on the path of a request writes
// here; how requests end is counted, not logged.
//
// A message belongs to the room whose source file says it, which the compiler tells; each room has
// a level of its own, that may be changed at any time and is looked at by all threads. A sentence
// is one line whatever is in it: what could end a line, or speak to a terminal, is escaped.
#pragma once

#include <array>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace onehop::log {

enum class Level : uint8_t { debug, info, warning, error };
enum class Format : uint8_t { text, json };  // json: an object on each line

// X(name, says): the rooms from left to right, and what their messages are about.
#define ONEHOP_ROOMS(X)                                                  \
  X(base, "Buffers, addresses and this log.")                            \
  X(telemetry, "What is counted, and how it is told.")                   \
  X(config, "The configuration.")                                        \
  X(net, "Sockets and the event loop.")                                  \
  X(tls, "Contexts and handshakes of TLS.")                              \
  X(http, "Connections of HTTP/1.1 and HTTP/2.")                         \
  X(routing, "Which request goes where.")                                \
  X(upstream, "Endpoints: those that cannot be reached, and can again.") \
  X(proxy, "Attempts at endpoints that failed.")                         \
  X(admin, "The admin endpoint: every command, and what was refused.")   \
  X(server, "The process: start, stop, shortages, certificates.")        \
  X(cli, "The command line.")

enum class Room : uint8_t {
#define X(name, says) name,
  ONEHOP_ROOMS(X)
#undef X
};

struct RoomRow {
  std::string_view name;
  std::string_view says;
};
inline constexpr std::array kRooms = {
#define X(name, says) RoomRow{#name, says},
    ONEHOP_ROOMS(X)
#undef X
};

// The room of a source file, by its path: src/ROOM/... or include/onehop/ROOM/...; of a file that
// is in none, which is the program's main file or a test, `cli`.
constexpr Room room_of(std::string_view path) noexcept {
  for (const std::string_view folder : {"include/onehop/", "src/"}) {
    const size_t at = path.rfind(folder);
    if (at == path.npos) continue;
    const std::string_view rest = path.substr(at + folder.size());
    for (size_t i = 0; i < kRooms.size(); ++i) {
      const std::string_view name = kRooms[i].name;
      if (rest.starts_with(name) && rest.substr(name.size()).starts_with('/'))
        return static_cast<Room>(i);
    }
  }
  return Room::cli;
}

// By what it is called; nothing where there is none of that name.
std::optional<Room> parse_room(std::string_view name) noexcept;
std::optional<Level> parse_level(std::string_view name) noexcept;
std::string_view name_of(Level level) noexcept;
std::string_view name_of(Format format) noexcept;

// From the next message on, of any thread; text without it. By one thread at a time.
void use(Format format);
Format format() noexcept;

// Of all rooms, and of one. By one thread at a time.
void set_level(Level level);
void set_level(Room room, Level level);
Level level_of(Room room) noexcept;

// Whether a message of the calling file would be written: for messages that cost something to make.
// Costs one relaxed load where no room says as much.
namespace detail {
extern constinit std::atomic<Level> most_said;  // the lowest level of all rooms
}
inline bool enabled(Level level, const char* file = __builtin_FILE()) noexcept {
  return level >= detail::most_said.load(std::memory_order_relaxed) &&
         level >= level_of(room_of(file));
}

// What is said, and where. Made of the text alone, in the call of one of the four below.
class Sentence {
 public:
  template <class Text>
  requires std::convertible_to<const Text&, std::string_view> Sentence(
      const Text& text, const char* file = __builtin_FILE())
  noexcept : text_(text), file_(file) {}

  std::string_view text() const noexcept { return text_; }
  const char* file() const noexcept { return file_; }

 private:
  std::string_view text_;  // lives as long as the call
  const char* file_;
};

void debug(Sentence sentence);
void info(Sentence sentence);
void warning(Sentence sentence);
void error(Sentence sentence);

// An info that is written whatever the levels are: who changed something, the levels included.
void record(Sentence sentence);

}  // namespace onehop::log
