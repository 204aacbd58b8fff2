// SPDX-License-Identifier: MIT
// A proxy as the admin endpoint sees one: counters without a network behind them, and a clock that
// the test moves. One listener and one endpoint speak TLS.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "onehop/admin/answer.h"
#include "tests/support/counted.h"

namespace onehop::test {

class Running {
 public:
  Running()
      : telemetry({{"app", "127.0.0.1:9001"}, {"app", "127.0.0.1:9002", true}, {"api", "[::1]:80"}},
                  {{"ok"},
                   {"connect_refused", telemetry::OutcomeClass::upstream},
                   {"response_head_timeout", telemetry::OutcomeClass::upstream}},
                  2, {kListener}, {"/"}),
        windows(telemetry.get(), kStart) {}

  admin::View view() const {
    return {.windows = windows,
            .version = "0.1.0",
            .commit = "0123456789ab",
            .config_json = "{\"server\":{}}\n",
            .process = {.pid = 4711, .predecessor = 4700, .failed_takeovers = 2},
            .start_time_unix_s = 1'700'000'000,
            .started_ns = kStart,
            .now_ns = now,
            .readiness = readiness,
            .listeners = {{kListener, kListener, true}},
            .certificates = certificates};
  }

  admin::Reply get(std::string_view target, std::string_view accept = {}) const {
    return admin::answer({"GET", target, accept}, view());
  }

  // An exchange of `ns` nanoseconds on an endpoint, all of it waiting for the response but for 1
  // us.
  void exchange(size_t endpoint, uint64_t ns, size_t status_class = 2, size_t worker = 0) {
    telemetry::PhaseClock clock;
    clock.start(0, telemetry::Phase::request_head_read, telemetry::Doing::work);
    clock.enter(telemetry::Phase::response_wait, telemetry::Doing::wait, 1000);
    clock.stop(ns);
    telemetry.endpoint(endpoint, worker).record(clock);
    telemetry.endpoint(endpoint, worker).requests.add(status_class);
    telemetry.shard(worker).downstream.requests.add(status_class);
  }

  void pass_seconds(uint64_t seconds) {
    for (; seconds > 0; --seconds) {
      now += telemetry::kSecondNs;
      windows.sample(now);
    }
  }

  // A certificate that the listener presents until `not_after`, in seconds since 1970.
  void present(std::string file, std::string subject, int64_t not_after) {
    certificates.push_back(
        {admin::Side::listener,
         kListener,
         {std::move(file), std::move(subject), std::chrono::system_clock::from_time_t(not_after)}});
  }

  static constexpr const char* kListener = "127.0.0.1:8443";
  static constexpr uint64_t kStart = 77 * telemetry::kSecondNs;
  Counted telemetry;
  telemetry::Windows windows;
  uint64_t now = kStart;
  admin::Readiness readiness = admin::Readiness::ready;
  std::vector<admin::ShownCertificate> certificates;
};

}  // namespace onehop::test
