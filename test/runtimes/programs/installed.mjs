/** fettle as a program imports it: all of it, as one object. */
import * as fettle from 'fettle';
import * as compress from 'fettle/compress';
import * as data from 'fettle/data';
import * as io from 'fettle/io';
import * as nn from 'fettle/nn';
import * as optim from 'fettle/optim';
import * as parallel from 'fettle/parallel';
import * as train from 'fettle/train';

export const library = /** @type {import('./smoke.mjs').Library} */ ({
  ...fettle,
  ...{ compress, data, io, nn, optim, parallel, train },
});
