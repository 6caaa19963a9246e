/** Rows of the byte-wise computation, for the polynomial of IEEE 802.3, its bits reversed. */
const ROWS = /* @__PURE__ */ Uint32Array.from({ length: 256 }, (_, byte) => {
  let row = byte;
  for (let bit = 0; bit < 8; bit++) row = row & 1 ? (row >>> 1) ^ 0xedb88320 : row >>> 1;
  return row;
});

/**
 * The CRC-32 of `bytes`, as zip, PNG and Ethernet have it; `before` is that of what precedes them. It finds every damage
 * within 32 bits, and of others all but one in 2³². It does not tell whether somebody meant it.
 */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  for (let i = 0; i < bytes.length; i++) {
    crc = (crc >>> 8) ^ (ROWS[(crc ^ (bytes[i] as number)) & 255] as number);
  }
  return ~crc >>> 0;
}
