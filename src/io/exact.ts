import { fail } from '../core/errors.js';

/**
 * JSON that keeps every number: NaN, the infinities and −0, for which JSON has no words, are written {"$number": "NaN"}. A
 * key that begins with $ gets a second one, so that no object of the user's can be taken for a number.
 */
export function toExactJson(value: unknown): string {
  return JSON.stringify(encode(value, 'state', new Set()));
}

function encode(value: unknown, path: string, around: Set<object>): unknown {
  if (value === null || typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number') {
    const plain = Number.isFinite(value) && !Object.is(value, -0);
    return plain ? value : { $number: Object.is(value, -0) ? '-0' : String(value) };
  }
  if (typeof value !== 'object') {
    return fail(
      'argument',
      `${path}: only numbers, texts, booleans, null, arrays and plain objects can be saved, got ${typeof value}.`,
    );
  }
  if (around.has(value)) return fail('argument', `${path}: contains itself.`);
  around.add(value);
  const encoded = encodeObject(value, path, around);
  around.delete(value);
  return encoded;
}

function encodeObject(value: object, path: string, around: Set<object>): unknown {
  if ('toJSON' in value && typeof value.toJSON === 'function') return encode(value.toJSON(), path, around);
  // Array.from also visits holes, which would be lost.
  if (Array.isArray(value)) return Array.from(value, (item: unknown, i) => encode(item, `${path}[${i}]`, around));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const name = value.constructor.name;
    const hint = ArrayBuffer.isView(value) ? 'Use Array.from(), or put it among the tensors.' : 'Give it a toJSON().';
    return fail('argument', `${path}: a ${name} cannot be saved as state. ${hint}`);
  }
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, item]) => item !== undefined)
      .map(([key, item]) => [key.startsWith('$') ? `$${key}` : key, encode(item, `${path}.${key}`, around)]),
  );
}

/** What `toExactJson` wrote. Throws an error of code 'format' for anything else; `what` names it. */
export function fromExactJson(text: string, what: string): unknown {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    return fail('format', `${what}: not JSON: ${cause instanceof Error ? cause.message : String(cause)}.`, cause);
  }
  return decode(json, what);
}

const NUMBERS: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  '-Infinity': Number.NEGATIVE_INFINITY,
  '-0': -0,
};

function decode(json: unknown, what: string): unknown {
  if (Array.isArray(json)) return json.map((item) => decode(item, what));
  if (typeof json !== 'object' || json === null) return json;
  if ('$number' in json) {
    const name = String(json.$number);
    return Object.hasOwn(NUMBERS, name) ? NUMBERS[name] : fail('format', `${what}: ${name} is no number.`);
  }
  return Object.fromEntries(
    Object.entries(json).map(([key, item]) => [key.startsWith('$') ? key.slice(1) : key, decode(item, what)]),
  );
}
