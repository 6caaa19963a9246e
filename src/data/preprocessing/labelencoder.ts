import { fail } from '../../core/errors.js';
import { type Category, categoriesFrom, categoriesOf, keyOf, savedCategories } from './category.js';
import { fieldsOf } from './json.js';

export interface LabelEncoderJSON {
  readonly kind: 'LabelEncoder';
  readonly classes: readonly Category[];
}

/** Numbers the classes of labels from 0 in their order; scikit-learn's LabelEncoder. */
export class LabelEncoder {
  readonly kind = 'LabelEncoder';
  private known: { readonly classes: readonly Category[]; readonly numbers: ReadonlyMap<string, number> } | null = null;

  get fitted(): boolean {
    return this.known !== null;
  }

  /** The classes, by their numbers. */
  get classes(): readonly Category[] {
    return this.state('classes').classes;
  }

  /** Forgets what was fitted and collects the classes of `labels`. */
  fit(labels: Iterable<Category>): this {
    this.known = numbered(categoriesOf('LabelEncoder.fit', labels));
    return this;
  }

  /** Collects the classes of `labels` in addition. Numbers given before may change, since classes stay in order. */
  partialFit(labels: Iterable<Category>): this {
    const before = this.known?.classes ?? [];
    this.known = numbered(categoriesOf('LabelEncoder.partialFit', [...before, ...labels]));
    return this;
  }

  /** The number of each label's class. Throws for a label that was not fitted. */
  transform(labels: Iterable<Category>): Int32Array<ArrayBuffer> {
    const { numbers } = this.state('transform');
    return Int32Array.from(
      labels,
      (label, i) =>
        numbers.get(keyOf(label)) ??
        fail(
          'data',
          `LabelEncoder.transform: label ${i} is ${JSON.stringify(label)}, which was not fitted. Known are ${this.listed()}.`,
        ),
    );
  }

  fitTransform(labels: Iterable<Category>): Int32Array<ArrayBuffer> {
    const all = [...labels];
    return this.fit(all).transform(all);
  }

  /** The classes of numbers. */
  inverseTransform(numbers: Iterable<number>): Category[] {
    const { classes } = this.state('inverseTransform');
    return Array.from(numbers, (n, i) => {
      if (!(Number.isInteger(n) && n >= 0 && n < classes.length)) {
        fail(
          'data',
          `LabelEncoder.inverseTransform: number ${i} is ${n}; the classes have 0 to ${classes.length - 1}.`,
        );
      }
      return classes[n] as Category;
    });
  }

  /** What `fromJSON` restores. */
  toJSON(): LabelEncoderJSON {
    return { kind: 'LabelEncoder', classes: savedCategories(this.classes) };
  }

  static fromJSON(json: unknown): LabelEncoder {
    const encoder = new LabelEncoder();
    encoder.known = numbered(categoriesFrom('LabelEncoder.fromJSON', fieldsOf('LabelEncoder', json).classes));
    return encoder;
  }

  private listed(): string {
    const shown = this.classes.slice(0, 8).map((value) => JSON.stringify(value));
    return shown.join(', ') + (this.classes.length > shown.length ? ', …' : '');
  }

  private state(what: string): NonNullable<typeof this.known> {
    return this.known ?? fail('state', `LabelEncoder.${what}: fit it first, with the labels of the training part.`);
  }
}

function numbered(classes: readonly Category[]): {
  readonly classes: readonly Category[];
  readonly numbers: ReadonlyMap<string, number>;
} {
  return { classes, numbers: new Map(classes.map((value, i) => [keyOf(value), i])) };
}
