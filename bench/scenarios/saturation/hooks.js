// SPDX-License-Identifier: MIT
// Called by Artillery after each answer. What it does not count by itself: how long answers of one
// status took, and whether those that turn a user away say when to come again.
'use strict';

function note(request, response, context, events, next) {
  const status = response.statusCode;
  const phases = (response.timings && response.timings.phases) || {};
  const shed = status === 503 || status === 429;
  if (shed) {
    const says = response.headers['retry-after'] !== undefined;
    events.emit('counter', says ? 'shed.with_retry_after' : 'shed.without_retry_after', 1);
  }
  const open = request.url.endsWith('/health');
  if (phases.total !== undefined) {
    events.emit('histogram', `answered.${status}`, phases.total);
    if (open && status === 200) events.emit('histogram', 'answered.200.health', phases.total);
  }
  const allowed = open || request.headers.authorization !== undefined;
  if (status === (allowed ? 401 : 200)) events.emit('counter', 'wrongly_answered', 1);
  return next();
}

module.exports = { note };
