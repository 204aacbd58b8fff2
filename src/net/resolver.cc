// SPDX-License-Identifier: MIT
#include "onehop/net/resolver.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <utility>

#include "dns_channel.h"
#include "onehop/base/ascii.h"

namespace onehop::net {
namespace {

constexpr const char* kNoName = "it is not a name that can be asked for";

// c-ares would take the part before it for the name.
bool can_be_asked(const std::string& name) {
  return !name.empty() && name.find('\0') == std::string::npos;
}

// This machine, whatever a server says (RFC 6761 6.3).
bool is_localhost(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  const std::string_view word = "localhost";
  if (name.size() < word.size()) return false;
  const std::string_view last = name.substr(name.size() - word.size());
  const std::string_view before = name.substr(0, name.size() - word.size());
  return std::equal(last.begin(), last.end(), word.begin(),
                    [](char a, char b) { return to_lower(a) == b; }) &&
         (before.empty() || before.ends_with('.'));
}

// An answer is told at the end of the turn, when neither c-ares nor whoever asks is on the stack.
class AddressLookup final : public Lookup, public Dirty, private DnsAsker {
 public:
  AddressLookup(EventLoop& loop, DnsChannel& channel, std::string name,
                Events<AddressAnswer>& events)
      : loop_(loop), channel_(channel), name_(std::move(name)), events_(events) {}

  void begin() {
    if (const auto numeric = Address::numeric(name_, 0); numeric && !name_.empty()) {
      answer_.found = Found::answered;
      answer_.records.push_back({*numeric, 0});
      return loop_.mark_dirty(*this);
    }
    if (!can_be_asked(name_)) {
      answer_.why = kNoName;
      return loop_.mark_dirty(*this);
    }
    channel_.ask_hosts_file(name_, *this);
  }

 private:
  void flush() override { events_.on_answer(std::move(answer_)); }

  void on_hosts_file(DnsReply reply) override {
    if (!reply.records.addresses.empty()) {
      answer_.found = Found::answered;
      answer_.records = std::move(reply.records.addresses);
      answer_.left_out = reply.records.left_out;
      return loop_.mark_dirty(*this);
    }
    if (is_localhost(name_)) {
      answer_.found = Found::answered;
      answer_.records = {{*Address::numeric("127.0.0.1", 0), 0}, {*Address::numeric("::1", 0), 0}};
      return loop_.mark_dirty(*this);
    }
    candidates_ = channel_.search().candidates(name_);
    ask_next();
  }

  void ask_next() {
    const std::string& name = candidates_[asked_++];
    v4_ = {};
    v6_ = {};
    waiting_ = 2;
    channel_.ask(name, RecordType::a, *this);
    channel_.ask(name, RecordType::aaaa, *this);
  }

  void on_reply(RecordType type, DnsReply reply) override {
    (type == RecordType::a ? v4_ : v6_) = std::move(reply);
    if (--waiting_ > 0) return;
    conclude();
    const bool helped = !answer_.records.empty() || answer_.found == Found::failed;
    if (!helped && asked_ < candidates_.size()) return ask_next();
    if (!helped) answer_.found = there_is_one_ ? Found::answered : Found::no_such_name;
    loop_.mark_dirty(*this);
  }

  // What the two replies say of this candidate.
  void conclude() {
    const bool some = !v4_.records.addresses.empty() || !v6_.records.addresses.empty();
    const bool none_by_name = v4_.found == Found::no_such_name || v6_.found == Found::no_such_name;
    const DnsReply* failed = v4_.found == Found::failed   ? &v4_
                             : v6_.found == Found::failed ? &v6_
                                                          : nullptr;
    if (some) {
      answer_.found = Found::answered;
      add(v4_.records);
      add(v6_.records);
      if (failed != nullptr) answer_.lacking = failed == &v4_ ? Family::v4 : Family::v6;
    } else if (none_by_name) {
      answer_.found = Found::no_such_name;
    } else {
      answer_.found = failed == nullptr ? Found::answered : Found::failed;
      there_is_one_ |= failed == nullptr;
    }
    if (failed != nullptr && answer_.found != Found::no_such_name) answer_.why = failed->why;
  }

