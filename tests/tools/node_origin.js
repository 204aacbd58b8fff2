// SPDX-License-Identifier: MIT
// An origin of Node's http2 module without TLS: sends back what it gets, then trailers.
'use strict';
const http2 = require('http2');

const server = http2.createServer();
server.on('stream', (stream, headers) => {
  stream.on('error', () => {});
  if (headers[':path'] === '/hints') stream.additionalHeaders({':status': 103, link: '</a.css>'});
  stream.respond({':status': 200, trailer: 'x-bytes'}, {waitForTrailers: true});
  let bytes = 0;
  stream.on('data', (data) => { bytes += data.length; });
  stream.on('wantTrailers', () => stream.sendTrailers({'x-bytes': String(bytes)}));
  stream.pipe(stream);
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
