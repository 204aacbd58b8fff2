// SPDX-License-Identifier: MIT
// The escape sequences (ECMA-48): CSI n A goes n lines up, CSI K erases to the end of the line,
// CSI J to the end of the screen, CSI ?25 l and h hide the cursor and bring it back.
#include "demo_screen.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace onehop::cli {
namespace {

void write(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

bool obeys_escapes(int descriptor) {
  const char* terminal = std::getenv("TERM");
  return ::isatty(descriptor) == 1 && terminal != nullptr && std::string_view(terminal) != "dumb";
}

}  // namespace

DemoScreen::DemoScreen() : is_terminal_(obeys_escapes(STDOUT_FILENO)) {}

DemoScreen::~DemoScreen() {
  if (cursor_hidden_) write("\x1b[?25h");
}

void DemoScreen::print(const std::string& text) {
  write(back_to_block_start() + text);
}

void DemoScreen::show(const std::string& block) {
  const auto lines = static_cast<size_t>(std::count(block.begin(), block.end(), '\n'));
  if (!is_terminal_ || !has_room_for(lines)) return print(block + "\n");
  // Overwritten line by line and not erased first, which would flicker.
  std::string drawn = shown_lines_ == 0 ? "" : fmt::format("\x1b[{}A\r", shown_lines_);
  if (!cursor_hidden_) drawn += "\x1b[?25l";
  for (const char c : block) {
    if (c == '\n') drawn += "\x1b[K";
    drawn += c;
  }
  write(drawn + "\x1b[J");
  cursor_hidden_ = true;
  shown_lines_ = lines;
}

std::string DemoScreen::back_to_block_start() {
  if (shown_lines_ == 0) return "";
  std::string sequence = fmt::format("\x1b[{}A\r\x1b[J", shown_lines_);
  shown_lines_ = 0;
  return sequence;
}

// A line that wraps, or a block that scrolls away, could not be found again.
bool DemoScreen::has_room_for(size_t lines) const {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return false;
  return size.ws_col >= kColumns && size.ws_row > lines;
}

}  // namespace onehop::cli
