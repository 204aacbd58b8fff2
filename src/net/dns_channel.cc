// SPDX-License-Identifier: MIT
#include "dns_channel.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace onehop::net {

// What c-ares carries with a question and gives back once.
struct DnsAsker::Question {
  DnsAsker* asker;  // null when it is gone
  RecordType type;

  static Question* make(DnsAsker& asker, RecordType type) {
    return asker.open_.emplace_back(new Question{&asker, type});
  }
  // It was answered: whoever still waits for it.
  DnsAsker* done() {
    if (asker != nullptr) std::erase(asker->open_, this);
    return asker;
  }
};

DnsAsker::~DnsAsker() {
  for (Question* question : open_) question->asker = nullptr;
}

namespace {

std::string sentence_of(int status) {
  switch (status) {
    case ARES_ETIMEOUT:
      return "no server answered in time";
    case ARES_ECONNREFUSED:  // of c-ares 1.18 all that is known, whichever of these it was
      return "no server answered the question: each failed, refused or cannot be reached";
    case ARES_ESERVFAIL:
      return "the server says that it failed (SERVFAIL)";
    case ARES_EREFUSED:
      return "the server refuses to answer (REFUSED)";
    case ARES_ENOTIMP:
      return "the server does not know how to answer (NOTIMP)";
    case ARES_EFORMERR:
      return "the server did not understand the question (FORMERR)";
    case ARES_EBADRESP:
      return "the answer is cut off or malformed";
    case ARES_EBADNAME:
      return "it is not a name that can be asked for";
    default:
      return ares_strerror(status);
  }
}

DnsReply judge(int status, RecordType type, std::span<const uint8_t> message) {
  DnsReply reply;
  if (status == ARES_SUCCESS) {
    auto records = read_answer(message, type, Resolver::kMaxRecords);
    if (records.has_value()) {
      reply.found = Found::answered;
      reply.records = std::move(*records);
    } else {
      reply.why = std::move(records.error());
    }
  } else if (status == ARES_ENODATA) {
    reply.found = Found::answered;
  } else if (status == ARES_ENOTFOUND) {
    reply.found = Found::no_such_name;
  } else {
    reply.why = sentence_of(status);
  }
  return reply;
}

// c-ares itself gives those of the hosts file a TTL of 0: nobody says how long they hold.
void take(const ares_addrinfo& found, DnsReply& reply) {
  for (const ares_addrinfo_node* node = found.nodes; node != nullptr; node = node->ai_next) {
    if (reply.records.addresses.size() >= Resolver::kMaxRecords) {
      ++reply.records.left_out;
    } else {
      reply.records.addresses.push_back({Address::from(node->ai_addr), 0});
    }
  }
}

std::string list_of(const std::vector<Address>& servers) {
  std::string list;
  for (const Address& server : servers) {
    if (!list.empty()) list += ',';
    list += server.port() == 0 ? server.ip() : server.to_string();
  }
  return list;
}

}  // namespace

Result<std::unique_ptr<DnsChannel>, std::string> DnsChannel::make(
    EventLoop& loop, const Resolver::Options& options) {
  static const int initialised = ares_library_init(ARES_LIB_INIT_ALL);
  const auto wrong = [](int status) {
    return Unexpected<std::string>(std::string("names cannot be looked up: ") +
                                   ares_strerror(status));
  };
  if (initialised != ARES_SUCCESS) return wrong(initialised);
  std::unique_ptr<DnsChannel> made(
      new DnsChannel(loop, options.search ? *options.search : SearchDomains::of_system()));
  // What looks at more than one source is asked for the hosts file alone; the rest are questions
  // to the DNS, which do not look at this.
  char lookups[] = "f";
  ares_options wanted{};
  wanted.lookups = lookups;
  wanted.timeout = static_cast<int>(options.timeout_ms);
  wanted.tries = static_cast<int>(options.tries);
  wanted.sock_state_cb = &DnsChannel::on_socket;
  wanted.sock_state_cb_data = made.get();
  int which = ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
  wanted.qcache_max_ttl = 0;  // whoever asks again wants to know what is so now
  which |= ARES_OPT_QUERY_CACHE;
#endif
  if (const int status = ares_init_options(&made->channel_, &wanted, which); status != ARES_SUCCESS)
    return wrong(status);
  if (options.servers.empty()) return made;
  const int status = ares_set_servers_ports_csv(made->channel_, list_of(options.servers).c_str());
  if (status != ARES_SUCCESS) return wrong(status);
  return made;
}

