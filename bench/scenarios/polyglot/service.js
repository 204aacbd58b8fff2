// SPDX-License-Identifier: MIT
// The little API in Node: standard library only. See service.py for what all four answer.
//
//   node service.js --port 9003 --peers python=9001,go=9002,...
'use strict';
const http = require('http');
const { parseArgs } = require('util');
const { send, serve } = require('../../lib/service.js');

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
    const asked = { agent, host: '127.0.0.1', port, path: `/${name}/health` };
    const request = http.get(asked, (response) => {
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

serve(Number(options.port), counts, async (request, response) => {
  if (request.url === `/${NAME}/health`) return send(response, 200, HEALTH);
  if (request.url === `/${NAME}/paced`) {
    return setTimeout(() => send(response, 200, HEALTH), 10 + 7 * counts.requests % 41);
  }
  if (request.url === `/${NAME}/health/all`) return send(response, ...await all());
  return send(response, 404, '{"error":"no such path"}');
});
