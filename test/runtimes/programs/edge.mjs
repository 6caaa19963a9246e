// A worker of an edge runtime: answers what the checks found, or at /started that it is there.
import { library } from './installed.mjs';
import handler from './lenet5.edge.js';
import * as network from './lenet5.js';
import { smoke } from './smoke.mjs';
import { predicts } from './standalone.mjs';

export default {
  /** @param {Request} request */
  async fetch(request) {
    if (new URL(request.url).pathname === '/started') return new Response('started');
    return Response.json({ ...(await smoke(library)), ...(await predicts(network, handler)) });
  },
};
