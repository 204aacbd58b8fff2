// SPDX-License-Identifier: MIT
#include "record_bio.h"

#include <openssl/bio.h>

#include <algorithm>
#include <cstring>

#include "onehop/base/assert.h"

namespace onehop::tls {
namespace {

RecordEnds& ends_of(BIO* bio) noexcept {
  return *static_cast<RecordEnds*>(BIO_get_data(bio));
}

int read_records(BIO* bio, char* into, size_t size, size_t* read) noexcept {
  RecordEnds& ends = ends_of(bio);
  Buffer& input = ends.input;
  BIO_clear_retry_flags(bio);
  *read = 0;
  if (ends.reads_left > 0) {
    --ends.reads_left;
  } else {
    size = 0;
  }
  while (*read < size && !input.empty()) {
    const std::string_view front = input.front();
    const size_t part = std::min(size - *read, front.size());
    std::memcpy(into + *read, front.data(), part);
    input.consume(part);
    *read += part;
  }
  if (*read > 0) return 1;
  BIO_set_retry_read(bio);
  return 0;
}

int write_records(BIO* bio, const char* from, size_t size, size_t* written) noexcept {
  BIO_clear_retry_flags(bio);
  *written = 0;
  Buffer* output = ends_of(bio).output;
  if (output == nullptr) return 0;
  output->append(std::string_view(from, size));
  *written = size;
  return 1;
}

long control(BIO*, int command, long, void*) noexcept {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// Made once, for the life of the process.
const BIO_METHOD* record_method() {
  static const BIO_METHOD* const made = [] {
    BIO_METHOD* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "records");
    ONEHOP_ASSERT(method != nullptr);
    BIO_meth_set_read_ex(method, read_records);
    BIO_meth_set_write_ex(method, write_records);
    BIO_meth_set_ctrl(method, control);
    return method;
  }();
  return made;
}

}  // namespace

BIO* make_record_bio(RecordEnds& ends) {
  BIO* bio = BIO_new(record_method());
  ONEHOP_ASSERT(bio != nullptr);
  BIO_set_data(bio, &ends);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace onehop::tls
