import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import type { Module } from '../../nn/index.js';
import { type Bits, bitsOf, checkNames, clusterable, isNamed } from './choice.js';
import { type CentroidUpdate, setCodebook, UPDATES } from './codebook.js';
import { assign, centroidsOf, checkFinite, type KMeansOptions, STARTS } from './kmeans.js';

export interface ClusterOptions extends KMeansOptions {
  /**
   * Bits of a code, of which there are 2^bits at most: one number for all layers, numbers by layer (those it does not name are
   * left alone), or a function of a layer's name and module. Default 5.
   */
  readonly bits?: Bits;
  /** How training moves the centroids afterwards; see `CentroidUpdate`. Default 'mean'. */
  readonly update?: CentroidUpdate;
  /** Layers or parameters that are left alone, by name. */
  readonly except?: readonly string[];
}

export interface ClusteredWeight {
  /** As in the state dict. */
  readonly name: string;
  readonly bits: number;
  /** Weights that are not 0; only they take part. */
  readonly weights: number;
  /** Distinct values that are left of them. */
  readonly values: number;
  /** √(Σ change² / Σ weight²). */
  readonly error: number;
}

export interface ClusterReport {
  readonly layers: readonly ClusteredWeight[];
  readonly weights: number;
  /** Of all layers together, as that of one. */
  readonly error: number;
}

/**
 * Gives every weight (parameter of two dimensions or more) a codebook: k-means over what of it is not 0, whose centroids the
 * weights become. From then on optimizers move the centroids, and zeros stay: `pack` stores codes of a few bits. What was
 * pruned stays pruned. Called again, it makes the codebooks anew. Han, Mao and Dally 2016, "Deep compression: compressing deep
 * neural networks with pruning, trained quantization and Huffman coding", section 3.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(20, 30), new nn.ReLU(), new nn.Linear(30, 2));
 * const { layers } = compress.cluster(model, { bits: 3 });
 * layers[0]?.values; // → 8
 */
export function cluster(model: Module, options: ClusterOptions = {}): ClusterReport {
  const { bits = 5, update = 'mean', except = [], init = 'linear', iterations = 100 } = options;
  if (!STARTS.includes(init)) {
    fail('argument', `cluster: init must be one of ${STARTS.join(', ')}, got '${String(init)}'.`);
  }
  if (!UPDATES.includes(update)) {
    fail('argument', `cluster: update must be 'mean' or 'sum', got '${String(update)}'.`);
  }
  if (!Number.isInteger(iterations) || iterations < 1) {
    fail('argument', `cluster: iterations must be a whole number ≥ 1, got ${iterations}.`);
  }
  const all = clusterable(model);
  const named = typeof bits === 'object' ? Object.keys(bits) : [];
  checkNames('cluster: except', except, all);
  checkNames('cluster: bits', named, all);
  const chosen = all.filter(
    (weight) => !isNamed(weight, except) && (typeof bits !== 'object' || isNamed(weight, named)),
  );
  if (chosen.length === 0) fail('argument', 'cluster: there is no weight to give a codebook to.');
  // All of them are found before the first is changed.
  const found = chosen.map((weight) => {
    const values = weight.parameter.dataSync().filter((value) => value !== 0);
    const wanted = bitsOf('cluster', bits, weight);
    checkFinite(`cluster: '${weight.name}'`, values);
    return { ...weight, values, wanted, centroids: centroidsOf(values, 2 ** wanted, { ...options, init, iterations }) };
  });
  let [lost, total] = [0, 0];
  const layers = found.map(({ name, parameter, values, wanted, centroids }): ClusteredWeight => {
    const codes = assign(values, centroids);
    let [change, size] = [0, 0];
    values.forEach((value, i) => {
      change += elementary.square(value - (centroids[codes[i] as number] as number));
      size += elementary.square(value);
    });
    lost += change;
    total += size;
    setCodebook(parameter, centroids, update);
    const error = size === 0 ? 0 : Math.sqrt(change / size);
    return { name, bits: wanted, weights: values.length, values: new Set(codes).size, error };
  });
  const weights = layers.reduce((n, layer) => n + layer.weights, 0);
  return { layers, weights, error: total === 0 ? 0 : Math.sqrt(lost / total) };
}
