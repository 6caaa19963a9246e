// On servers: prints what the checks found, for the table.
import { library } from './installed.mjs';
import handler from './lenet5.handler.js';
import * as network from './lenet5.js';
import { smoke } from './smoke.mjs';
import { predicts } from './standalone.mjs';

const found = { ...(await smoke(library, { threads: true })), ...(await predicts(network, handler)) };
console.log(`\nRESULTS ${JSON.stringify(found)}`);
