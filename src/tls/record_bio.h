// SPDX-License-Identifier: MIT
// The BIO between OpenSSL and the transport below: it reads straight from the bytes that came and
// appends straight to the output, so that a byte is copied once in each direction.
#pragma once

#include <cstddef>
#include <cstdint>

#include "onehop/base/buffer.h"
#include "openssl.h"

namespace onehop::tls {

// What a BIO of this kind stands between. It has no end of its own: whoever sees the end of what is
// below judges it.
struct RecordEnds {
  Buffer input;              // what came and was not read yet
  Buffer* output = nullptr;  // null: nothing leaves any more
  // How often OpenSSL may still read, which it does twice for each record; then it looks to it as
  // if nothing more had come.
  size_t reads_left = SIZE_MAX;
};

// `ends` outlives the BIO. The SSL that it is given to owns it.
BIO* make_record_bio(RecordEnds& ends);

}  // namespace onehop::tls
