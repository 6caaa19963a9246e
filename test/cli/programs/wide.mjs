import { Flatten, Linear, Sequential } from 'fettle/nn';

/** A network with more classes than the data have. */
export default () => new Sequential(new Flatten(), new Linear(64, 11));
