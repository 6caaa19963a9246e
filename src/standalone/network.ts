import type { Module } from '../nn/index.js';
import type { Tensor } from '../tensor.js';

/** What a network gives: a tensor, several, or several by name. */
export type Outputs = Tensor | readonly Tensor[] | Readonly<Record<string, Tensor>>;

/** A network: a module, or a function that may prepare its inputs besides. */
export type Network = Module | ((...inputs: Tensor[]) => Outputs);
