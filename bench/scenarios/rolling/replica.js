// SPDX-License-Identifier: MIT
// A replica of the app that is rolled: it writes down the number of every order, and when it is told
// to end it finishes what it has. Standard library only.
//
//   GET /items/N           a line of the catalogue
//   POST /orders/NUMBER    takes an order
//   GET /__counts          {"accepts", "requests", "in_flight"}
//
//   node replica.js HOST PORT ORDERS     appends to the file ORDERS; its last line of output is
//                                        what it has counted
'use strict';
const fs = require('fs');
const { send, serve } = require('../../lib/service.js');

const [host, port, orders] = process.argv.slice(2);
const book = fs.openSync(orders, 'a');
const counts = { accepts: 0, requests: 0, in_flight: 0 };
const WORK_MS = 10;   // at most, so that something is always in flight
const LOOK_MS = 10;   // between two looks for connections that have become idle

function end(server) {
  server.close(() => {
    console.log(JSON.stringify(counts));
    process.exit(0);
  });
  setInterval(() => server.closeIdleConnections(), LOOK_MS);
}

serve(Number(port), counts, (request, response) => {
  counts.in_flight++;
  response.on('close', () => { counts.in_flight--; });
  request.resume().on('end', () => {
    const [, kind, number] = request.url.split('/');
    if (kind === 'orders') fs.writeSync(book, `${number}\n`);
    setTimeout(() => send(response, kind === 'orders' ? 201 : 200,
      JSON.stringify({ number, replica: host, note: 'a line of the catalogue '.repeat(8) })),
    Math.random() * WORK_MS);
  });
}, host, end);
