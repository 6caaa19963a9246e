import { readFileSync } from 'node:fs';
import { inflateSync } from 'node:zlib';
import fc from 'fast-check';
import { FettleError, tensor } from 'fettle';
import { type DecodedImage, decodeImage, encodePng, type ImageMode, readImage } from 'fettle/data';
import { describe, expect, it } from 'vitest';
import { errorOf } from '../support/errors.js';

interface Golden {
  readonly cases: readonly {
    readonly name: string;
    readonly file: string;
    readonly modes: Readonly<Record<string, { shape: number[]; wide: boolean; data: string }>>;
  }[];
  readonly refused: Readonly<Record<string, string>>;
}

/** Files and what PIL makes of them (test/data/golden/images.py). */
const golden = JSON.parse(readFileSync(new URL('golden/images.json', import.meta.url), 'utf8')) as Golden;

const bytesOf = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, 'base64'));

function fileOf(name: string): Uint8Array<ArrayBuffer> {
  const found = golden.cases.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no golden ${name}`);
  return bytesOf(found.file);
}

const messageOf = async (source: Uint8Array, name = 'x'): Promise<string> => {
  const error = await errorOf(decodeImage(new File([source as BlobPart], name)));
  expect(error.code).toBe('data');
  return error.message;
};

/**
 * What two correct decoders may differ by, in levels; everything else is equal. Four components are decoded by a library whose
 * inverse transform rounds in another way; colours of half the rows are enlarged without smoothing, where PIL's smooths them.
 */
const TOLERANCES = [
  ['cmyk jpeg as ycck', 2],
  ['cmyk', 1],
  ['jpeg 4:4:0', 2],
] as const;

describe('decodeImage', () => {
  it.each(golden.cases)('decodes $name as PIL', async ({ name, file, modes }) => {
    const tolerance = TOLERANCES.find(([kind]) => name.startsWith(kind))?.[1] ?? 0;
    for (const [mode, want] of Object.entries(modes)) {
      const { data, shape } = await decodeImage(bytesOf(file), { mode: mode as ImageMode });
      expect([mode, ...shape]).toEqual([mode, ...want.shape]);
      expect(data instanceof Uint16Array).toBe(want.wide);
      const bytes = new Uint8Array(inflateSync(Buffer.from(want.data, 'base64')));
      const expected = want.wide ? new Uint16Array(bytes.buffer) : bytes;
      expect(data.length).toBe(expected.length);
      let worst = 0;
      for (const [i, value] of expected.entries()) worst = Math.max(worst, Math.abs(value - (data[i] as number)));
      expect(worst, mode).toBeLessThanOrEqual(tolerance);
    }
  });

  it('gives three channels alike for grey, one for brightness, opacity where it is asked for', async () => {
    const file = fileOf('png gray 8 bit');
    const gray = await decodeImage(file, { mode: 'gray' });
    const rgba = await decodeImage(file, { mode: 'rgba' });
    const size = gray.data.length;
    for (let channel = 0; channel < 3; channel++) {
      expect([...rgba.data.subarray(channel * size, (channel + 1) * size)]).toEqual([...gray.data]);
    }
    expect(rgba.data.subarray(3 * size).every((value) => value === 255)).toBe(true);
    expect((await decodeImage(file, { mode: 'unchanged' })).shape[0]).toBe(1);
  });

  it('leaves a picture as it is stored when asked to', async () => {
    const file = fileOf('jpeg orientation 6');
    expect((await decodeImage(file)).shape).toEqual([3, 11, 7]);
    const stored = await decodeImage(file, { applyOrientation: false });
    expect(stored).toEqual(await decodeImage(fileOf('jpeg orientation 1')));
  });

  it('takes bytes anywhere in a buffer, shared ones too, and Blobs', async () => {
    const file = fileOf('png in many chunks');
    const want = await decodeImage(file);
    const shifted = new Uint8Array(file.length + 5);
    shifted.set(file, 3);
    const shared = new Uint8Array(new SharedArrayBuffer(file.length));
    shared.set(file);
    for (const source of [shifted.subarray(3, -2), shared, new Blob([file]), file.buffer]) {
      expect(await decodeImage(source)).toEqual(want);
    }
    // What is handed in is not written to.
    expect([...file]).toEqual([...fileOf('png in many chunks')]);
  });

  it('ignores what follows the end', async () => {
    for (const name of ['png rgb 8 bit', 'jpeg 4:2:0']) {
      const file = fileOf(name);
      expect(await decodeImage(Buffer.concat([file, Buffer.from('and more')]))).toEqual(await decodeImage(file));
    }
  });

  it('decodes many at a time', async () => {
    const names = ['jpeg 4:2:0', 'jpeg gray', 'png rgb 8 bit', 'jpeg 4:4:4 progressive', 'cmyk jpeg'];
    const alone: DecodedImage[] = [];
    for (const name of names) alone.push(await decodeImage(fileOf(name)));
    const together = await Promise.all([...names, ...names].map((name) => decodeImage(fileOf(name))));
    expect(together).toEqual([...alone, ...alone]);
  });
});

describe('readImage', () => {
  it('gives a uint8 tensor, int32 for 16 bits', async () => {
    const image = await readImage(fileOf('jpeg 4:2:0'));
    expect([image.dtype, ...image.shape]).toEqual(['uint8', 3, 31, 37]);
    const { data } = await decodeImage(fileOf('jpeg 4:2:0'));
    expect([...image.dataSync()]).toEqual([...data]);
    const wide = await readImage(fileOf('png gray 16 bit'), { mode: 'unchanged' });
    expect([wide.dtype, ...wide.shape]).toEqual(['int32', 1, 11, 13]);
    image.dispose();
    wide.dispose();
  });
});

describe('encodePng', () => {
  it('writes what decodes to the same, smaller than the pixels', async () => {
    for (const [name, mode] of [
      ['jpeg 4:2:0', 'rgb'],
      ['png rgba 8 bit', 'rgba'],
      ['png gray+alpha 8 bit', 'unchanged'],
      ['jpeg gray', 'gray'],
    ] as const) {
      const image = await decodeImage(fileOf(name), { mode });
      const bytes = await encodePng(image);
      expect(await decodeImage(bytes, { mode: 'unchanged' })).toEqual(image);
      if (name.startsWith('jpeg')) expect(bytes.length).toBeLessThan(image.data.length);
    }
  });

  it('takes tensors, bytes or brightness', async () => {
    const levels = async (image: Parameters<typeof encodePng>[0]): Promise<number[]> => [
      ...(await decodeImage(await encodePng(image), { mode: 'gray' })).data,
    ];
    expect(await levels(tensor(Uint8Array.of(0, 7, 255, 128), [2, 2]))).toEqual([0, 7, 255, 128]);
    expect(await levels(tensor([[[-1, 0, 0.5, 1, 2]]]))).toEqual([0, 0, 128, 255, 255]);
    expect(await levels(tensor([[1, 2, 3]], { dtype: 'uint8' }).transpose(0, 1))).toEqual([1, 2, 3]);
    expect((await errorOf(encodePng(tensor([[Number.NaN]])))).message).toBe('encodePng: element 0 is NaN.');
    expect((await errorOf(encodePng(tensor([1, 2])))).message).toMatch(/expected an image \[C, H, W\].*got \[2\]/);
    expect((await errorOf(encodePng(tensor(Int32Array.of(1), [1, 1])))).code).toBe('dtype');
  });
});

/** A PNG's chunk with a right checksum. */
function chunk(type: string, content: Uint8Array | Buffer | number[]): Buffer {
  const body = Buffer.concat([Buffer.from(type), Buffer.from(content as Uint8Array)]);
  const head = Buffer.alloc(4);
  head.writeUInt32BE(body.length - 4);
  let crc = -1;
  for (const byte of body) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  const tail = Buffer.alloc(4);
  tail.writeUInt32BE(~crc >>> 0);
  return Buffer.concat([head, body, tail]);
}

/** The first chunk of a PNG. */
function header(width: number, height: number, rest: number[] = [8, 2, 0, 0, 0]): Buffer {
  const content = Buffer.alloc(13);
  content.writeUInt32BE(width);
  content.writeUInt32BE(height, 4);
  content.set(rest, 8);
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk('IHDR', content)]);
}

describe('a broken PNG', () => {
  const whole = fileOf('png palette 4 bit');

  it('is refused wherever it is cut off', async () => {
    for (let length = 0; length < whole.length; length++) {
      const message = await messageOf(whole.subarray(0, length), 'cut.png');
      expect(message).toContain('cut.png');
    }
    expect(await messageOf(whole.subarray(0, 60))).toContain('cut short: chunk PLTE at byte 33');
  });

  it.each([
    ['a size of zero', header(0, 5), '0 × 5 pixels'],
    ['a size beyond the format', header(2 ** 32 - 1, 5), '4294967295 × 5 pixels'],
    ['a huge size', header(65535, 65535), 'at most 178956970 are read'],
    ['an unknown kind', header(5, 5, [8, 5, 0, 0, 0]), 'no colour type 5 with 8 bits'],
    ['an odd depth', header(5, 5, [4, 2, 0, 0, 0]), 'no colour type 2 with 4 bits'],
    ['an unknown interlace', header(5, 5, [8, 2, 0, 0, 7]), 'interlace method 7'],
    ['no data', Buffer.concat([header(5, 5), chunk('IEND', [])]), 'no image data'],
    [
      'more than its data can hold',
      Buffer.concat([header(9999, 9999), chunk('IDAT', [1, 2, 3]), chunk('IEND', [])]),
      '9999 × 9999 pixels, which 3 bytes of data cannot hold',
    ],
    [
      'data that are none',
      Buffer.concat([header(1, 1), chunk('IDAT', [1, 2, 3, 4]), chunk('IEND', [])]),
      'damaged or cut short',
    ],
    [
      'no palette',
      Buffer.concat([header(1, 1, [8, 3, 0, 0, 0]), chunk('IDAT', [1]), chunk('IEND', [])]),
      'its palette (chunk PLTE) must have 1 … 256 colours',
    ],
    ['an unknown chunk that is needed', Buffer.concat([header(5, 5), chunk('ABcD', [])]), 'chunk ABcD at byte 33'],
    [
      'another first chunk',
      Buffer.concat([whole.subarray(0, 8), chunk('IDAT', new Uint8Array(13))]),
      'first chunk is IHDR',
    ],
  ])('with %s is refused', async (_what, file, message) => {
    expect(await messageOf(file)).toContain(message);
  });

  it('of fewer, or more, rows than its size says is refused', async () => {
    const { deflateSync } = await import('node:zlib');
    const file = (rows: number): Buffer =>
      Buffer.concat([header(3, 4), chunk('IDAT', deflateSync(Buffer.alloc(10 * rows))), chunk('IEND', [])]);
    expect((await decodeImage(file(4))).shape).toEqual([3, 4, 3]);
    expect(await messageOf(file(3))).toContain('cut short: 40 bytes expected, 30 found');
    expect(await messageOf(file(5))).toContain('40 bytes are promised, but more than that follow');
    // A bomb of 40 MB in 40 kB is not unpacked.
    expect(await messageOf(file(4_000_000))).toContain('40 bytes are promised');
  });

  it('with a wrong checksum, filter or colour says where', async () => {
    const wrong = whole.slice();
    wrong[50] = (wrong[50] as number) ^ 1;
    expect(await messageOf(wrong)).toContain('chunk PLTE at byte 33 has CRC');
    const { deflateSync } = await import('node:zlib');
    const rows = (bytes: number[], rest: number[]): Buffer =>
      Buffer.concat([
        header(2, 2, rest),
        chunk('PLTE', [1, 2, 3]),
        chunk('IDAT', deflateSync(Buffer.from(bytes))),
        chunk('IEND', []),
      ]);
    expect(await messageOf(rows([0, 0, 0, 9, 0, 0], [8, 0, 0, 0, 0]))).toContain('row 1 names filter 9');
    expect(await messageOf(rows([0, 0, 0, 0, 0, 7], [8, 3, 0, 0, 0]))).toContain('row 1, column 1 has colour 7');
  });
});

/** A frame header for a baseline JPEG, and what surrounds it. */
const frame = (height: number, width: number, marker = 0xc0, precision = 8, components = 1): number[] => [
  ...[0xff, 0xd8, 0xff, marker, 0, 8 + 3 * components, precision, height >> 8, height & 255, width >> 8, width & 255],
  components,
  ...new Array<number>(3 * components).fill(0x11),
];
const scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0, 1, 2, 3, 0xff, 0xd9];

describe('a broken JPEG', () => {
  it.each(['jpeg 4:2:0', 'jpeg gray progressive', 'cmyk jpeg', 'jpeg with restarts by block'])(
    '(%s) is refused wherever it is cut off',
    async (name) => {
      const whole = fileOf(name);
      for (let length = 0; length < whole.length; length++) {
        expect(await messageOf(whole.subarray(0, length), 'cut.jpg')).toContain('cut.jpg');
      }
      expect(await messageOf(whole.subarray(0, -1))).toContain(`cut short at byte ${whole.length - 1}`);
    },
  );

  it.each([
    ['a huge size', frame(65535, 65535), '65535 × 65535 pixels, and at most 178956970 are read'],
    ['ten bytes that claim a huge size', frame(65535, 65535).slice(0, 10), 'cut short'],
    ['more than its data can hold', [...frame(9000, 9000), ...scan], 'which 3 bytes of data cannot hold'],
    ['a width of zero', frame(5, 0), '0 × 5 pixels'],
    ['a height of zero', frame(0, 5), '5 × 0 pixels'],
    ['12 bits', frame(5, 5, 0xc1, 12), '12 bits a sample'],
    ['two components', frame(5, 5, 0xc0, 8, 2), '2 components'],
    ['a lossless frame', frame(5, 5, 0xc3), 'lossless JPEG (byte 2) cannot be read'],
    ['a hierarchical frame', frame(5, 5, 0xc5), 'hierarchical JPEG'],
    ['two frames', [...frame(5, 5), ...frame(5, 5).slice(2)], 'a second frame header at byte 15'],
    ['a scan before the frame', [0xff, 0xd8, ...scan], 'without a frame header'],
    ['no picture', [...frame(5, 5), 0xff, 0xd9], 'no picture in it'],
    ['no marker where one is due', [...frame(5, 5), 1, 2], 'no marker at byte 15'],
    ['a segment of no length', [0xff, 0xd8, 0xff, 0xe0, 0, 1, 0xff, 0xd9], 'the segment at byte 2 has a length of 1'],
    ['a scan that names no tables', [...frame(5, 5), ...scan], 'damaged: '],
    ['scans without end', [...frame(5, 5), ...new Array(501).fill(scan.slice(0, -2)).flat()], 'more than 500 scans'],
  ])('with %s is refused', async (_what, file, message) => {
    expect(await messageOf(Uint8Array.from(file))).toContain(message);
  });

  it.each(Object.entries(golden.refused))('that is %s is refused', async (what, file) => {
    expect(await messageOf(bytesOf(file))).toContain(`${what} JPEG`);
  });

  it('leaves the decoder whole for those that follow', async () => {
    const good = fileOf('jpeg 4:2:0');
    const want = await decodeImage(good);
    for (let k = 0; k < 3; k++) {
      await errorOf(decodeImage(Uint8Array.from([...frame(5, 5), ...scan])));
      expect(await decodeImage(good)).toEqual(want);
    }
  });
});

describe('what is no image', () => {
  it.each([
    ['nothing', '', 'x: the file is empty'],
    ['text', 'hello, world', 'neither a PNG nor a JPEG: it begins with 68 65 6c 6c 6f 2c 20 77'],
    ['a GIF', 'GIF89a', 'of kind GIF; PNG and JPEG can be read'],
    ['a WebP', 'RIFF\0\0\0\0WEBPVP8 ', 'of kind WebP'],
    ['a BMP', 'BM1234', 'of kind BMP'],
    ['an AVIF', '\0\0\0 ftypavif', 'of kind AVIF'],
    ['a photograph of a telephone', '\0\0\0 ftypheic', 'of kind HEIF'],
  ])('%s is named', async (_what, text, message) => {
    expect(await messageOf(Buffer.from(text, 'latin1'))).toContain(message);
  });

  it('options are checked', async () => {
    const error = await errorOf(decodeImage(new Uint8Array(0), { mode: 'RGB' as ImageMode }));
    expect([error.code, error.message]).toEqual(['argument', expect.stringContaining("got 'RGB'")]);
    const refused = await errorOf(decodeImage(fileOf('jpeg 4:2:0'), { maxPixels: 1000 }));
    expect(refused.message).toContain('37 × 31 pixels, and at most 1000 are read');
    expect((await errorOf(readImage('/nowhere/a.png'))).message).toContain('/nowhere/a.png');
  });

  it.each([
    'png palette 4 bit',
    'png rgb 8 bit interlaced',
    'jpeg 4:2:0',
    'jpeg 4:2:2 progressive',
    'cmyk jpeg',
    'jpeg orientation 5',
  ])('damage to %s gives an image or an error', async (name) => {
    const whole = fileOf(name);
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const bytes = whole.slice();
        for (const [at, value] of changes) bytes[at] = value;
        try {
          const { data, shape } = await decodeImage(bytes);
          expect(data.length).toBe(shape[0] * shape[1] * shape[2]);
        } catch (error) {
          expect(error).toBeInstanceOf(FettleError);
          expect((error as FettleError).code).toBe('data');
        }
      }),
      { numRuns: 300 },
    );
  });
});
