import { fail } from '../../core/errors.js';
import { toHalf } from '../../core/half.js';
import { scope } from '../../core/scoping.js';
import { STORAGES, STORED_AS, type StorageName, toBytesSync } from '../../io/elements.js';
import { describe, type LayerTypes, layerTypes, type Module } from '../../nn/index.js';
import type { Tensor } from '../../tensor.js';
import { type Bits, bitsOf, clusterable, type NamedWeight } from '../codebook/choice.js';
import { codebookOf } from '../codebook/codebook.js';
import { nearestCentroids } from '../codebook/kmeans.js';
import { compressedTypes } from '../layertypes.js';
import { maskOf } from '../pruning/mask.js';
import { type Description, FORMAT, STREAM, VERSIONS } from './description.js';
import { encode, type Form } from './form.js';
import { seal } from './sealed.js';

export interface PackOptions {
  /** What is to be kept with the model, as JSON: classes, preprocessing, where it came from. Default {}. */
  readonly about?: unknown;
  /** Layer types of your own, by name. */
  readonly types?: LayerTypes;
  /** How float32 is stored, entries of codebooks included. 'float16' rounds what it can hold. Default 'float32'. */
  readonly floats?: 'float32' | 'float16';
  /**
   * Codebooks of 2^bits entries, as `cluster` makes them, for weights that have no codebook yet: one number for all, numbers
   * by layer, or a function of a layer's name. The model stays as it is; what is unpacked is rounded. Default none.
   */
  readonly bits?: Bits;
}

/** A form takes about so many bytes in the metadata, beside what a tensor stored as it is takes. */
const FORM_BYTES = 150;
/** The largest finite float16. */
const HALF_MAX = 65504;

interface Part {
  readonly name: string;
  readonly stored: StorageName;
  readonly shape: readonly number[];
  readonly elements: Uint8Array;
}

/**
 * The model as the bytes of a safetensors file that holds its structure too, so that `unpack` builds it where the source that
 * defined it is not. Nothing is lost, unless `floats` or `bits` say so; each tensor takes the smallest of these forms: as it
 * is, with a bit mask or relative indices for what is not 0, values as they are or as codes of a codebook where few are
 * distinct (after `cluster`, or in int8), each of them in Huffman's words where that is shorter. Han, Mao and Dally 2016,
 * "Deep compression: compressing deep neural networks with pruning, trained quantization and Huffman coding".
 */
export function pack(
  model: Module,
  { about = {}, types, floats = 'float32', bits }: PackOptions = {},
): Uint8Array<ArrayBuffer> {
  if (floats !== 'float32' && floats !== 'float16') {
    fail('argument', `pack: floats must be 'float32' or 'float16', got '${String(floats)}'.`);
  }
  const topology = describe(model, { ...layerTypes, ...compressedTypes, ...types });
  const codebooks = bits === undefined ? new Map<Tensor, number>() : roundings(model, bits);
  return scope(() => {
    const parts: Part[] = [];
    const forms: Record<string, Form> = {};
    const first = new Map<Tensor, string>();
    const shared: Record<string, string> = {};
    for (const [name, value] of Object.entries(model.stateDict())) {
      const earlier = first.get(value);
      if (earlier !== undefined) {
        shared[name] = earlier;
        continue;
      }
      first.set(value, name);
      const { form, ...part } = partOf(name, value, codebooks.get(value), floats === 'float16');
      parts.push(part);
      if (form !== null) forms[name] = form;
    }
    const parameters = model.namedParameters();
    const description: Description = {
      topology,
      about,
      tensors: forms,
      shared,
      pruned: parameters.filter(([, parameter]) => maskOf(parameter) !== null).map(([name]) => name),
      clustered: Object.fromEntries(
        parameters.flatMap(([name, parameter]) => {
          const rule = codebookOf(parameter)?.update;
          return rule === undefined ? [] : [[name, rule]];
        }),
      ),
    };
    const width = ({ stored }: Part): number => STORAGES[stored].bytes;
    // The widest first, so that each is aligned to its elements.
    parts.sort((a, b) => width(b) - width(a) || (a.name < b.name ? -1 : Number(a.name > b.name)));
    return seal(parts, { format: FORMAT, version: VERSIONS[1], model: JSON.stringify(description) });
  });
}

/** Bytes of a model's tensors as `pack` stores them, each once, without the description around them. */
export function packedBytes(model: Module): number {
  return scope(() => {
    const tensors = new Map(Object.entries(model.stateDict()).map(([name, value]) => [value, name]));
    let bytes = 0;
    for (const [value, name] of tensors) bytes += partOf(name, value, undefined, false).elements.length;
    return bytes;
  });
}

/** Weights that are to be rounded to codebooks, each with the bits of its own. */
function roundings(model: Module, bits: Bits): Map<Tensor, number> {
  const weights = clusterable(model).filter(({ parameter }) => codebookOf(parameter) === null);
  return new Map(weights.map((weight: NamedWeight) => [weight.parameter, bitsOf('pack', bits, weight)]));
}

function partOf(name: string, value: Tensor, bits: number | undefined, half: boolean): Part & { form: Form | null } {
  const dtype = STORED_AS[value.dtype];
  let bytes = toBytesSync(`pack '${name}'`, value);
  if (bits !== undefined) {
    const rounded = nearestCentroids(`pack: '${name}'`, new Float32Array(bytes.buffer), bits);
    bytes = new Uint8Array(rounded.buffer);
  }
  const rounds = half && dtype === 'F32' && isWithinHalf(new Float32Array(bytes.buffer));
  const encoded = encode(bytes, value.shape, dtype, { worth: FORM_BYTES + name.length, half: rounds });
  if (encoded !== null) {
    const { form, stream } = encoded;
    return { name: name + STREAM, stored: 'U8', shape: [stream.length], elements: stream, form };
  }
  if (!rounds) return { name, stored: dtype, shape: value.shape, elements: bytes, form: null };
  const halves = Uint16Array.from(new Float32Array(bytes.buffer), toHalf);
  return { name, stored: 'F16', shape: value.shape, elements: new Uint8Array(halves.buffer), form: null };
}

/** Whether rounding to float16 makes no finite number infinite. */
function isWithinHalf(values: Float32Array): boolean {
  return values.every((value) => !(Math.abs(value) > HALF_MAX) || !Number.isFinite(value));
}
