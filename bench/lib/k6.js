// SPDX-License-Identifier: MIT
// What k6 scripts of the scenarios share: errors counted by kind, and the summary that lib/k6.py
// reads. k6 declares its counters before the run, so the kinds are a fixed list.
import { Counter } from 'k6/metrics';

export const TRENDS = ['avg', 'min', 'med', 'max', 'p(90)', 'p(95)', 'p(99)', 'p(99.9)'];

const KINDS = {
  timeout: new Counter('error_timeout'),
  refused: new Counter('error_refused'),
  reset: new Counter('error_reset'),
  closed: new Counter('error_closed'),
  status: new Counter('error_status'),
  other: new Counter('error_other'),
};
// k6's own codes: https://grafana.com/docs/k6/latest/javascript-api/error-codes/
const CODES = { 1050: 'timeout', 1211: 'timeout', 1212: 'refused', 1220: 'reset' };

export function kindOf(response) {
  if (response.status > 0) return 'status';
  if (CODES[response.error_code]) return CODES[response.error_code];
  return /EOF|closed|broken pipe/.test(response.error) ? 'closed' : 'other';
}

// Counts a response that should not have been.
export function countError(response) {
  KINDS[kindOf(response)].add(1);
}

export function summary(data) {
  return { [__ENV.SUMMARY]: JSON.stringify(data) };
}
