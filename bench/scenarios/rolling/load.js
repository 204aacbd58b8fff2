// SPDX-License-Identifier: MIT
// The people in front of the app that is rolled: GET and POST over kept connections, new ones and
// HTTP/2, at a rate, until it is told to end.
//
// The one idea: they are well-behaved clients and no more. A kept connection that was closed while
// it was idle is replaced, and a stream that the server says it has not looked at is asked again;
// every other failure is what a user would have seen, and counted.
//
//   node load.js '{"host", "h1", "h2", "rate", "orders"}'    h1 and h2 are ports, `orders` a file
//
// Each line of output is what was counted so far, `opened` connections being those that are to be
// kept; the last one comes when all are answered.
'use strict';
const fs = require('fs');
const http = require('http');
const http2 = require('http2');

const { host, h1, h2, rate, orders } = JSON.parse(process.argv[2]);
// Of all requests, by so many workers; each has one request at a time.
const KINDS = {
  kept: { share: 0.5, workers: 32, ask: askKept },
  fresh: { share: 0.2, workers: 16, ask: askFresh },
  h2: { share: 0.3, workers: 32, ask: askH2 },
};
const H2_CONNECTIONS = 4;
const POSTS = 3;           // one request in so many is a POST
const PATIENCE_MS = 60000;  // an answer that takes longer is none
const REPORT_MS = 50;
const BODY = JSON.stringify({ lines: ['a pot of tea', 'two cups'], note: 'x'.repeat(200) });

const counts = { answered: 0, opened: 0, errors: {} };
const taken = fs.openSync(orders, 'a');
const agent = new http.Agent({ keepAlive: true });
let ending = false;
let numbers = 0;

function failed(kind, method, why) {
  const name = `${kind} ${method}: ${why}`;
  counts.errors[name] = (counts.errors[name] || 0) + 1;
}

// Both resolve to a status.
function askKept(method, path) {
  return askH1(method, path, agent);
}

function askFresh(method, path) {
  return askH1(method, path, false);
}

function askH1(method, path, by) {
  return new Promise((resolve, reject) => {
    const body = method === 'POST' ? BODY : '';
    const request = http.request({
      host, port: h1, method, path, agent: by, timeout: PATIENCE_MS,
      headers: method === 'POST' ? { 'Content-Length': Buffer.byteLength(body) } : {},
    }, (response) => {
      response.on('error', reject);
      response.resume().on('end', () => resolve(response.statusCode));
    });
    request.on('socket', (socket) => { if (by && socket.connecting) counts.opened++; });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
    request.end(body);
  });
}

const sessions = [];
function session(worker) {
  const place = worker % H2_CONNECTIONS;
  const known = sessions[place];
  if (known && !known.closed && !known.destroyed) return known;
  counts.opened++;
  const made = http2.connect(`http://${host}:${h2}`);
  made.on('error', () => {});  // each of its streams has the error, too
  sessions[place] = made;
  return made;
}

async function askH2(method, path, worker) {
  for (;;) {
    const by = session(worker);
    try {
      return await stream(by, method, path);
    } catch (error) {
      // Not looked at: refused, above the last stream of a GOAWAY, or never begun.
      if (error.rstCode !== http2.constants.NGHTTP2_REFUSED_STREAM &&
          error.code !== 'ERR_HTTP2_GOAWAY_SESSION' && error.code !== 'ERR_HTTP2_INVALID_SESSION') {
        throw error;
      }
      if (sessions[worker % H2_CONNECTIONS] === by) by.close();
    }
  }
}

function stream(by, method, path) {
  return new Promise((resolve, reject) => {
    const request = by.request({ ':method': method, ':path': path },
      { endStream: method !== 'POST' });
    let status = 0;
    request.setTimeout(PATIENCE_MS, () => request.destroy(new Error('no answer')));
    request.on('response', (fields) => { status = fields[':status']; });
    request.on('error', (error) => {
      error.rstCode = request.rstCode;
      reject(error);
    });
    request.on('close', () => {
      if (request.rstCode) return reject(Object.assign(new Error(`reset ${request.rstCode}`),
        { rstCode: request.rstCode }));
      return status && request.readableEnded ? resolve(status) : reject(new Error('cut off'));
    });
    request.resume();
    if (method === 'POST') request.end(BODY);
  });
}

const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });

async function work(kind, worker) {
  const { share, workers, ask } = KINDS[kind];
  const every = 1000 / (rate * share / workers);
  let due = performance.now() + Math.random() * every;
  while (!ending) {
    await pause(Math.max(due - performance.now(), 0));
    due = Math.max(due + every, performance.now());  // who is late does not hurry
    const number = `${process.pid}-${++numbers}`;
    const method = numbers % POSTS === 0 ? 'POST' : 'GET';
    try {
      const status = await ask(method, method === 'POST' ? `/orders/${number}` : `/items/${number}`,
        worker);
      if (status !== (method === 'POST' ? 201 : 200)) failed(kind, method, status);
      else if (method === 'POST') fs.writeSync(taken, `${number}\n`);
    } catch (error) {
      failed(kind, method, error.code || error.message);
    }
    counts.answered++;
  }
}

const report = setInterval(() => console.log(JSON.stringify(counts)), REPORT_MS);
process.on('SIGTERM', () => { ending = true; });
Promise.all(Object.entries(KINDS).flatMap(([kind, { workers }]) =>
  Array.from({ length: workers }, (_, worker) => work(kind, worker)))).then(() => {
  clearInterval(report);
  console.log(JSON.stringify(counts));
  process.exit(0);
});
