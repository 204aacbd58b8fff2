// SPDX-License-Identifier: MIT
// Constant arrival: RATE iterations a second begin whatever the answers do, and each opens a
// connection of its own, as the sessions of the report did. A rate that cannot be held shows as
// dropped iterations: no virtual user was free.
import http from 'k6/http';
import { TRENDS, countError, summary } from '../../lib/k6.js';

const rate = Number(__ENV.RATE);

export const options = {
  noConnectionReuse: true,
  discardResponseBodies: true,
  summaryTrendStats: TRENDS,
  scenarios: {
    arrival: {
      executor: 'constant-arrival-rate',
      rate,
      timeUnit: '1s',
      duration: `${__ENV.SECONDS}s`,
      preAllocatedVUs: Math.max(20, Math.ceil(rate / 20)),
      maxVUs: Math.max(50, Math.ceil(rate / 4)),
      gracefulStop: '5s',
    },
  },
};

export default function () {
  const response = http.get(__ENV.TARGET, { timeout: '10s' });
  if (response.status !== 200) countError(response);
}

export function handleSummary(data) {
  return summary(data);
}
