// SPDX-License-Identifier: MIT
#include "inquiry.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <optional>
#include <tuple>
#include <utility>

namespace onehop::upstream {
namespace {

constexpr size_t kTargetsAtOnce = 16;

Address with_port(const Address& address, uint16_t port) {
  sockaddr_storage storage{};
  std::memcpy(&storage, address.raw(), address.size());
  // At the same place in both families.
  reinterpret_cast<sockaddr_in*>(&storage)->sin_port = htons(port);
  return Address::from(reinterpret_cast<const sockaddr*>(&storage));
}

// Why an answer has no records, or lacks some; empty where all is well.
template <class Answer>
std::string trouble_of(const Answer& answer, std::string_view what) {
  if (!answer.why.empty()) return answer.why;
  if (answer.found == net::Found::no_such_name) return "there is no such name";
  if (answer.records.empty()) return fmt::format("the name has no {}", what);
  return {};
}

std::string trouble_of(const net::AddressAnswer& answer) {
  std::string why = trouble_of(answer, "address");
  if (answer.records.empty() || answer.lacking == net::Family::none) return why;
  return (answer.lacking == net::Family::v4 ? "IPv4: " : "IPv6: ") + why;
}

class HostInquiry final : public Inquiry, private net::Lookup::Events<net::AddressAnswer> {
 public:
  HostInquiry(const Source& source, net::NameService& names, LastKnown& known,
              Inquiry::Events& events)
      : source_(source), known_(known), events_(events) {
    lookup_ = names.addresses_of(source.name, *this);
  }

 private:
  void on_answer(net::AddressAnswer answer) override {
    Finding finding;
    finding.why = trouble_of(answer);
    finding.left_out = answer.left_out;
    finding.ttl_s = answer.ttl_s;
    if (!answer.records.empty()) {
      for (const Address& address : known_.complete(source_.name, answer))
        finding.found.push_back({with_port(address, source_.port), source_.weight, 0});
    }
    events_.on_finding(std::move(finding));
  }

  const Source& source_;
  LastKnown& known_;
  Inquiry::Events& events_;
  std::unique_ptr<net::Lookup> lookup_;
};

class ServiceInquiry final : public Inquiry, private net::Lookup::Events<net::ServiceAnswer> {
 public:
  ServiceInquiry(const Source& source, net::NameService& names, LastKnown& known,
                 Inquiry::Events& events)
      : names_(names), known_(known), events_(events) {
    lookup_ = names.services_of(source.name, *this);
  }

 private:
  using Record = net::ServiceAnswer::Record;

  // A name of the group that is looked up.
  struct Target final : net::Lookup::Events<net::AddressAnswer> {
    Target(ServiceInquiry& asks, const std::string& whose) : inquiry(asks), name(whose) {}
    void on_answer(net::AddressAnswer given) override {
      answer = std::move(given);
      lookup.reset();
      inquiry.on_target();
    }
    ServiceInquiry& inquiry;
    const std::string& name;
    std::unique_ptr<net::Lookup> lookup;
    std::optional<net::AddressAnswer> answer;
  };

  void on_answer(net::ServiceAnswer answer) override {
    finding_.why = trouble_of(answer, "SRV record");
    finding_.left_out = answer.left_out;
    ttl_s_ = answer.ttl_s;
    records_ = std::move(answer.records);
    if (std::erase_if(
            records_,
            [](const Record& record) { return record.target.empty() || record.port == 0; }) > 0 &&
        records_.empty())
      finding_.why = "its SRV record says that there is no such service";
    std::sort(records_.begin(), records_.end(), [](const Record& a, const Record& b) {
      return std::tie(a.priority, a.target, a.port) < std::tie(b.priority, b.target, b.port);
    });
    begin_group();
  }

  // Those of one priority from begin_ on, or the end when there are no more.
  void begin_group() {
    targets_.clear();
    next_ = 0;
    running_ = 0;
    begin_ = end_;
    for (; end_ < records_.size() && records_[end_].priority == records_[begin_].priority; ++end_) {
      const std::string& name = records_[end_].target;
      if (!targets_.empty() && targets_.back()->name == name) continue;
      if (targets_.size() < Discovery::kMaxTargets) {
        targets_.push_back(std::make_unique<Target>(*this, name));
      } else {
        ++finding_.left_out;
      }
    }
    if (targets_.empty()) return finish();
    begin_more();
  }

