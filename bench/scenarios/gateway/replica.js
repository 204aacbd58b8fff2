// SPDX-License-Identifier: MIT
// A replica behind the gateway: logs users in with a JWT, and keeps a catalogue that they read and
// write. Standard library only.
//
// The one idea: failures are injected here at exact rates and counted, so that what a client sees
// can be held against what really happened. A fault is due when a sum of the rate passes one.
//
//   POST /auth/token       a signed token for {"user": NAME}
//   GET, HEAD /items/N     one item          GET /items           twenty of them
//   PUT /items/N           writes one        POST /items          adds one
//   GET /__counts          {"accepts", "requests", "injected_502", "injected_resets"}
//
//   node replica.js --fail-rate 0.002 --reset-rate 0.001     prints the bound address
'use strict';
const http = require('http');
const crypto = require('crypto');
const { parseArgs } = require('util');

const { values: options } = parseArgs({
  options: {
    'listen-port': { type: 'string', default: '0' },
    'fail-rate': { type: 'string', default: '0' },   // of requests: answered 502
    'reset-rate': { type: 'string', default: '0' },  // of requests: the connection is reset
    phase: { type: 'string', default: '0' },         // 0 to 1: how soon the first fault is due
  },
});

const SECRET = 'known to the replicas only';
const TOKEN_LIFE_S = 3600;
const ITEMS = 1000;
// What the work of a request takes in ms: at least `base`, and an exponential share on top.
const WORK = { auth: [50, 25], read: [30, 20], write: [40, 30] };

const counts = { accepts: 0, requests: 0, injected_502: 0, injected_resets: 0 };
const known = new WeakSet();  // connections: one that only asks for counts is not a client's
const items = new Map();
for (let id = 1; id <= ITEMS; id++) items.set(id, describe(id, `item ${id}`, 0));

function describe(id, name, version) {
  return JSON.stringify({ id, name, version, note: 'a line of the catalogue '.repeat(8) });
}

// --- faults ----------------------------------------------------------------------------------

class Fault {
  constructor(rate) {
    this.rate = Number(rate);
    this.sum = Number(options.phase);
  }

  isDue() {
    this.sum += this.rate;
    if (this.sum < 1) return false;
    this.sum -= 1;
    return true;
  }
}

const failure = new Fault(options['fail-rate']);
const reset = new Fault(options['reset-rate']);

// --- tokens ----------------------------------------------------------------------------------

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const sign = (text) => crypto.createHmac('sha256', SECRET).update(text).digest('base64url');

function issue(user) {
  const expires = Math.floor(Date.now() / 1000) + TOKEN_LIFE_S;
  const text = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode({ sub: user, exp: expires })}`;
  return `${text}.${sign(text)}`;
}

function isValid(authorization) {
  const [scheme, token] = (authorization || '').split(' ');
  const parts = (token || '').split('.');
  if (scheme !== 'Bearer' || parts.length !== 3) return false;
  const expected = Buffer.from(sign(`${parts[0]}.${parts[1]}`));
  const given = Buffer.from(parts[2]);
  if (given.length !== expected.length || !crypto.timingSafeEqual(given, expected)) return false;
  const claims = JSON.parse(Buffer.from(parts[1], 'base64url'));
  return claims.exp * 1000 > Date.now();
}

// --- the service -----------------------------------------------------------------------------

// What is to be answered: [kind of work, status, body].
function decide(method, path, body) {
  if (method === 'POST' && path === '/auth/token') {
    return ['auth', 200, JSON.stringify({ token: issue(body.user || 'nobody') })];
  }
  if (method === 'GET' && path === '/items') {
    const some = Array.from({ length: 20 }, (_, index) => items.get(index + 1));
    return ['read', 200, `[${some.join(',')}]`];
  }
  if (method === 'POST' && path === '/items') {
    const id = 1 + Math.floor(Math.random() * ITEMS);  // the catalogue does not grow
    items.set(id, describe(id, body.name, 1));
    return ['write', 201, items.get(id)];
  }
  const id = Number(path.replace('/items/', ''));
  if (!items.has(id)) return ['read', 404, '{"error":"no such item"}'];
  if (method === 'PUT') {
    items.set(id, describe(id, body.name, JSON.parse(items.get(id)).version + 1));
    return ['write', 200, items.get(id)];
  }
  return ['read', 200, items.get(id)];
}

function send(response, status, body) {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
}

function serve(request, response, text) {
  const path = request.url.split('?')[0];
  if (path !== '/auth/token' && !isValid(request.headers.authorization)) {
    return send(response, 401, '{"error":"a valid token is needed"}');
  }
  let body;
  try {
    body = text ? JSON.parse(text) : {};
  } catch (error) {
    return send(response, 400, '{"error":"the body is not JSON"}');
  }
  const [kind, status, answer] = decide(request.method, path, body);
  const [base, mean] = WORK[kind];
  const work = base - mean * Math.log(1 - Math.random());
  setTimeout(() => send(response, status, answer), work);
}

const server = http.createServer((request, response) => {
  if (request.url === '/__counts') return send(response, 200, JSON.stringify(counts));
  counts.requests++;
  if (!known.has(request.socket)) {
    known.add(request.socket);
    counts.accepts++;
  }
  if (failure.isDue()) {
    counts.injected_502++;
    request.resume();
    return send(response, 502, '{"error":"injected"}');
  }
  if (reset.isDue()) {
    counts.injected_resets++;
    return request.socket.resetAndDestroy();
  }
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (piece) => { text += piece; });
  request.on('end', () => serve(request, response, text));
});
server.keepAliveTimeout = 75000;  // longer than any proxy keeps a connection idle
server.listen({ port: Number(options['listen-port']), host: '127.0.0.1', backlog: 4096 }, () => {
  console.log(`127.0.0.1:${server.address().port}`);
});
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
