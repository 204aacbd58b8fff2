// SPDX-License-Identifier: MIT
// USERS virtual users book again and again, without a pause. 201 and, when all is sold,
// 409 are what the service promises; anything else is a business error.
import http from 'k6/http';
import { Rate, Counter } from 'k6/metrics';
import { TRENDS, countError, summary } from '../../lib/k6.js';

const businessErrors = new Rate('business_errors');
const sold = new Counter('sold');
const refused = new Counter('refused');

http.setResponseCallback(http.expectedStatuses(201, 409));

export const options = {
  discardResponseBodies: true,
  summaryTrendStats: TRENDS,
  thresholds: { business_errors: ['rate<0.01'], http_req_duration: ['p(95)<200'] },
  scenarios: {
    booking: {
      executor: 'constant-vus',
      vus: Number(__ENV.USERS),
      duration: `${__ENV.SECONDS}s`,
      gracefulStop: '10s',
    },
  },
};

const headers = { 'Content-Type': 'application/json' };

export default function () {
  const body = `{"customer":"${__VU}-${__ITER}"}`;
  const response = http.post(__ENV.TARGET, body, { headers, timeout: '10s' });
  if (response.status === 201) sold.add(1);
  else if (response.status === 409) refused.add(1);
  else countError(response);
  businessErrors.add(response.status !== 201 && response.status !== 409);
}

export function handleSummary(data) {
  return summary(data);
}
