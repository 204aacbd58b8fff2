// SPDX-License-Identifier: MIT
// EndpointGroup: the endpoints of one upstream as one configuration describes them, with those that
// its endpoints_file lists. Addresses are there at once, names have a Discovery.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "endpoint_file.h"
#include "endpoint_sets.h"
#include "onehop/upstream/discovery.h"

namespace onehop::server {

class EndpointGroup final : private upstream::Discovery::Events, private EndpointFile::Events {
 public:
  // `before` is the group of that upstream that is in use, or null: what it knows of a name counts
  // until there is a better answer.
  EndpointGroup(EndpointSets& sets, std::shared_ptr<net::NameService> names,
                const config::Config& config, const config::Upstream& upstream,
                const EndpointGroup* before);

  // Whether a group that is made of these would be as this one.
  bool describes(const config::Config& config, const config::Upstream& upstream) const;

  // What has been done by hand to the group that is in use, and that this one is to follow, since
  // this one was made.
  void catch_up(const EndpointGroup& before);

  const config::Upstream& config() const { return upstream_; }
  const std::string& name() const { return upstream_.name; }
  bool complete() const { return discovery_ == nullptr || discovery_->complete(); }
  const upstream::EndpointSet& set() const { return set_; }
  std::vector<EndpointSets::Origin> origins() const;
  EndpointSets::Lookups lookups() const;
  std::optional<EndpointSets::File> file() const;

  Result<void, std::string> obey(const EndpointSets::Order& order);
  upstream::SpecRef endpoint(const std::string& address) const;  // or null

 private:
  static constexpr uint64_t kRefusalsMs = 250;

  using Known = std::unordered_map<std::string, std::vector<upstream::Discovered>>;  // by source

  // One endpoint of the configuration or of the file: an address, or a source of the discovery.
  enum class From : uint8_t { configuration, file };
  struct Entry {
    config::Endpoint given;
    From from = From::configuration;
    std::optional<Address> address = {};
    size_t source = 0;
  };
  using Given = std::unordered_map<std::string, uint32_t>;  // the weights of their addresses

  // What was done by hand to one endpoint.
  struct ByHand {
    std::string address;
    bool added = false;
    bool removed = false;
    bool drained = false;
    std::optional<uint32_t> weight = {};

    bool says_nothing() const { return !added && !removed && !drained && !weight.has_value(); }
  };
  ByHand& by_hand(const std::string& address);
  const ByHand* find_by_hand(const std::string& address) const;
  bool has(const std::string& address) const;
  Given given() const;
  // But for endpoints of which something else is said by now.
  void keep_by_hand(const std::vector<ByHand>& those, const Given& before);

  void on_list() override;
  void read_entries();
  void on_change(size_t source, std::span<const upstream::Discovered> list) override;
  void build();
  struct Candidate {
    std::string name;
    std::string host;
    std::string source;
    Address address;
    uint32_t weight;
    std::optional<size_t> looked_up;  // its source in the discovery
    bool both_families = false;       // among the addresses of its name
    uint16_t rank = 0;                // as in EndpointSpec
    std::string zone = {};
  };
  void add(Candidate candidate);
  const std::vector<upstream::Discovered>& known(const Entry& entry) const;
  void look_for_refusals();

  EndpointSets& sets_;
  std::shared_ptr<net::NameService> names_;  // outlives the discovery
  config::Upstream upstream_;
  std::string identity_;
  EndpointSets::Lookups before_;  // of the groups that this one follows
  config::Dns dns_;
  std::unique_ptr<EndpointFile> file_;
  std::vector<Entry> entries_;
  std::vector<config::Endpoint> sources_;  // what the discovery was made for
  Known known_;                            // the latest list with an address
  std::unique_ptr<upstream::Discovery> discovery_;
  upstream::EndpointSet set_;
  std::vector<upstream::SpecRef> making_;
  std::unordered_set<std::string> taken_;  // their addresses
  std::vector<ByHand> by_hand_;
  // Of those that a name stands for, with its source: a connect that is refused says that the name
  // may have another address by now.
  std::vector<std::pair<upstream::SpecRef, size_t>> named_;
  net::Deadline refusals_{this, net::DeadlineThunk<&EndpointGroup::look_for_refusals>::call};
  std::vector<EndpointSets::Origin> origins_;
};

}  // namespace onehop::server
