// SPDX-License-Identifier: MIT
// The script of browser_page.html: uses what a browser has to speak to a server, and says what came
// of it. Whoever opens the page calls findings() and judges.
'use strict';

const kImages = 20;

async function digest(bytes) {
  const hash = await crypto.subtle.digest('SHA-256', bytes);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// An event of a target, once.
function next(target, name) {
  return new Promise((resolve) => target.addEventListener(name, resolve, {once: true}));
}

async function images() {
  const loaded = Array.from({length: kImages}, (_, i) => new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve(image.naturalWidth);
    image.onerror = () => reject(new Error(`image ${i}`));
    image.src = `/image/${i + 1}.svg`;
    document.body.append(image);
  }));
  return Promise.all(loaded);
}

// The SHA-256 that the server found in what was sent, and the one it should have found.
async function post() {
  const body = new Uint8Array(1500000).map((_, i) => i * 7);
  const response = await fetch('/digest', {method: 'POST', body});
  return {sent: await digest(body), received: await response.text()};
}

// A body whose length nobody knows: Chromium sends one over HTTP/2 only.
async function stream() {
  const part = new Uint8Array(70000).fill(65);
  let left = 5;
  const body = new ReadableStream({
    pull(controller) {
      if (left-- === 0) return controller.close();
      controller.enqueue(part);
    },
  });
  const response = await fetch('/digest', {method: 'POST', body, duplex: 'half'});
  const all = new Uint8Array(5 * part.length).fill(65);
  return {sent: await digest(all), received: await response.text()};
}

async function download() {
  const bytes = await (await fetch('/large')).arrayBuffer();
  return {size: bytes.byteLength, digest: await digest(bytes)};
}

// One without an end, given up after its first bytes.
async function abort() {
  const controller = new AbortController();
  const response = await fetch('/endless', {signal: controller.signal});
  const reader = response.body.getReader();
  const first = await reader.read();
  controller.abort();
  try {
    for (;;) await reader.read();
  } catch (error) {
    return {first: first.value.length > 0, error: error.name};
  }
}

// Two, which HTTP/2 sends as two fields and HTTP/1.1 may have in one only.
async function cookies() {
  await fetch('/set-cookies');
  return (await fetch('/cookies')).text();
}

async function websocket() {
  const socket = new WebSocket(`wss://${location.host}/socket/browser`);
  socket.binaryType = 'arraybuffer';
  await Promise.race([next(socket, 'open'), next(socket, 'error').then(() => {
    throw new Error('no WebSocket');
  })]);
  const say = async (message) => {
    socket.send(message);
    return (await next(socket, 'message')).data;
  };
  const text = await say('grüße, ☃');
  const bytes = new Uint8Array(1 << 20).map((_, i) => i * 11);
  const back = await say(bytes);
  const ponged = await say('ping browser');
  socket.close(4002, 'page is done');
  const end = await next(socket, 'close');
  return {text, same: await digest(bytes) === await digest(back), ponged, code: end.code,
          clean: end.wasClean, extensions: socket.extensions};
}

async function closedByServer() {
  const socket = new WebSocket(`wss://${location.host}/socket/closed`);
  await next(socket, 'open');
  socket.send('close 4003 enough');
  const end = await next(socket, 'close');
  return {code: end.code, reason: end.reason, clean: end.wasClean};
}

// The server ends the first stream after event 3; EventSource comes back and asks for what follows.
async function events() {
  const source = new EventSource('/events');
  const seen = [];
  while (seen.length < 6) {
    const event = await next(source, 'message');
    seen.push(`${event.lastEventId}:${event.data}`);
  }
  source.close();
  return seen;
}

// What each resource of the page came by, with its path.
function protocols() {
  return [...performance.getEntriesByType('navigation'),
          ...performance.getEntriesByType('resource')]
      .map((entry) => [new URL(entry.name).pathname, entry.nextHopProtocol]);
}

async function findings() {
  const parts = {images, post, stream, download, abort, cookies, websocket, closedByServer, events};
  const all = await Promise.all(Object.entries(parts).map(async ([name, part]) => {
    try {
      return [name, await part()];
    } catch (error) {
      return [name, `failed: ${error}`];
    }
  }));
  const style = getComputedStyle(document.querySelector('h1')).color;
  return {...Object.fromEntries(all), style, protocols: protocols()};
}
