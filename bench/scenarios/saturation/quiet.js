// SPDX-License-Identifier: MIT
// Loaded into Artillery before anything else. It reports each run to its makers, even when told not
// to, and where they cannot be reached it tries for ten seconds. A bench talks to nobody but its
// own services: without this module Artillery does without.
//
// A library of Artillery's takes `File` for a global, which it is from Node 20 on; Debian 12 has 18.
'use strict';
const Module = require('module');

globalThis.File ??= require('buffer').File;

const load = Module._load;
Module._load = function loadUnlessReporting(name, ...rest) {
  if (name === 'posthog-node') throw new Error('a bench reports to nobody');
  return load.call(this, name, ...rest);
};
