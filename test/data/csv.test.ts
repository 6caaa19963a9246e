import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { Generator } from 'fettle';
import { CSVDataset, CsvParser, DataLoader, parseCsv } from 'fettle/data';
import { describe, expect, it } from 'vitest';
import { CsvTableReader } from '../../src/data/csvtable.js';
import { decimal } from '../../src/data/decimal.js';

const fields = (text: string): string[][] => parseCsv(text).map((record) => record.fields);

describe('parseCsv', () => {
  it.each([
    [
      'a,b\n1,2\n',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    [
      'a,b\r\n1,2',
      [
        ['a', 'b'],
        ['1', '2'],
      ],
    ],
    ['a\rb', [['a'], ['b']]],
    ['\ufeffa,b', [['a', 'b']]],
    ['"a,b","c ""d"""', [['a,b', 'c "d"']]],
    [
      '"two\nlines",x\ny,z',
      [
        ['two\nlines', 'x'],
        ['y', 'z'],
      ],
    ],
    [',\n""\n,,', [['', ''], [''], ['', '', '']]],
    ['a,\n', [['a', '']]],
    ['\n\na\n\n', [['a']]],
    ['', []],
    ['x"y,z', [['x"y', 'z']]],
    [' a , b ', [[' a ', ' b ']]],
  ])('reads %j', (text, wanted) => {
    expect(fields(text)).toEqual(wanted);
  });

  it('reads the same however the text is cut', () => {
    const text = 'name,"quo""ted"\r\n"line\r\nbreak",2\r\n\r\nx,"",\n"",y';
    const whole = parseCsv(text);
    expect(whole.map((record) => record.line)).toEqual([1, 2, 5, 6]);
    const random = new Generator(0);
    for (let round = 0; round < 200; round++) {
      const parser = new CsvParser('CSV');
      const records = [];
      for (let at = 0; at < text.length; ) {
        const to = at + 1 + random.below(6);
        records.push(...parser.push(text.slice(at, to)));
        at = to;
      }
      expect([...records, ...parser.end()]).toEqual(whole);
    }
  });

  it('says where quotes go wrong', () => {
    expect(() => parseCsv('a\n"b\nc', 'file.csv')).toThrow('file.csv:2: this quoted field is never closed.');
    expect(() => parseCsv('a\n"b"c,d', 'file.csv')).toThrow('file.csv:2: expected , or the end of the line');
    expect(() => parseCsv('a', 'x', { delimiter: '"' })).toThrow('different single characters');
    expect(parseCsv("'a;b';c", 'x', { delimiter: ';', quote: "'" })[0]?.fields).toEqual(['a;b', 'c']);
  });
});

describe('CSVDataset', () => {
  const iris = 'length,width,colour,kind\n5.1,3.5,red,setosa\n7,,blue,versicolor\n6.3,3.3e0,red,setosa\n';

  it('finds types, numbers names, and keeps what is missing as NaN', () => {
    const dataset = CSVDataset.parse(iris);
    expect(dataset.length).toBe(3);
    expect(dataset.columns).toEqual([
      { name: 'length', type: 'number', categories: [] },
      { name: 'width', type: 'number', categories: [] },
      { name: 'colour', type: 'category', categories: ['blue', 'red'] },
    ]);
    expect(dataset.classes).toEqual(['setosa', 'versicolor']);
    const [x, y] = dataset.getBatch(Int32Array.of(1, 0));
    expect([x.shape, y.dtype]).toEqual([[2, 3], 'int32']);
    expect([...x.dataSync()]).toEqual([7, Number.NaN, 0, Math.fround(5.1), 3.5, 1]);
    expect(y.toArray()).toEqual([1, 0]);
    const [one, kind] = dataset.get(2);
    expect([...one.dataSync()]).toEqual([Math.fround(6.3), Math.fround(3.3), 1]);
    expect([kind.shape, kind.item()]).toEqual([[], 0]);
  });

  it('takes the target, the types and the columns it is told', async () => {
    const dataset = CSVDataset.parse(iris, {
      target: 'length',
      targetType: 'number',
      drop: ['kind'],
      types: { width: 'category' },
    });
    expect(dataset.columns.map((column) => column.name)).toEqual(['width', 'colour']);
    expect(dataset.columns[0]?.categories).toEqual(['3.3e0', '3.5']);
    expect(dataset.classes).toEqual([]);
    const batches: unknown[] = [];
    for await (const [x, y] of new DataLoader(dataset, { batchSize: 3 }))
      batches.push([x.shape, y.dtype, [...y.dataSync()]]);
    expect(batches).toEqual([[[3, 2], 'float32', [5.1, 7, 6.3].map(Math.fround)]]);
    const bare = CSVDataset.parse('150,4\n1,2,10\n3,4,9\n5,6,10\n', { header: false, skip: 1 });
    expect(bare.columns.map((column) => column.name)).toEqual(['0', '1']);
    expect(bare.classes).toEqual(['9', '10']);
    expect(CSVDataset.parse('y,x\n1,2\n', { target: 0 }).columns[0]?.name).toBe('x');
  });

  it('reads again where a column turns out to hold names, whatever the pieces', async () => {
    const rows = Array.from(
      { length: 30_000 },
      (_, i) => `${i / 2},${i < 29_000 ? i : `n${i % 3}`},${i % 4},k${i % 2}`,
    );
    const text = `a,b,c,kind\n${rows.join('\n')}\n`;
    const whole = CSVDataset.parse(text);
    const streamed = await CSVDataset.load(new Blob([text]));
    const zipped = await CSVDataset.load(new Uint8Array(gzipSync(text)));
    expect(whole.columns.map(({ type }) => type)).toEqual(['number', 'category', 'number']);
    expect(whole.columns[1]?.categories).toHaveLength(29_003);
    for (const other of [streamed, zipped]) {
      expect(other.columns).toEqual(whole.columns);
      expect(other.features).toEqual(whole.features);
      expect(other.targets).toEqual(whole.targets);
    }
  });

  it('is read from a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fettle-csv-'));
    try {
      await writeFile(join(folder, 'iris.csv'), `\ufeff${iris}`);
      expect((await CSVDataset.load(join(folder, 'iris.csv'))).length).toBe(3);
      await expect(CSVDataset.load(join(folder, 'none.csv'))).rejects.toThrow('there is no such file');
      await expect(CSVDataset.load(Uint8Array.of(0xff, 0xfe, 0x41))).rejects.toThrow('bytes: not UTF-8 text');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    ['', {}, 'holds no records'],
    ['a,b\n', {}, 'holds no records'],
    ['a,b\n1,2\n1,2,3\n', {}, 'CSV:3: expected 2 fields, got 3'],
    ['a,a\n1,2\n', {}, "two columns are called 'a'"],
    ['a,b\n1,2\nx,3\n', { types: { a: 'number' } }, "CSV:3: column 'a' must hold numbers, got 'x'"],
    ['a,b\n1,2\n1,\n', {}, "CSV:3: the target 'b' is missing"],
    ['a,b\n1,2\n', { target: 'c' }, "no column 'c'. There are a, b"],
    ['a,b\n1,2\n', { target: 2 }, 'none of the 2 columns'],
    ['a,b\n1,2\n', { drop: ['z'] }, "no column 'z'"],
    ['a,b\n1,x\n', { targetType: 'number' }, "column 'b' must hold numbers"],
  ] as const)('says what is wrong with %j', (text, options, message) => {
    expect(() => CSVDataset.parse(text, options)).toThrow(message);
  });
});

