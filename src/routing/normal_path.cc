// SPDX-License-Identifier: MIT
#include "onehop/routing/normal_path.h"

#include <algorithm>
#include <array>

#include "onehop/base/ascii.h"

namespace onehop::routing {
namespace {

// What a byte means to is_plain(): when it needs a closer look, and what that is after it.
struct Look {
  uint8_t needed_when = 0;
  uint8_t then = 0;
};
constexpr uint8_t kAlways = 1, kAfterSlash = 2;

constexpr std::array<Look, 256> kLooks = [] {
  std::array<Look, 256> looks{};
  for (size_t c = 0; c < looks.size(); ++c)
    looks[c] = {c <= 0x20 || c >= 0x7f ? kAlways : uint8_t{0}, kAlways};
  for (const char c : {'%', ';', '\\', '?', '#'})
    looks[static_cast<uint8_t>(c)].needed_when = kAlways;
  looks['/'] = {kAfterSlash, kAlways | kAfterSlash};
  looks['.'] = {kAfterSlash, kAlways};
  return looks;
}();

constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  const char lower = to_lower(c);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// The byte that an escape at the beginning of `text` stands for; -1: it is none.
int escaped_byte(std::string_view text) {
  if (text.size() < 3) return -1;
  const int high = hex_value(text[1]), low = hex_value(text[2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// RFC 3986 2.3.
bool is_unreserved(int byte) {
  const char c = static_cast<char>(byte);
  return byte < 0x80 && (is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'z') || c == '-' ||
                         c == '.' || c == '_' || c == '~');
}

// Those at which somebody might take a segment or the path to end.
bool is_delimiter(int byte) {
  return byte == '/' || byte == '\\' || byte == ';' || byte == '?' || byte == '#';
}

bool is_dot_segment(std::string_view segment) {
  return segment == "." || segment == "..";
}

// Writes into memory that the caller has measured.
class Pen {
 public:
  Pen(Arena& arena, size_t capacity) : begin_(static_cast<char*>(arena.allocate(capacity, 1))) {}

  void put(char c) { begin_[size_++] = c; }
  void put(std::string_view text) {
    std::copy(text.begin(), text.end(), begin_ + size_);
    size_ += text.size();
  }
  void put_escape(int byte) {
    constexpr char kDigits[] = "0123456789ABCDEF";
    put('%');
    put(kDigits[(byte >> 4) & 15]);
    put(kDigits[byte & 15]);
  }
  void shrink(size_t size) { size_ = size; }
  std::string_view view() const { return {begin_, size_}; }

 private:
  char* begin_;
  size_t size_ = 0;
};

// Whether a part of the segment would be a dot segment if a parameter's or an encoded delimiter
// ended it. `segment` is unescaped.
bool hides_dots(std::string_view segment) {
  if (segment.find('%') == std::string_view::npos && segment.find(';') == std::string_view::npos)
    return false;
  size_t begin = 0;
  for (size_t i = 0; i < segment.size(); ++i) {
    const bool escape = segment[i] == '%';
    if (!is_delimiter(escape ? escaped_byte(segment.substr(i)) : segment[i])) continue;
    if (is_dot_segment(segment.substr(begin, i - begin))) return true;
    if (escape) i += 2;
    begin = i + 1;
  }
  return is_dot_segment(segment.substr(begin));
}

}  // namespace

std::string_view sentence_of(PathFault fault) {
  switch (fault) {
    case PathFault::above_root:
      return "The path climbs above its root";
    case PathFault::bad_escape:
      return "The path has a % without two hexadecimal digits";
    case PathFault::nul:
      return "The path has an encoded NUL";
    case PathFault::hidden_dots:
      return "The path hides a dot segment behind a parameter or an encoded delimiter";
    case PathFault::doubled_slash:
      return "The path has a doubled slash, which server.paths.doubled_slashes refuses";
    case PathFault::encoded_slash:
      return "The path has an encoded slash, which server.paths.encoded_slashes refuses";
    case PathFault::two_routes:
      return "The path has an encoded delimiter that would lead to another route if it were none";
    case PathFault::two_readings:
      return "The path, forwarded as it was sent, can be read as one of another route";
  }
  return {};
}

bool is_plain(std::string_view path) noexcept {
  uint8_t needed = 0, now = kAlways;
  for (const char c : path) {
    const Look look = kLooks[static_cast<uint8_t>(c)];
    needed |= static_cast<uint8_t>(look.needed_when & now);
    now = look.then;
  }
  return needed == 0;
}

Result<std::string_view, PathFault> unescaped(std::string_view path, config::EncodedSlashes slashes,
                                              Arena& arena) {
  const auto is_foreign = [](char c) {
    return static_cast<uint8_t>(c) <= 0x20 || c == 0x7f || c == '\\';
  };
  const auto foreign = static_cast<size_t>(std::count_if(path.begin(), path.end(), is_foreign));
  Pen pen(arena, path.size() + 2 * foreign);
  for (size_t i = 0; i < path.size(); ++i) {
    const char c = path[i];
    if (c != '%' && !is_foreign(c)) {
      pen.put(c);
      continue;
    }
    const int byte = c == '%' ? escaped_byte(path.substr(i)) : static_cast<uint8_t>(c);
    if (byte < 0) return Unexpected<PathFault>(PathFault::bad_escape);
    if (byte == 0) return Unexpected<PathFault>(PathFault::nul);
    if (c == '%') i += 2;
    const bool slash = byte == '/' || byte == '\\';
    if (slash && slashes == config::EncodedSlashes::refuse)
      return Unexpected<PathFault>(PathFault::encoded_slash);
    if (slash && slashes == config::EncodedSlashes::decode) {
      pen.put('/');
    } else if (is_unreserved(byte)) {
      pen.put(static_cast<char>(byte));
    } else {
      pen.put_escape(byte);
    }
  }
  return pen.view();
}

Result<std::string_view, PathFault> without_dots(std::string_view path, Slashes slashes,
                                                 Arena& arena) {
  Pen pen(arena, path.size() + 1);
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view segment = path.substr(at + 1, end - at - 1);
    const bool last = end == path.size();
    at = end;
    if (is_dot_segment(segment)) {
      if (segment == "..") {
        if (pen.view().empty()) return Unexpected<PathFault>(PathFault::above_root);
        pen.shrink(pen.view().rfind('/'));
      }
      if (last) pen.put('/');  // what was left or stayed in is a folder
      continue;
    }
    if (hides_dots(segment)) return Unexpected<PathFault>(PathFault::hidden_dots);
    if (segment.empty() && !last && slashes == Slashes::merged) continue;
    pen.put('/');
    pen.put(segment);
  }
  return pen.view();
}

std::string_view comparable(std::string_view path, Delimiters delimiters, Arena& arena) {
  const bool decoded = delimiters == Delimiters::decoded;
  const auto is_raw = [](char c) { return static_cast<uint8_t>(c) >= 0x80; };
  const auto raw = static_cast<size_t>(std::count_if(path.begin(), path.end(), is_raw));
  Pen pen(arena, path.size() + 1 + 2 * raw);
  bool in_parameter = false, segment_had_parameter = false;
  const auto slash = [&] {
    // A segment that is nothing but a parameter is none.
    const bool doubled = pen.view().ends_with('/') && (decoded || segment_had_parameter);
    if (!doubled) pen.put('/');
    in_parameter = segment_had_parameter = false;
  };
  for (size_t i = 0; i < path.size(); ++i) {
    int byte = static_cast<uint8_t>(path[i]);
    const bool escape = byte == '%';
    if (escape) {
      byte = escaped_byte(path.substr(i));
      i += 2;
    }
    const bool counts = !escape || decoded;
    if (counts && (byte == '/' || byte == '\\')) {
      slash();
    } else if (counts && byte == ';') {
      in_parameter = segment_had_parameter = true;
    } else if (counts && (byte == '?' || byte == '#')) {
      break;
    } else if (in_parameter) {
      continue;
    } else if (byte >= 0x80 ||
               (escape && (is_delimiter(byte) || byte == '%' || byte <= 0x20 || byte == 0x7f))) {
      pen.put_escape(byte);
    } else {
      pen.put(static_cast<char>(byte));
    }
  }
  return pen.view();
}

}  // namespace onehop::routing
