// SPDX-License-Identifier: MIT
// The little API in Node: standard library only. See service.py for what all four answer.
//
//   node service.js --port 9003 --peers python=9001,go=9002,...
'use strict';
const http = require('http');
const { parseArgs } = require('util');

const NAME = 'node';
const { values: options } = parseArgs({
  options: { port: { type: 'string' }, peers: { type: 'string' } },
});
const peers = options.peers.split(',').map((peer) => peer.split('='));
const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
const counts = { accepts: 0, requests: 0 };
const HEALTH = JSON.stringify({ service: NAME, status: 'ok' });

function ask([name, port]) {
  return new Promise((resolve) => {
    const options = { agent, host: '127.0.0.1', port, path: `/${name}/health` };
    const request = http.get(options, (response) => {
      response.resume();
      response.on('end', () => resolve([name, response.statusCode === 200 ? 'ok' : 'failed']));
      response.on('error', () => resolve([name, 'failed']));
    });
    request.on('error', () => resolve([name, 'failed']));
  });
}

async function all() {
  const services = Object.fromEntries(await Promise.all(peers.map(ask)));
  const isFine = Object.values(services).every((status) => status === 'ok');
  return [isFine ? 200 : 503, JSON.stringify({ status: isFine ? 'ok' : 'failed', services })];
}

function send(response, status, body) {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

const server = http.createServer(async (request, response) => {
  if (request.url === '/__counts') return send(response, 200, JSON.stringify(counts));
  counts.requests++;
  if (request.url === `/${NAME}/health`) return send(response, 200, HEALTH);
  if (request.url === `/${NAME}/paced`) {
    return setTimeout(() => send(response, 200, HEALTH), 10 + 7 * counts.requests % 41);
  }
  if (request.url === `/${NAME}/health/all`) return send(response, ...await all());
  return send(response, 404, '{"error":"no such path"}');
});
server.keepAliveTimeout = 75000;
server.on('connection', () => { counts.accepts++; });
server.listen({ port: Number(options.port), host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(`127.0.0.1:${server.address().port}`);
});
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  agent.destroy();
});
