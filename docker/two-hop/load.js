// SPDX-License-Identifier: MIT
// k6: the same constant arrival of requests to each target in turn, and what it cost on the second
// hop.
//
// The one idea: the replicas count the connections made to them, and they are asked before and
// after each load, so that nobody has to take a proxy's word for what it reuses.
//
//   TARGETS       NAME=HOST:PORT[,HOST:PORT...] ...; requests go to the addresses in turn
//   REPLICAS      HOST:PORT ..., those that are asked for their counts
//   RATES         requests per second, one load for each and every target
//   LOAD_SECONDS  how long each load lasts
//   CONNECTIONS   new: a connection per request, as in the report; reuse: connections are kept
import exec from 'k6/execution';
import http from 'k6/http';
import { Gauge } from 'k6/metrics';

const environment = Object.assign({
  TARGETS: 'direct=replica1:9001,replica2:9001 onehop=onehop:8080 ' +
    'nginx-stock=nginx-stock:8080 nginx-tuned=nginx-tuned:8080',
  REPLICAS: 'replica1:9001 replica2:9001',
  RATES: '1000 4000',
  LOAD_SECONDS: '20',
  CONNECTIONS: 'new',
}, __ENV);

const words = (text) => text.split(/\s+/).filter((word) => word !== '');
const seconds = Number(environment.LOAD_SECONDS);
const rates = words(environment.RATES).map(Number);
const replicas = words(environment.REPLICAS);
const targets = words(environment.TARGETS).map((word) => {
  const [name, addresses] = word.split('=');
  return { name, addresses: addresses.split(',') };
});
const unfit = [seconds, ...rates].some((number) => !(Number.isInteger(number) && number > 0));
if (unfit || !['new', 'reuse'].includes(environment.CONNECTIONS)) {
  throw new Error('RATES and LOAD_SECONDS are whole numbers, CONNECTIONS is new or reuse');
}

// Between two loads: requests still running have that long to end, and then the replicas are asked.
const PAUSE_S = 6;
const REQUEST_TIMEOUT = '5s';

const replicaAccepts = new Gauge('replica_accepts');

// What k6 runs, one after another: asks, load, asks, load, ...
function plan() {
  const scenarios = {};
  const loads = [];
  let at = 1;
  for (const rate of rates) {
    for (const target of targets) {
      const name = `${target.name}_${rate}`;
      const once = { executor: 'per-vu-iterations', vus: 1, iterations: 1, exec: 'ask' };
      scenarios[`before_${name}`] = Object.assign({ startTime: `${at}s` }, once);
      at += 1;
      scenarios[name] = {
        executor: 'constant-arrival-rate', rate, timeUnit: '1s', duration: `${seconds}s`,
        preAllocatedVUs: Math.ceil(rate / 20), maxVUs: Math.max(100, rate), exec: 'load',
        startTime: `${at}s`, gracefulStop: `${PAUSE_S - 1}s`,
        env: { ADDRESSES: target.addresses.join(',') },
      };
      at += seconds + PAUSE_S;
      scenarios[`after_${name}`] = Object.assign({ startTime: `${at}s` }, once);
      loads.push({ name, target: target.name, rate });
      at += 1;
    }
  }
  return { scenarios, loads };
}

const { scenarios, loads } = plan();

// k6 keeps figures of a single scenario only where a threshold names it; but for the first, these
// always hold.
function thresholds() {
  const all = {};
  for (const { name } of loads) {
    all[`http_req_failed{scenario:${name}}`] = ['rate<0.01'];
    all[`http_reqs{scenario:${name}}`] = ['count>=0'];
    all[`http_req_duration{scenario:${name}}`] = ['max>=0'];
    all[`http_req_connecting{scenario:${name}}`] = ['max>=0'];
    all[`replica_accepts{scenario:before_${name}}`] = ['value>=0'];
    all[`replica_accepts{scenario:after_${name}}`] = ['value>=0'];
  }
  return all;
}

export const options = {
  scenarios,
  thresholds: thresholds(),
  noConnectionReuse: environment.CONNECTIONS === 'new',
  discardResponseBodies: true,
  summaryTrendStats: ['avg', 'p(95)', 'p(99)', 'max'],
};

export function load() {
  const addresses = __ENV.ADDRESSES.split(',');
  const address = addresses[exec.scenario.iterationInTest % addresses.length];
  http.get(`http://${address}/`, { timeout: REQUEST_TIMEOUT });
}

export function ask() {
  let accepts = 0;
  for (const replica of replicas) {
    // On a connection of its own, which the replicas leave out of their counts.
    const answer = http.get(`http://${replica}/__counts`,
      { responseType: 'text', headers: { Connection: 'close' } });
    accepts += answer.json('accepts');
  }
  replicaAccepts.add(accepts);
}

function row(data, { name, target, rate }) {
  const figure = (metric, key, scenario = name) =>
    data.metrics[`${metric}{scenario:${scenario}}`].values[key];
  const requests = figure('http_reqs', 'count');
  const made = figure('replica_accepts', 'value', `after_${name}`) -
    figure('replica_accepts', 'value', `before_${name}`);
  return [target, rate, (requests / seconds).toFixed(0),
    `${(100 * figure('http_req_failed', 'rate')).toFixed(2)} %`,
    figure('http_req_connecting', 'avg').toFixed(2), figure('http_req_duration', 'avg').toFixed(2),
    figure('http_req_duration', 'p(95)').toFixed(2),
    figure('http_req_duration', 'p(99)').toFixed(2), made, requests > 0 ? (made / requests).toFixed(3) : '-'].map(String);
}

export function handleSummary(data) {
  const columns = ['target', 'asked/s', 'reached/s', 'failed', 'connect ms', 'avg ms', 'p95 ms',
    'p99 ms', 'made to replicas', 'per request'];
  const rows = [columns, ...loads.map((one) => row(data, one))];
  const widths = columns.map((_, i) => Math.max(...rows.map((cells) => cells[i].length)));
  const lines = rows.map((cells) => cells.map((cell, i) =>
    (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '));
  const kind = environment.CONNECTIONS === 'new' ? 'new' : 'kept';
  return { stdout: `\n${seconds} s each, ${kind} connections from k6; times without connecting\n\n` +
    `${lines.join('\n')}\n` };
}
