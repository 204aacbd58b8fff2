# SPDX-License-Identifier: MIT
# The bench's origin as an image: a replica that costs little and counts what reaches it.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
        g++ libcli11-dev libfmt-dev \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY include/onehop/base/ascii.h include/onehop/base/
COPY bench/sockets.h bench/sockets.cc bench/
COPY bench/origin bench/origin
# Header-only: the image that runs it needs no library of its own.
RUN g++ -std=c++20 -O2 -DFMT_HEADER_ONLY -Iinclude -o origin bench/origin/*.cc \
        bench/sockets.cc

FROM ${BASE}
COPY --from=build /src/origin /usr/local/bin/origin
USER 65534
EXPOSE 9001
ENTRYPOINT ["/usr/local/bin/origin"]
CMD ["--listen", "0.0.0.0:9001"]
