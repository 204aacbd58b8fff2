// SPDX-License-Identifier: MIT
// node_client.js URL CA: requests of Node's http2 module, many at a time on one session.
'use strict';
const assert = require('assert');
const fs = require('fs');
const http2 = require('http2');

const [url, ca] = process.argv.slice(2);
const body = Buffer.alloc(300000, 'onehop ');

function ask(session, path, sent) {
  return new Promise((resolve, reject) => {
    const stream = session.request({':method': 'POST', ':path': path, te: 'trailers'});
    const seen = {hints: [], head: {}, trailers: {}, chunks: []};
    stream.on('headers', (headers) => seen.hints.push(headers.link));
    stream.on('response', (headers) => { seen.head = headers; });
    stream.on('trailers', (headers) => { seen.trailers = headers; });
    stream.on('data', (data) => seen.chunks.push(data));
    stream.on('error', reject);
    stream.on('end', () => resolve(seen));
    stream.end(sent);
  });
}

async function main() {
  // All that is asked at a time is 12 MB. Of more than 10 MB Node refuses fields, unless it may.
  const session = http2.connect(url, {ca: fs.readFileSync(ca), maxSessionMemory: 100});
  session.on('error', (error) => { throw error; });
  const all = await Promise.all(
      Array.from({length: 40}, (_, i) => ask(session, '/echo', body.subarray(i))));
  all.forEach((seen, i) => {
    assert.strictEqual(seen.head[':status'], 200);
    assert.ok(Buffer.concat(seen.chunks).equals(body.subarray(i)));
    assert.strictEqual(seen.trailers['x-bytes'], String(body.length - i));
  });
  const hints = await ask(session, '/hints', 'x');
  assert.deepStrictEqual(hints.hints, ['</a.css>']);
  assert.strictEqual((await ask(session, '/echo', 'last')).head[':status'], 200);
  await new Promise((resolve) => session.close(resolve));
  console.log('Node was served as it should be');
}

main();
