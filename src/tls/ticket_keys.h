// SPDX-License-Identifier: MIT
// The keys of session tickets (RFC 5077 4): AES-256-CBC, and HMAC-SHA256 over it. They never leave
// the memory of the process, but for that of one that takes over from it, and who holds one can
// read what was said in its time, so they live for two rotations and are overwritten then.
//
//   key 1   |-- encrypts --|-- decrypts --|
//   key 2                  |-- encrypts --|-- decrypts --|
#pragma once

#include <array>
#include <chrono>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "onehop/tls/tls.h"
#include "openssl.h"

namespace onehop::tls {

class TicketKeys {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr size_t kNameBytes = 16;
  static constexpr size_t kKeyBytes = 32;

  struct Key {
    std::array<unsigned char, kNameBytes> name{};
    std::array<unsigned char, kKeyBytes> cipher{};
    std::array<unsigned char, kKeyBytes> mac{};
    Clock::time_point born{};
    ~Key();  // overwrites it
  };
  struct Found {
    Key key;
    bool renew = false;  // it does not encrypt any more: the client gets a new ticket
  };

  TicketKeys(std::chrono::milliseconds rotation, Clock::time_point now);

  Key encrypting(Clock::time_point now);
  std::optional<Found> decrypting(std::span<const unsigned char, kNameBytes> name,
                                  Clock::time_point now);
  void set_rotation(std::chrono::milliseconds rotation);

  // All of them, the current one first, each with its age; and those of another process in their
  // place. Bytes that are not such change nothing.
  std::string bytes(Clock::time_point now);
  void use_bytes(std::string_view bytes, Clock::time_point now);

 private:
  static Key fresh(Clock::time_point now);
  void rotate(Clock::time_point now);

  std::mutex mutex_;
  std::chrono::milliseconds rotation_;
  Key current_;
  std::optional<Key> previous_;
};

// OpenSSL's callback over `keys`, which it is called with for each ticket: 1 is fine, 2 asks for a
// new ticket, 0 is an unknown key, -1 a failure.
int prepare_ticket(TicketKeys& keys, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher,
                   EVP_MAC_CTX* mac, bool encrypting) noexcept;

}  // namespace onehop::tls
