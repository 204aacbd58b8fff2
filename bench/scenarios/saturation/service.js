// SPDX-License-Identifier: MIT
// One of four small services: a request takes `--work-ms` of one of `--concurrency` workers, and
// waits for a free one as long as it takes. Standard library only.
//
// The one idea: it fails as such services do. Nobody limits its queue to what can still be in time,
// so under more load than it can bear answers come later and later, also those that nobody waits
// for any more; and where its room ends, at so many waiting, it resets connections.
//
//   GET /NAME...      200; without `Authorization: Bearer bench` 401 (health needs no token)
//   GET /__counts     {"accepts", "requests", "turned_away", "unheard"}
//
//   node service.js --name payments --concurrency 2 --work-ms 60 --room 100
'use strict';
const http = require('http');
const { parseArgs } = require('util');

const { values: options } = parseArgs({
  options: {
    name: { type: 'string' },
    concurrency: { type: 'string' },
    'work-ms': { type: 'string' },
    room: { type: 'string' },
  },
});
const TOKEN = 'Bearer bench';
const room = Number(options.room);
const workMs = Number(options['work-ms']);

// turned_away: reset for want of room; unheard: worked for, but the client had left.
const counts = { accepts: 0, requests: 0, turned_away: 0, unheard: 0 };
const known = new WeakSet();  // connections: one that only asks for counts is not a client's
const waiting = [];
let free = Number(options.concurrency);

function send(response, status, body) {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

function work() {
  while (free > 0 && waiting.length > 0) {
    const response = waiting.shift();
    free--;
    setTimeout(() => {
      free++;
      if (response.destroyed) counts.unheard++;
      send(response, 200, `{"service":"${options.name}","status":"ok"}`);
      work();
    }, workMs);
  }
}

const server = http.createServer((request, response) => {
  if (request.url === '/__counts') return send(response, 200, JSON.stringify(counts));
  counts.requests++;
  if (!known.has(request.socket)) {
    known.add(request.socket);
    counts.accepts++;
  }
  if (waiting.length >= room) {
    counts.turned_away++;
    return request.socket.resetAndDestroy();
  }
  if (options.name !== 'health' && request.headers.authorization !== TOKEN) {
    return send(response, 401, '{"error":"a token is needed"}');
  }
  waiting.push(response);
  return work();
});
server.keepAliveTimeout = 75000;  // longer than any proxy keeps a connection idle
server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(`127.0.0.1:${server.address().port}`);
});
process.on('SIGTERM', () => process.exit(0));  // its queue may be minutes long: nobody waits
