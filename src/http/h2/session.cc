// SPDX-License-Identifier: MIT
#include "session.h"

#include <algorithm>
#include <array>

#include "onehop/base/assert.h"

namespace onehop::http::h2 {
namespace {

// What all streams together may have on its way: a second's worth of a fast line over a long way.
// It is given back as it arrives, so it is no bound of memory: that are the streams' own windows.
constexpr uint32_t kConnectionWindow = 16 * 1024 * 1024;

std::string_view text(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

ssize_t read_source(nghttp2_session* session, int32_t, uint8_t*, size_t length, uint32_t* flags,
                    nghttp2_data_source* source, void*) noexcept {
  auto& body = *static_cast<BodySource*>(source->ptr);
  const BodySource::Piece piece = body.piece(length);
  if (piece.size == 0 && !piece.last) return NGHTTP2_ERR_DEFERRED;
  *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (piece.last) *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (piece.trailers) {
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    body.submit_trailers(session);
  }
  return static_cast<ssize_t>(piece.size);
}

bool ends_stream(const nghttp2_frame& frame) {
  return (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
}

}  // namespace

nghttp2_data_provider provider_of(BodySource& source) {
  nghttp2_data_provider provider{};
  provider.source.ptr = &source;
  provider.read_callback = read_source;
  return provider;
}

// The functions that nghttp2 calls; `user` is the Session.
struct Session::Callbacks {
  static Session& self(void* user) noexcept { return *static_cast<Session*>(user); }

  static ssize_t send(nghttp2_session*, const uint8_t* bytes, size_t size, int,
                      void* user) noexcept {
    Session& session = self(user);
    if (session.output_->size() >= session.high_water_) return NGHTTP2_ERR_WOULDBLOCK;
    session.output_->append(text(bytes, size));
    return static_cast<ssize_t>(size);
  }

  static int send_data(nghttp2_session*, nghttp2_frame*, const uint8_t* head, size_t size,
                       nghttp2_data_source* source, void* user) noexcept {
    constexpr size_t kFrameHead = 9;
    Session& session = self(user);
    if (session.output_->size() >= session.high_water_) return NGHTTP2_ERR_WOULDBLOCK;
    session.output_->append(text(head, kFrameHead));
    static_cast<BodySource*>(source->ptr)->move_to(*session.output_, size);
    return 0;
  }

  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) noexcept {
    self(user).events_.on_frame_begin(*head);
    return 0;
  }

  // Frames of types that nobody here knows begin as others do, and then are passed over (RFC 9113
  // 5.5).
  static int unknown(nghttp2_session*, void**, const nghttp2_frame_hd*, void*) noexcept {
    return NGHTTP2_ERR_CANCEL;
  }

  static int begin_head(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    if (frame->hd.type != NGHTTP2_HEADERS) return 0;
    self(user).events_.on_head_begin(frame->hd.stream_id);
    return 0;
  }

  static int field(nghttp2_session*, const nghttp2_frame* frame, const uint8_t* name,
                   size_t name_size, const uint8_t* value, size_t value_size, uint8_t flags,
                   void* user) noexcept {
    const bool goes_on = self(user).events_.on_field(frame->hd.stream_id, text(name, name_size),
                                                     text(value, value_size),
                                                     (flags & NGHTTP2_NV_FLAG_NO_INDEX) != 0);
    return goes_on ? 0 : pause(user);
  }

  static int pause(void* user) noexcept {
    self(user).paused_ = true;
    return NGHTTP2_ERR_PAUSE;
  }

  static int frame(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    Events& events = self(user).events_;
    events.on_frame(*frame);
    if (frame->hd.type == NGHTTP2_HEADERS)
      events.on_head_end(frame->hd.stream_id, ends_stream(*frame));
    if (frame->hd.type == NGHTTP2_DATA && ends_stream(*frame))
      events.on_message_end(frame->hd.stream_id);
    return 0;
  }

  static int data(nghttp2_session*, uint8_t, int32_t id, const uint8_t* bytes, size_t size,
                  void* user) noexcept {
    return self(user).events_.on_data(id, text(bytes, size)) ? 0 : pause(user);
  }

  static int closed(nghttp2_session*, int32_t id, uint32_t error, void* user) noexcept {
    self(user).events_.on_stream_closed(id, error);
    return 0;
  }

  static int sent(nghttp2_session*, const nghttp2_frame* frame, void* user) noexcept {
    self(user).events_.on_frame_sent(*frame);
    return 0;
  }

  // Without its head a message never ends, so its stream must. A stream that has gone needs none.
  static int not_sent(nghttp2_session* session, const nghttp2_frame* frame, int error,
                      void*) noexcept {
    if (frame->hd.type != NGHTTP2_HEADERS || error == NGHTTP2_ERR_STREAM_CLOSED ||
        error == NGHTTP2_ERR_STREAM_CLOSING)
      return 0;
    return nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, frame->hd.stream_id,
                                     NGHTTP2_INTERNAL_ERROR);
  }

