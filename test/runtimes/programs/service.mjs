// In a service worker, which may await nothing while it starts: answers what the checks found.
import * as library from 'fettle/inline';
import * as network from './lenet5-inline.js';
import { smoke } from './smoke.mjs';
import { predicts } from './standalone.mjs';

addEventListener('message', ({ ports: [port] }) => {
  Promise.all([
    smoke(/** @type {import('./smoke.mjs').Library} */ (/** @type {unknown} */ (library))),
    predicts(network),
  ]).then((results) => port?.postMessage(Object.assign({}, ...results)));
});
