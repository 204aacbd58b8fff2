// SPDX-License-Identifier: MIT
// k6: users that GET and HEAD items behind a token; they ramp up, hold, and twice come in double
// number. SCALE is the scale of the scenario as JSON.
import http from 'k6/http';
import { check, fail, sleep } from 'k6';
import { TRENDS, summary } from '../../lib/k6.js';

const scale = JSON.parse(__ENV.SCALE);
const users = scale.users;
const spike = [
  { duration: '1s', target: 2 * users },
  { duration: `${scale.spike_s}s`, target: 2 * users },
  { duration: '1s', target: users },
];
const calm = { duration: `${Math.ceil(scale.hold_s / 3)}s`, target: users };

export const options = {
  discardResponseBodies: true,
  summaryTrendStats: TRENDS,
  scenarios: {
    users: {
      executor: 'ramping-vus',
      startVUs: Math.ceil(users / 12),
      stages: [{ duration: `${scale.ramp_s}s`, target: users }, calm, ...spike, calm, ...spike,
        calm],
      gracefulRampDown: '5s',
      gracefulStop: '5s',
    },
  },
};

const THINK_S = 0.5;  // with an answer of some 60 ms, 600 users make about a thousand requests/s
const LOGIN_TRIES = 5;  // a login may meet an injected fault

export function setup() {
  for (let i = 0; i < LOGIN_TRIES; i++) {
    const answer = http.post(`${__ENV.TARGET}/auth/token`, '{"user":"k6"}', {
      headers: { 'Content-Type': 'application/json' }, responseType: 'text',
    });
    if (answer.status === 200) return answer.json('token');
  }
  return fail('no token');
}

export default function (token) {
  const url = `${__ENV.TARGET}/items/${1 + Math.floor(Math.random() * 1000)}`;
  const params = { headers: { Authorization: `Bearer ${token}` }, tags: { name: 'item' } };
  const isHead = Math.random() < 0.2;
  const answer = isHead ? http.head(url, params) : http.get(url, params);
  check(answer, { 'status is 200': (r) => r.status === 200 });
  sleep(THINK_S * (0.5 + Math.random()));
}

export function handleSummary(data) {
  return summary(data);
}