  void begin_more() {
    for (; next_ < targets_.size() && running_ < kTargetsAtOnce; ++next_, ++running_)
      targets_[next_]->lookup = names_.addresses_of(targets_[next_]->name, *targets_[next_]);
  }

  void on_target() {
    --running_;
    begin_more();
    if (running_ > 0) return;
    const bool resolved = std::any_of(targets_.begin(), targets_.end(), [](const auto& target) {
      return !target->answer->records.empty();
    });
    for (const auto& target : targets_) {
      const std::string why = trouble_of(*target->answer);
      if (finding_.why.empty() && !why.empty()) finding_.why = target->name + ": " + why;
    }
    // Where nobody answered for one that is known, those of the next priority do not replace it.
    const bool known_fails = std::any_of(targets_.begin(), targets_.end(), [&](const auto& target) {
      return target->answer->found == net::Found::failed && known_.knows(target->name);
    });
    if (!resolved && known_fails) return finish();
    if (!resolved) return begin_group();
    take_group();
    finish();
  }

  void take_group() {
    finding_.ttl_s = ttl_s_;
    size_t record = begin_;
    for (const auto& target : targets_) {
      const net::AddressAnswer& answer = *target->answer;
      if (!answer.records.empty()) finding_.ttl_s = std::min(finding_.ttl_s, answer.ttl_s);
      finding_.left_out += answer.left_out;
      const std::vector<Address>& addresses = known_.complete(target->name, answer);
      for (; record < end_ && records_[record].target == target->name; ++record) {
        for (const Address& address : addresses) add(address, records_[record]);
      }
    }
    known_.forget_others();
  }

  void add(const Address& address, const Record& record) {
    // More than a source keeps, as some may be the same.
    if (finding_.found.size() >= 4 * Discovery::kMaxAddresses) {
      ++finding_.left_out;
      return;
    }
    finding_.found.push_back(
        {with_port(address, record.port), std::max<uint32_t>(record.weight, 1), record.priority});
  }

  void finish() { events_.on_finding(std::move(finding_)); }

  net::NameService& names_;
  LastKnown& known_;
  Inquiry::Events& events_;
  std::unique_ptr<net::Lookup> lookup_;
  Finding finding_;
  uint32_t ttl_s_ = 0;           // of the records
  std::vector<Record> records_;  // by priority, target and port
  size_t begin_ = 0;             // of the group that is looked up
  size_t end_ = 0;
  std::vector<std::unique_ptr<Target>> targets_;
  size_t next_ = 0;
  size_t running_ = 0;
};

}  // namespace

const std::vector<Address>& LastKnown::complete(const std::string& name,
                                                const net::AddressAnswer& answer) {
  Entry& entry = names_[name];
  entry.used = true;
  if (answer.records.empty()) return entry.addresses;
  std::vector<Address> now;
  for (const auto& record : answer.records) now.push_back(record.address);
  if (answer.lacking != net::Family::none) {
    const bool v6 = answer.lacking == net::Family::v6;
    std::copy_if(entry.addresses.begin(), entry.addresses.end(), std::back_inserter(now),
                 [&](const Address& address) { return address.is_v6() == v6; });
  }
  entry.addresses = std::move(now);
  return entry.addresses;
}

void LastKnown::forget_others() {
  std::erase_if(names_, [](const auto& name) { return !name.second.used; });
  for (auto& [name, entry] : names_) entry.used = false;
}

std::unique_ptr<Inquiry> Inquiry::begin(const Source& source, net::NameService& names,
                                        LastKnown& known, Events& events) {
  if (source.kind == Source::Kind::services)
    return std::make_unique<ServiceInquiry>(source, names, known, events);
  return std::make_unique<HostInquiry>(source, names, known, events);
}

}  // namespace onehop::upstream
