import { fail } from '../../core/errors.js';
import type { Header } from '../../io/header.js';
import type { Topology } from '../../nn/index.js';
import { checkForm, type Form } from './form.js';

/** What the metadata of a model's file say, besides the checksum. */

export const FORMAT = 'fettle-model';
/** Version 1 had masks, and float32 tensors alone. */
export const VERSIONS = ['1', '2'] as const;
/** Stands behind the name of a tensor that is stored as a stream. */
export const STREAM = '#packed';

export interface Description {
  readonly topology: Topology;
  /** What the caller wanted to keep with the model, as JSON. */
  readonly about: unknown;
  /** Forms of the tensors that are stored as streams; the others are stored as they are. */
  readonly tensors: Readonly<Record<string, Form>>;
  /** Names of tensors that are others under a second name. */
  readonly shared: Readonly<Record<string, string>>;
  /** Parameters that a mask keeps at 0 where they are. */
  readonly pruned: readonly string[];
  /** Parameters that a codebook keeps at few values, and how it moves them. */
  readonly clustered: Readonly<Record<string, string>>;
}

/** What version 1 says. */
export interface FirstDescription extends Pick<Description, 'topology' | 'about'> {
  /** Shapes of tensors that are stored sparse. */
  readonly sparse: Readonly<Record<string, readonly number[]>>;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTopology(value: unknown): value is Topology {
  if (!isRecord(value) || typeof value.type !== 'string') return false;
  const { args = [], children = [], same = '', ties = [] } = value;
  if (!Array.isArray(args) || !Array.isArray(children) || typeof same !== 'string') return false;
  const isPair = (entry: unknown): entry is [unknown, unknown] => Array.isArray(entry) && entry.length === 2;
  const areTies =
    Array.isArray(ties) && ties.every((tie) => isPair(tie) && tie.every((name) => typeof name === 'string'));
  return areTies && children.every((entry) => isPair(entry) && typeof entry[0] === 'string' && isTopology(entry[1]));
}

/** The version of the model's format in a header. Throws where there is no model, or of a version not known here. */
export function versionOf(file: string, { metadata }: Pick<Header, 'metadata'>): (typeof VERSIONS)[number] {
  const { format, version, model } = metadata;
  if (format !== FORMAT || model === undefined) {
    fail(
      'format',
      `${file}: this safetensors file holds tensors but no fettle model. Build the model and use loadStateDict().`,
    );
  }
  const known = VERSIONS.find((v) => v === version);
  return (
    known ?? fail('format', `${file}: model format ${version} is not known here, expected ${VERSIONS.join(' or ')}.`)
  );
}

function parse(file: string, { metadata }: Pick<Header, 'metadata'>): Readonly<Record<string, unknown>> {
  let found: unknown;
  try {
    found = JSON.parse(metadata.model as string);
  } catch (error) {
    return fail('format', `${file}: the description of the model is not JSON.`, error);
  }
  if (!isRecord(found) || !isTopology(found.topology)) {
    return fail('format', `${file}: the description of the model lacks its structure.`);
  }
  return found;
}

export function parseFirst(file: string, header: Pick<Header, 'metadata'>): FirstDescription {
  const found = parse(file, header);
  if (!isRecord(found.sparse)) fail('format', `${file}: the description of the model lacks its structure.`);
  return found as unknown as FirstDescription;
}

/** The description in a header, its parts checked one by one; what it says together is for the model to find out. */
export function parseDescription(file: string, header: Pick<Header, 'metadata'>): Description {
  const { topology, about, tensors = {}, shared = {}, pruned = [], clustered = {} } = parse(file, header);
  const isText = (value: unknown): value is string => typeof value === 'string';
  if (!isRecord(tensors)) return fail('format', `${file}: the forms of its tensors are missing.`);
  const forms = Object.entries(tensors).map(([name, form]) => [name, checkForm(`${file}: tensor '${name}'`, form)]);
  if (!isRecord(shared) || !Object.values(shared).every(isText)) {
    return fail('format', `${file}: what tensors share must be names.`);
  }
  if (!Array.isArray(pruned) || !pruned.every(isText)) {
    return fail('format', `${file}: its pruned parameters must be a list of names.`);
  }
  if (!isRecord(clustered) || !Object.values(clustered).every(isText)) {
    return fail('format', `${file}: its clustered parameters must be names and rules.`);
  }
  return {
    topology: topology as Topology,
    about,
    tensors: Object.fromEntries(forms) as Record<string, Form>,
    shared: shared as Record<string, string>,
    pruned,
    clustered: clustered as Record<string, string>,
  };
}