  // Made once; the same for every session.
  static const nghttp2_session_callbacks* all() {
    static const nghttp2_session_callbacks* const made = [] {
      nghttp2_session_callbacks* callbacks = nullptr;
      ONEHOP_ASSERT(nghttp2_session_callbacks_new(&callbacks) == 0);
      nghttp2_session_callbacks_set_send_callback(callbacks, send);
      nghttp2_session_callbacks_set_send_data_callback(callbacks, send_data);
      nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, begin_frame);
      nghttp2_session_callbacks_set_unpack_extension_callback(callbacks, unknown);
      nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_head);
      nghttp2_session_callbacks_set_on_header_callback(callbacks, field);
      nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame);
      nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data);
      nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, closed);
      nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, sent);
      nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks, not_sent);
      return callbacks;
    }();
    return made;
  }

  // nghttp2 would silently drop a head of more than 64 KiB, but what may come in may go out: the
  // limits of server.limits are far below this one.
  static constexpr size_t kMostHeadBlock = size_t{64} << 20;
  static constexpr uint64_t kNoLimit = uint64_t{1} << 62;

  // How far nghttp2 goes by itself. It answers PING and SETTINGS, and gives up a peer that makes it
  // answer more than 1,000 of them without reading the answers (CVE-2019-9512, -9515).
  static const nghttp2_option* options(const SessionOptions& options) {
    // One for each thread, as each session has its own limit of CONTINUATION frames: a head that is
    // within the limits comes whole even in frames as small as they may be told to be. nghttp2
    // would stop at eight of them (CVE-2024-28182).
    struct DeleteOption {
      void operator()(nghttp2_option* option) const noexcept { nghttp2_option_del(option); }
    };
    static thread_local const std::unique_ptr<nghttp2_option, DeleteOption> made([] {
      nghttp2_option* option = nullptr;
      ONEHOP_ASSERT(nghttp2_option_new(&option) == 0);
      nghttp2_option_set_no_auto_window_update(option, 1);
      nghttp2_option_set_max_send_header_block_length(option, kMostHeadBlock);
      nghttp2_option_set_builtin_recv_extension_type(option, NGHTTP2_PRIORITY_UPDATE);
      // Resets are counted by FloodWatch, as they are configured.
      nghttp2_option_set_stream_reset_rate_limit(option, kNoLimit, 0);
      for (int type = NGHTTP2_CONTINUATION + 1; type <= UINT8_MAX; ++type) {
        if (type != NGHTTP2_PRIORITY_UPDATE)
          nghttp2_option_set_user_recv_extension_type(option, static_cast<uint8_t>(type));
      }
      return option;
    }());
    constexpr uint64_t kSmallestFrame = 16 * 1024;
    constexpr size_t kUsual = 8;
    nghttp2_option_set_max_continuations(made.get(), kUsual + options.head_bytes / kSmallestFrame);
    return made.get();
  }
};

Session::Session(Role role, Events& events, const SessionOptions& options) : events_(events) {
  nghttp2_session* made = nullptr;
  const auto make =
      role == Role::server ? nghttp2_session_server_new3 : nghttp2_session_client_new3;
  nghttp2_mem memory = memory_.functions();
  ONEHOP_ASSERT(make(&made, Callbacks::all(), this, Callbacks::options(options), &memory) == 0);
  session_.reset(made);
  std::array<nghttp2_settings_entry, 6> settings{};
  size_t count = 0;
  const auto set = [&](int32_t id, uint32_t value) { settings[count++] = {id, value}; };
  set(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, options.window.first);
  set(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options.head_list_size);
  if (role == Role::server) {
    set(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options.streams);
    set(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1);
    if (options.extended_connect) set(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);
  } else {
    set(NGHTTP2_SETTINGS_ENABLE_PUSH, 0);
    set(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 0);
  }
  nghttp2_submit_settings(raw(), NGHTTP2_FLAG_NONE, settings.data(), count);
  const uint32_t all = std::max({options.window.first, options.window.most, kConnectionWindow});
  nghttp2_session_set_local_window_size(raw(), NGHTTP2_FLAG_NONE, 0, static_cast<int32_t>(all));
}

std::optional<size_t> Session::feed(std::string_view bytes) {
  const auto* data = reinterpret_cast<const uint8_t*>(bytes.data());
  busy_ = true;
  paused_ = false;
  ssize_t taken = nghttp2_session_mem_recv(raw(), data, bytes.size());
  // Paused behind the last byte there is: no other may come to end the frame.
  if (paused_ && taken == static_cast<ssize_t>(bytes.size())) {
    const ssize_t ended = nghttp2_session_mem_recv(raw(), data + bytes.size(), 0);
    if (ended < 0) taken = ended;
  }
  busy_ = false;
  failure_ = static_cast<int>(std::min<ssize_t>(taken, 0));
  if (taken < 0) return std::nullopt;
  return static_cast<size_t>(taken);
}

bool Session::send(Buffer& output, size_t high_water) {
  output_ = &output;
  high_water_ = high_water;
  busy_ = true;
  const int status = nghttp2_session_send(raw());
  busy_ = false;
  output_ = nullptr;
  return status == 0;
}

bool Session::wants_nothing() const noexcept {
  return nghttp2_session_want_read(session_.get()) == 0 &&
         nghttp2_session_want_write(session_.get()) == 0;
}

void Session::set_stream_window(int32_t id, uint32_t bytes) {
  nghttp2_session_set_local_window_size(raw(), NGHTTP2_FLAG_NONE, id, static_cast<int32_t>(bytes));
}

void Session::rest() noexcept {
  if (!busy_ && nghttp2_session_want_write(session_.get()) == 0) memory_.rest();
}

void Session::consumed_by_stream(int32_t id, size_t size) {
  nghttp2_session_consume_stream(raw(), id, size);
}

void Session::consumed_by_connection(size_t size) {
  nghttp2_session_consume_connection(raw(), size);
}

void Session::reset_stream(int32_t id, uint32_t error) {
  nghttp2_submit_rst_stream(raw(), NGHTTP2_FLAG_NONE, id, error);
}

void Session::terminate(uint32_t error) {
  nghttp2_session_terminate_session(raw(), error);
}

}  // namespace onehop::http::h2
