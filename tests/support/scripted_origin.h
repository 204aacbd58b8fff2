// SPDX-License-Identifier: MIT
// An app server that does exactly what a test tells it, misbehaviour included. Each accepted
// connection runs the script in a thread of its own; the origin counts, so that a test can hold the
// proxy's figures against the truth.
//
// A script that throws fails the test when the origin is destroyed (declare the origin before the
// proxy, so that the proxy goes first). Assertions of Catch2 belong in the test's own thread, never
// in a script.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/peer.h"

namespace onehop::test {

class Gate;
class ScriptedOrigin;

class OriginConnection : public Peer {
 public:
  OriginConnection(int fd, int index, ScriptedOrigin& origin);

  int index() const { return index_; }  // 0 for the first that was accepted

  // As in Peer, and noted in the origin's counts.
  std::optional<Request> read_request_head();
  std::optional<Request> read_request();
  // A request that has to come: throws when the connection ends instead.
  Request must_read_request();

 private:
  int index_;
  ScriptedOrigin& origin_;
};

class ScriptedOrigin {
 public:
  using Script = std::function<void(OriginConnection&)>;
  using Answer = std::function<std::string(const Request&)>;

  explicit ScriptedOrigin(Script script);
  // At the path of a unix socket; its address is "unix:" and the path.
  ScriptedOrigin(Script script, const std::string& path);
  ~ScriptedOrigin();
  ScriptedOrigin(const ScriptedOrigin&) = delete;
  ScriptedOrigin& operator=(const ScriptedOrigin&) = delete;

  // Scripts for the usual case: every request, on a connection kept open, is answered with these
  // bytes.
  static Script always(std::string response);
  static Script answering(Answer answer);
  // One request, answered with these bytes when the gate opens; the client ends the connection.
  static Script once_open(Gate& gate, std::string response);

  const std::string& address() const { return address_; }
  int accepts() const { return accepts_; }
  int requests() const { return requests_; }
  int open() const { return open_; }  // scripts still running

  // The requests so far (those read without their body have none).
  std::vector<Request> seen() const;
  Request last() const;  // throws when there was none
  std::vector<std::string> failures() const;

 private:
  friend class OriginConnection;
  void note(const Request& request);
  void accept_loop();
  void run(OriginConnection& connection);

  Script script_;
  int listen_fd_ = -1;
  std::string address_;
  std::atomic<int> accepts_ = 0;
  std::atomic<int> requests_ = 0;
  std::atomic<int> open_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;  // guards what follows
  std::deque<OriginConnection> connections_;
  std::vector<std::thread> threads_;
  std::vector<Request> seen_;
  std::vector<std::string> failures_;
  std::thread acceptor_;
};

// A socket bound to a free port of 127.0.0.1; with `backlog` below 0 it does not listen. Returns
// the fd and the address.
std::pair<int, std::string> bind_loopback(int backlog);

// A unix socket that listens at `path`.
int bind_path(const std::string& path, int backlog);

// An address where nobody listens.
std::string unused_address();

}  // namespace onehop::test
