// SPDX-License-Identifier: MIT
// The names under which frameworks, and what usually stands before them, look for who the client
// is and what it asked for, beside those that fields.h knows one by one and whole families that
// fields.cc knows by how they begin (X-Forwarded, X-SSL-Client, ...). docs/client-identity.md says
// who reads which, and a test compares the two.
#pragma once

// clang-format off
#define ONEHOP_IDENTITY_FIELDS(X) \
  X("ali-cdn-real-ip") \
  X("cdn-src-ip") \
  X("cf-connecting-ip") \
  X("cf-connecting-ipv6") \
  X("cf-pseudo-ipv4") \
  X("client-cert") \
  X("client-cert-chain") \
  X("client-ip") \
  X("fastly-client-ip") \
  X("fly-client-ip") \
  X("forwarded-for") \
  X("forwarded-host") \
  X("forwarded-proto") \
  X("http-client-ip") \
  X("http-x-forwarded-for") \
  X("incap-client-ip") \
  X("path-info") \
  X("proxy") \
  X("proxy-client-ip") \
  X("remote-addr") \
  X("remote-user") \
  X("script-name") \
  X("true-client-ip") \
  X("wl-proxy-client-ip") \
  X("x-appengine-remote-addr") \
  X("x-appengine-user-ip") \
  X("x-arr-clientcert") \
  X("x-arr-ssl") \
  X("x-azure-clientip") \
  X("x-azure-socketip") \
  X("x-client-dn") \
  X("x-client-ip") \
  X("x-client-scheme") \
  X("x-client-verify") \
  X("x-cluster-client-ip") \
  X("x-envoy-external-address") \
  X("x-host") \
  X("x-http-host-override") \
  X("x-nf-client-connection-ip") \
  X("x-original-for") \
  X("x-original-forwarded-for") \
  X("x-original-host") \
  X("x-original-method") \
  X("x-original-prefix") \
  X("x-original-proto") \
  X("x-original-remote-addr") \
  X("x-original-uri") \
  X("x-original-url") \
  X("x-originating-ip") \
  X("x-proxyuser-ip") \
  X("x-real-host") \
  X("x-real-port") \
  X("x-real-proto") \
  X("x-remote-addr") \
  X("x-remote-ip") \
  X("x-remote-user") \
  X("x-rewrite-url") \
  X("x-scheme") \
  X("x-sucuri-clientip") \
  X("x-url-scheme") \
  X("x-vercel-forwarded-for")
// clang-format on
