// SPDX-License-Identifier: MIT
// Where `onehop demo` prints: a terminal, on which a block of text is drawn again and again in one
// place, or anything else, to which text is only appended and no escape byte is ever written.
#pragma once

#include <cstddef>
#include <string>

namespace onehop::cli {

// Writes to standard output, each call at once. Used by one thread.
class DemoScreen {
 public:
  DemoScreen();
  ~DemoScreen();  // gives a terminal its cursor back
  DemoScreen(const DemoScreen&) = delete;
  DemoScreen& operator=(const DemoScreen&) = delete;

  bool is_terminal() const { return is_terminal_; }

  // Text that stays. It takes the place of the block that was shown last.
  void print(const std::string& text);

  // Text that the next call replaces, where the terminal has room for the block; else it is
  // appended, with an empty line after it. `block` ends with a newline and is at most kColumns
  // wide.
  static constexpr size_t kColumns = 80;
  void show(const std::string& block);

 private:
  std::string back_to_block_start();
  bool has_room_for(size_t lines) const;

  bool is_terminal_;
  bool cursor_hidden_ = false;
  size_t shown_lines_ = 0;  // between the top of the block and the cursor; 0: nothing to replace
};

}  // namespace onehop::cli
