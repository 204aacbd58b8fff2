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
const { parseArgs } = require('util');
const { send, serve } = require('../../lib/service.js');

const { values: options } = parseArgs({
  options: {
    name: { type: 'string' },
    concurrency: { type: 'string' },
    'work-ms': { type: 'string' },
    room: { type: 'string' },
  },
});
const TOKEN = 'Bearer bench';

// turned_away: reset for want of room; unheard: worked for, but the client had left.
const counts = { accepts: 0, requests: 0, turned_away: 0, unheard: 0 };
const waiting = [];
let free = Number(options.concurrency);

function work() {
  while (free > 0 && waiting.length > 0) {
    const response = waiting.shift();
    free--;
    setTimeout(() => {
      free++;
      if (response.destroyed) counts.unheard++;
      send(response, 200, `{"service":"${options.name}","status":"ok"}`);
      work();
    }, Number(options['work-ms']));
  }
}

serve(0, counts, (request, response) => {
  if (waiting.length >= Number(options.room)) {
    counts.turned_away++;
    return request.socket.resetAndDestroy();
  }
  if (options.name !== 'health' && request.headers.authorization !== TOKEN) {
    return send(response, 401, '{"error":"a token is needed"}');
  }
  waiting.push(response);
  return work();
});