  void add(DnsRecords& from) {
    if (from.addresses.empty()) return;
    answer_.ttl_s = answer_.records.empty() ? from.ttl_s : std::min(answer_.ttl_s, from.ttl_s);
    const size_t room = Resolver::kMaxRecords - answer_.records.size();
    const size_t kept = std::min(room, from.addresses.size());
    std::move(from.addresses.begin(), from.addresses.begin() + static_cast<ptrdiff_t>(kept),
              std::back_inserter(answer_.records));
    answer_.left_out += from.left_out + from.addresses.size() - kept;
  }

  EventLoop& loop_;
  DnsChannel& channel_;
  const std::string name_;
  Events<AddressAnswer>& events_;
  AddressAnswer answer_;
  std::vector<std::string> candidates_;
  size_t asked_ = 0;           // so many of them
  bool there_is_one_ = false;  // a name, though without addresses
  DnsReply v4_;
  DnsReply v6_;
  unsigned waiting_ = 0;  // for so many replies
};

class ServiceLookup final : public Lookup, public Dirty, private DnsAsker {
 public:
  ServiceLookup(EventLoop& loop, DnsChannel& channel, Events<ServiceAnswer>& events)
      : loop_(loop), channel_(channel), events_(events) {}

  void begin(const std::string& name) {
    if (!can_be_asked(name)) {
      answer_.why = kNoName;
      return loop_.mark_dirty(*this);
    }
    candidates_ = channel_.search().candidates(name);
    ask_next();
  }

 private:
  void flush() override { events_.on_answer(std::move(answer_)); }
  void ask_next() { channel_.ask(candidates_[asked_++], RecordType::srv, *this); }

  void on_hosts_file(DnsReply) override {}
  void on_reply(RecordType, DnsReply reply) override {
    const bool helped = !reply.records.services.empty() || reply.found == Found::failed;
    there_is_one_ |= reply.found == Found::answered;
    if (!helped && asked_ < candidates_.size()) return ask_next();
    answer_.found = helped ? reply.found : there_is_one_ ? Found::answered : Found::no_such_name;
    answer_.records = std::move(reply.records.services);
    answer_.ttl_s = answer_.records.empty() ? 0 : reply.records.ttl_s;
    answer_.left_out = reply.records.left_out;
    answer_.why = std::move(reply.why);
    loop_.mark_dirty(*this);
  }

  EventLoop& loop_;
  DnsChannel& channel_;
  Events<ServiceAnswer>& events_;
  ServiceAnswer answer_;
  std::vector<std::string> candidates_;
  size_t asked_ = 0;           // so many of them
  bool there_is_one_ = false;  // a name, though without services
};

}  // namespace

Resolver::Resolver(EventLoop& loop, std::unique_ptr<DnsChannel> channel)
    : loop_(loop), channel_(std::move(channel)) {}

Resolver::~Resolver() = default;

Result<std::unique_ptr<Resolver>, std::string> Resolver::make(EventLoop& loop,
                                                              const Options& options) {
  auto channel = DnsChannel::make(loop, options);
  if (!channel.has_value()) return Unexpected<std::string>(std::move(channel.error()));
  return std::unique_ptr<Resolver>(new Resolver(loop, std::move(*channel)));
}

std::unique_ptr<Lookup> Resolver::addresses_of(const std::string& name,
                                               Lookup::Events<AddressAnswer>& events) {
  auto lookup = std::make_unique<AddressLookup>(loop_, *channel_, name, events);
  lookup->begin();
  return lookup;
}

std::unique_ptr<Lookup> Resolver::services_of(const std::string& name,
                                              Lookup::Events<ServiceAnswer>& events) {
  auto lookup = std::make_unique<ServiceLookup>(loop_, *channel_, events);
  lookup->begin(name);
  return lookup;
}

}  // namespace onehop::net