describe('lines without quotes, which are read where they stand', () => {
  const word = fc.constantFrom(
    '',
    '0',
    '-0',
    '+7',
    '.5',
    '5.',
    '1e3',
    '-2.5E-3',
    ' 4 ',
    '123456789012345678',
    '0.1',
    '99999.99999',
    'NA',
    '1_0',
    'red',
    '1.2.3',
    '--1',
  );
  const ends = fc.constantFrom('\n', '\r\n', '\n\n', '\r');

  it('are what the parser of quoted fields makes of them, however the text is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(word, word, fc.constantFrom('a', 'b'), ends), { minLength: 1, maxLength: 12 }),
        fc.array(fc.nat(40), { maxLength: 6 }),
        (rows, cuts) => {
          const plain = `x,y,t\n${rows.map(([x, y, t, end]) => `${x},${y},${t}${end}`).join('')}`;
          const quoted = `"x","y","t"\n${rows.map(([x, y, t, end]) => `"${x}","${y}","${t}"${end}`).join('')}`;
          const wanted = CSVDataset.parse(quoted);
          const categories = new Set<string>();
          for (;;) {
            const reader = new CsvTableReader('CSV', {}, categories);
            let at = 0;
            for (const cut of [...cuts, plain.length]) {
              reader.push(plain.slice(at, at + cut));
              at += cut;
            }
            const table = reader.end();
            if (table === null) continue;
            expect(table.columns).toEqual(wanted.columns);
            expect(table.features).toEqual(wanted.features);
            expect([...table.targets]).toEqual([...wanted.targets]);
            return;
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('say the line of what is wrong with them', () => {
    const options = { types: { x: 'number' } } as const;
    expect(() => CSVDataset.parse('x,t\n1,a\n\n2,b\nred,a\n', options)).toThrow(
      "CSV:5: column 'x' must hold numbers, got 'red'",
    );
    expect(() => CSVDataset.parse('x,t\r\n1,a\r\n2,b,c\r\n')).toThrow('CSV:3: expected 2 fields, got 3');
    expect(() => CSVDataset.parse('x,t\n1,a\n2\n')).toThrow('CSV:3: expected 2 fields, got 1');
    expect(() => CSVDataset.parse('x,t\n1,a\n"2",b\n3,\n')).toThrow("CSV:4: the target 't' is missing");
  });

  it('keep numbers that mean a missing value', () => {
    const { features } = CSVDataset.parse('x,t\n-999,a\n1,b\n', { missing: ['-999'] });
    expect([...features]).toEqual([Number.NaN, 1]);
  });
});

describe('decimal', () => {
  it('is Number() where it answers', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.nat(12), (x, places) => {
        for (const text of [String(x), x.toFixed(places), String(Math.fround(x))]) {
          const found = decimal(`,${text};`, 1, 1 + text.length);
          if (!Number.isNaN(found)) expect(found).toBe(Number(text));
        }
      }),
    );
    for (const [text, wanted] of [
      ['12.5', 12.5],
      ['-0', -0],
      ['+3', 3],
      ['.25', 0.25],
      ['7.', 7],
      ['0.000000000000001', Number.NaN],
      ['123456789012345', 123456789012345],
    ] as const) {
      expect(decimal(text, 0, text.length)).toBe(wanted);
    }
    for (const text of ['', '.', '-', '1e5', ' 1', '1 ', '0x1', '1.2.3', '٣']) {
      expect(decimal(text, 0, text.length)).toBeNaN();
    }
  });
});
