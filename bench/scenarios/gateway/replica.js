// SPDX-License-Identifier: MIT
// A replica behind the gateway: logs users in with a signed token, and keeps a catalogue that they
// read and write. Standard library only.
//
// The one idea: failures are injected here at exact rates and counted, so that what a client sees
// can be held against what really happened. A fault is due when a sum of the rate passes one.
//
//   POST /auth/token       a signed token
//   GET, HEAD /items/N     one item          GET /items           twenty of them
//   PUT /items/N           writes one        POST /items          adds one
//   GET /__counts          {"accepts", "requests", "injected_502", "injected_resets"}
//
//   node replica.js --fail-rate 0.002 --reset-rate 0.001     prints the bound address
'use strict';
const crypto = require('crypto');
const { parseArgs } = require('util');
const { send, serve } = require('../../lib/service.js');

const { values: options } = parseArgs({
  options: {
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
const items = new Map();
for (let id = 1; id <= ITEMS; id++) items.set(id, describe(id, `item ${id}`));

function describe(id, name) {
  return JSON.stringify({ id, name, note: 'a line of the catalogue '.repeat(8) });
}

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

const sign = (text) => crypto.createHmac('sha256', SECRET).update(text).digest('base64url');

function issue() {
  const expires = String(Math.floor(Date.now() / 1000) + TOKEN_LIFE_S);
  return `${expires}.${sign(expires)}`;
}

function isValid(authorization) {
  const [expires, signature] = (authorization || '').replace('Bearer ', '').split('.');
  return signature === sign(expires) && Number(expires) * 1000 > Date.now();
}

// What is to be answered: [kind of work, status, body].
function decide(method, path, body) {
  if (path === '/auth/token') return ['auth', 200, JSON.stringify({ token: issue() })];
  if (path === '/items' && method === 'GET') {
    const some = Array.from({ length: 20 }, (_, index) => items.get(index + 1));
    return ['read', 200, `[${some.join(',')}]`];
  }
  if (path === '/items') {
    const id = 1 + Math.floor(Math.random() * ITEMS);  // the catalogue does not grow
    items.set(id, describe(id, body.name));
    return ['write', 201, items.get(id)];
  }
  const id = Number(path.replace('/items/', ''));
  if (!items.has(id)) return ['read', 404, '{"error":"no such item"}'];
  if (method !== 'PUT') return ['read', 200, items.get(id)];
  items.set(id, describe(id, body.name));
  return ['write', 200, items.get(id)];
}

serve(0, counts, (request, response) => {
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
  request.on('data', (piece) => { text += piece; });
  return request.on('end', () => {
    const path = request.url.split('?')[0];
    if (path !== '/auth/token' && !isValid(request.headers.authorization)) {
      return send(response, 401, '{"error":"a valid token is needed"}');
    }
    const [kind, status, answer] = decide(request.method, path, text && JSON.parse(text));
    const [base, mean] = WORK[kind];
    return setTimeout(() => send(response, status, answer),
      base - mean * Math.log(1 - Math.random()));
  });
});