DnsChannel::~DnsChannel() {
  if (channel_ != nullptr) ares_destroy(channel_);
  while (!sockets_.empty()) unwatch(sockets_.back()->descriptor);
}

void DnsChannel::ask_hosts_file(const std::string& name, DnsAsker& asker) {
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_flags = ARES_AI_NOSORT;  // sorting opens a socket for each address
  ares_getaddrinfo(channel_, name.c_str(), nullptr, &hints, &DnsChannel::on_hosts,
                   DnsAsker::Question::make(asker, RecordType::a));
  arm_timer();
}

void DnsChannel::ask(const std::string& name, RecordType type, DnsAsker& asker) {
  ares_query(channel_, name.c_str(), 1, static_cast<int>(type), &DnsChannel::on_message,
             DnsAsker::Question::make(asker, type));
  arm_timer();
}

void DnsChannel::on_hosts(void* asked, int status, int, ares_addrinfo* result) noexcept {
  const std::unique_ptr<DnsAsker::Question> question(static_cast<DnsAsker::Question*>(asked));
  DnsReply reply = judge(status == ARES_SUCCESS ? ARES_ENODATA : status, question->type, {});
  if (result != nullptr) {
    take(*result, reply);
    ares_freeaddrinfo(result);
  }
  DnsAsker* asker = question->done();
  if (asker != nullptr && status != ARES_EDESTRUCTION) asker->on_hosts_file(std::move(reply));
}

void DnsChannel::on_message(void* asked, int status, int, unsigned char* bytes, int size) noexcept {
  const std::unique_ptr<DnsAsker::Question> question(static_cast<DnsAsker::Question*>(asked));
  DnsAsker* asker = question->done();
  if (asker == nullptr || status == ARES_EDESTRUCTION) return;
  const auto length = bytes == nullptr ? 0 : static_cast<size_t>(size);
  asker->on_reply(question->type, judge(status, question->type, {bytes, length}));
}

void DnsChannel::on_socket(void* channel, int descriptor, int readable, int writable) noexcept {
  auto& self = *static_cast<DnsChannel*>(channel);
  const int events = (readable != 0 ? UV_READABLE : 0) | (writable != 0 ? UV_WRITABLE : 0);
  events == 0 ? self.unwatch(descriptor) : self.watch(descriptor, events);
}

// Where libuv cannot watch it for want of memory, the question runs into its time-out.
void DnsChannel::watch(int descriptor, int events) {
  const auto known = std::find_if(sockets_.begin(), sockets_.end(), [&](const Socket* socket) {
    return socket->descriptor == descriptor;
  });
  Socket* socket = known == sockets_.end() ? nullptr : *known;
  if (socket == nullptr) {
    auto made = std::make_unique<Socket>();
    made->channel = this;
    made->descriptor = descriptor;
    if (uv_poll_init(&loop_.handles().loop, &made->handle, descriptor) != 0) return;
    socket = sockets_.emplace_back(made.release());
    socket->handle.data = socket;
  }
  uv_poll_start(&socket->handle, events, thunk<&Socket::on_ready>);
}

// Before c-ares closes it.
void DnsChannel::unwatch(int descriptor) {
  const auto known = std::find_if(sockets_.begin(), sockets_.end(), [&](const Socket* socket) {
    return socket->descriptor == descriptor;
  });
  if (known == sockets_.end()) return;
  Socket* socket = *known;
  sockets_.erase(known);
  socket->channel = nullptr;
  uv_close(reinterpret_cast<uv_handle_t*>(&socket->handle), thunk<&Socket::on_closed>);
}

// An error is told by the socket itself, whichever way it is tried.
void DnsChannel::Socket::on_ready(uv_poll_t*, int status, int events) {
  if (channel == nullptr) return;
  if (status < 0) events = UV_READABLE | UV_WRITABLE;
  channel->process((events & UV_READABLE) != 0 ? descriptor : ARES_SOCKET_BAD,
                   (events & UV_WRITABLE) != 0 ? descriptor : ARES_SOCKET_BAD);
}

void DnsChannel::process(int readable, int writable) {
  ares_process_fd(channel_, readable, writable);
  arm_timer();
}

void DnsChannel::arm_timer() {
  timeval room{};
  const timeval* left = ares_timeout(channel_, nullptr, &room);
  if (left == nullptr) return timer_.disarm();
  loop_.arm(timer_, static_cast<uint64_t>(left->tv_sec) * 1000 +
                        static_cast<uint64_t>(left->tv_usec + 999) / 1000);
}

}  // namespace onehop::net
