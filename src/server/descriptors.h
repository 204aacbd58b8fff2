// SPDX-License-Identifier: MIT
// What the descriptors of the process are for, and who has one when all are taken.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace onehop::server {

// How many clients may be connected where `limit` descriptors may be open: two for each of them,
// its own and that of its request's endpoint, beside what the process itself and the reserve of the
// admin endpoint and the files take. At least one for each worker.
uint64_t clients_within(uint64_t limit, size_t workers, size_t listeners);

// Descriptors that are open for nothing, so that there is one to give when every other is taken.
// Used by one thread.
class SpareDescriptors {
 public:
  explicit SpareDescriptors(size_t count);
  ~SpareDescriptors();
  SpareDescriptors(const SpareDescriptors&) = delete;
  SpareDescriptors& operator=(const SpareDescriptors&) = delete;

  bool give();           // closes one: whoever is next to open something gets it
  void fill() noexcept;  // as far as there are descriptors again

 private:
  size_t count_;
  std::vector<int> open_;
};

}  // namespace onehop::server
