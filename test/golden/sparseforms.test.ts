import { readFileSync } from 'node:fs';
import { scope, sparse, type Tensor, tensor } from 'fettle';
import { EmbeddingBag } from 'fettle/nn';
import { Adagrad, type Optimizer, SGD, SparseAdam } from 'fettle/optim';
import { describe, expect, test } from 'vitest';

/** Forms and slices of sparse matrices against SciPy's, optimizers on gradients by rows against PyTorch's: sparseforms.py. */

interface Compressed {
  readonly heads: number[];
  readonly places: number[];
  readonly values: number[];
}

interface Form {
  readonly shape: readonly [number, number];
  readonly block: readonly [number, number];
  readonly indices: number[][];
  readonly values: number[];
  readonly csr: Compressed;
  readonly csc: Compressed;
  readonly bsr: Compressed;
  readonly rows: number[];
  readonly rowsOf: Compressed;
  readonly columns: number[];
  readonly columnsOf: Compressed;
  readonly left: number[];
  readonly product: number[];
}

interface Training {
  readonly kind: 'SGD' | 'Adagrad' | 'SparseAdam';
  readonly options: Record<string, number | number[]>;
  readonly begin: number[];
  readonly batches: { readonly index: number[][]; readonly weights: number[][] }[];
  readonly tables: number[][];
}

const { forms, training } = JSON.parse(readFileSync(new URL('sparseforms.json', import.meta.url), 'utf8')) as {
  forms: Form[];
  training: Training[];
};

const plain = (s: sparse.SparseTensor): Compressed => ({
  heads: [...(s.format === 'csc' ? s.ccolIndices : s.crowIndices)],
  places: [...(s.format === 'csc' ? s.rowIndices : s.colIndices)],
  values: [...s.values.dataSync()],
});

describe.each(forms)('$shape, $values.length values', (golden) => {
  const { shape, block, indices, values } = golden;
  const coo = (): sparse.SparseTensor => sparse.coo(indices, tensor(Float32Array.from(values)), shape);

  test('forms', () => {
    expect(plain(coo().to('csr'))).toEqual(golden.csr);
    expect(plain(coo().to('csc'))).toEqual(golden.csc);
    expect(plain(coo().to('bsr', block))).toEqual(golden.bsr);
    const back = coo().to('bsr', block).to('csc').to('coo').toDense();
    expect([...back.dataSync()]).toEqual([...coo().toDense().dataSync()]);
    const sorted = coo().coalesce();
    expect([...sorted.indices[1]]).toEqual(golden.csr.places);
    expect([...sorted.values.dataSync()]).toEqual(golden.csr.values);
  });

  test('rows and columns', () => {
    for (const form of [coo(), coo().to('csr')]) {
      expect(plain(form.indexSelect(0, golden.rows).to('csr'))).toEqual(golden.rowsOf);
      expect(plain(form.indexSelect(1, golden.columns).to('csc'))).toEqual(golden.columnsOf);
    }
    expect(plain(coo().to('csc').indexSelect(1, golden.columns))).toEqual(golden.columnsOf);
    const all = coo().to('csr').narrow(0, 0, shape[0]);
    expect(plain(all)).toEqual(golden.csr);
  });

  test('dense × sparse', () => {
    const left = tensor(Float32Array.from(golden.left), [3, shape[0]]);
    for (const form of [coo(), coo().to('csr'), coo().to('csc'), coo().to('bsr', block)]) {
      const product = Array.from(sparse.matmul(left, form).dataSync(), (x) => x + 0);
      expect(product).toEqual(golden.product.map((x) => x + 0));
    }
  });
});

/** PyTorch's names of options in camelCase. */
const camel = (options: Training['options']): object =>
  Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key.replace(/_(.)/g, (_, letter: string) => letter.toUpperCase()),
      value,
    ]),
  );

const KINDS = { SGD, Adagrad, SparseAdam } as const;

describe.each(training)('$kind $options', ({ kind, options, begin, batches, tables }) => {
  const run = (sparseGradient: boolean): void => {
    const bag = new EmbeddingBag(12, 3, { mode: 'sum', sparse: sparseGradient });
    bag.loadStateDict({ weight: tensor(Float32Array.from(begin), [12, 3]) });
    const optimizer: Optimizer = new (KINDS[kind] as new (p: Iterable<Tensor>, o: object) => Optimizer)(
      bag.parameters(),
      camel(options),
    );
    batches.forEach(({ index, weights }, step) => {
      scope(() => {
        optimizer.zeroGrad();
        const y = bag.forward(tensor(index, { dtype: 'int32' }), { perSampleWeights: tensor(weights) });
        y.mul(y).sum().backward();
        expect(bag.weight.rowGrad !== null).toBe(sparseGradient);
        optimizer.step();
        const table = bag.weight.dataSync();
        (tables[step] as number[]).forEach((wanted, i) => {
          expect(Math.abs((table[i] as number) - wanted)).toBeLessThan(2e-6 * (1 + Math.abs(wanted)));
        });
      });
    });
    optimizer.dispose();
    bag.dispose();
  };

  test('by rows', () => run(true));
  if (kind !== 'SparseAdam') test('the same as with the whole gradient', () => run(false));
});
