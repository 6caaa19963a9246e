/** For each byte k and place p, what k does to the checksum when p more bytes follow it. */
let tables: readonly Uint32Array[] | null = null;

function makeTables(): readonly Uint32Array[] {
  const all = Array.from({ length: 4 }, () => new Uint32Array(256));
  const [first, ...rest] = all as [Uint32Array, ...Uint32Array[]];
  for (let byte = 0; byte < 256; byte++) {
    let c = byte;
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    first[byte] = c;
  }
  rest.forEach((table, p) => {
    const before = all[p] as Uint32Array;
    for (let byte = 0; byte < 256; byte++) {
      const c = before[byte] as number;
      table[byte] = (first[c & 255] as number) ^ (c >>> 8);
    }
  });
  return all;
}

/** The CRC-32 of PNG, gzip and zip (ISO 3309), four bytes at a time (Kounavis and Berry, "slicing-by-4", 2005). */
export function crc32(bytes: Uint8Array): number {
  tables ??= makeTables();
  const [t0, t1, t2, t3] = tables as [Uint32Array, Uint32Array, Uint32Array, Uint32Array];
  let c = -1;
  let at = 0;
  for (const end = bytes.length - 3; at < end; at += 4) {
    c ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    c =
      (t3[c & 255] as number) ^
      (t2[(c >>> 8) & 255] as number) ^
      (t1[(c >>> 16) & 255] as number) ^
      (t0[c >>> 24] as number);
  }
  for (; at < bytes.length; at++) c = (t0[(c ^ (bytes[at] as number)) & 255] as number) ^ (c >>> 8);
  return ~c >>> 0;
}
