/** Commands as text, for a GPU in another process. */

const TYPES = { Uint8Array, Uint32Array } as const;
type Name = keyof typeof TYPES;

interface Packed {
  readonly $type: Name;
  readonly base64: string;
}

const base64Of = (bytes: Uint8Array): string => {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
};

const bytesOf = (base64: string): Uint8Array<ArrayBuffer> => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

/** Numbers in arrays of bytes and of words are kept; memory that is shared is left out. */
export function encode(commands: readonly unknown[]): string {
  return JSON.stringify(commands, (_, value: unknown) => {
    if (value instanceof SharedArrayBuffer) return undefined;
    const name = (Object.keys(TYPES) as Name[]).find((type) => value instanceof TYPES[type]);
    if (name === undefined) return value;
    const { buffer, byteOffset, byteLength } = value as Uint8Array;
    return { $type: name, base64: base64Of(new Uint8Array(buffer, byteOffset, byteLength)) } satisfies Packed;
  });
}

export function decode(text: string): unknown[] {
  return JSON.parse(text, (_, value: Partial<Packed> | null) =>
    typeof value === 'object' && value !== null && value.$type !== undefined
      ? new TYPES[value.$type](bytesOf(value.base64 as string).buffer)
      : value,
  );
}
