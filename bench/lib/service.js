// SPDX-License-Identifier: MIT
// What the replicas in Node share: a server of JSON that counts, says where it listens in its first
// line, and closes no kept connection before a proxy does.
//
//   GET /__counts     {"accepts", "requests", ...}; a connection is counted with its first request
//                     for anything else, so that whoever only asks for counts is no client
'use strict';
const http = require('http');

function send(response, status, body) {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

// `handle(request, response)` answers what is not asked of `/__counts`. By
// default nobody waits for what is in flight when it is told to end: a queue may be minutes long.
function serve(port, counts, handle, host = '127.0.0.1', end = () => process.exit(0)) {
  const known = new WeakSet();
  const server = http.createServer((request, response) => {
    if (request.url === '/__counts') return send(response, 200, JSON.stringify(counts));
    counts.requests++;
    if (!known.has(request.socket)) {
      known.add(request.socket);
      counts.accepts++;
    }
    return handle(request, response);
  });
  server.keepAliveTimeout = 75000;  // longer than any proxy keeps a connection idle
  server.listen({ port, host, backlog: 4096 }, () => {
    console.log(`${host}:${server.address().port}`);
  });
  process.on('SIGTERM', () => end(server));
}

module.exports = { send, serve };
