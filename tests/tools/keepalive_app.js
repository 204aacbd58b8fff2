// SPDX-License-Identifier: MIT
// An application on Node's http module: counts its requests by the X-Count-As that they carry,
// and answers /counts with what it has counted. Its loop is busy now and then, as that of a real
// application: what should have been done meanwhile is done late, and closing idle connections
// comes before reading from them. Arguments: its keep-alive timeout in milliseconds, and whether
// that is announced in Keep-Alive.
'use strict';
const http = require('http');

const BUSY_MS = 40;
const EVERY_MS = 100;

const counts = new Map();
const announced = process.argv[3] === 'announced';
const server = http.createServer((request, response) => {
  if (request.url === '/counts') {
    response.end(JSON.stringify(Object.fromEntries(counts)));
    return;
  }
  const id = request.headers['x-count-as'];
  if (id !== undefined) counts.set(id, (counts.get(id) || 0) + 1);
  if (!announced) response.setHeader('Connection', 'keep-alive');  // then Node adds no Keep-Alive
  request.resume();
  request.on('end', () => response.end('done'));
});
server.keepAliveTimeout = Number(process.argv[2]);
setInterval(() => {
  const end = performance.now() + BUSY_MS;
  while (performance.now() < end);
}, EVERY_MS);
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
