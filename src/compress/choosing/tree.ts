import type { Method, Objective } from './methods.js';
import { cheapestWithin, paretoFront } from './pareto.js';
import { type Chain, costOf, idOf, labelOf, type Trial, type Trials } from './trials.js';

/** A branch that was not followed, and why. */
export interface Cut {
  readonly label: string;
  readonly reason: string;
}

export interface TreeOptions {
  readonly methods: readonly Method[];
  readonly objective: Objective;
  readonly maxDrop: number;
  /** How many methods a chain has at most. */
  readonly depth: number;
  /** How many chains of each length are gone on with. */
  readonly beam: number;
  /** Whether the budget is used up. */
  readonly isSpent: () => boolean;
  /** Called before each trial. */
  readonly onTrial: (label: string) => void;
  /** Called after each trial. */
  readonly onDone: (trial: Trial) => void;
}

interface Node {
  readonly chain: Chain;
  readonly trial: Trial;
}

/** The rungs of one method behind one chain, bisected: above the strongest that is good and below the weakest that is not. */
interface Ladder {
  readonly from: Chain;
  readonly method: Method;
  /** Numbers of those rungs; −1 and the length of the ladder where there is none. */
  good: number;
  bad: number;
}

/** What may be lost beyond the budget before a chain is given up: later training may bring it back. */
const MARGIN = 0.5;
/** How often each method of the best chain is tried between its rung and the next. */
const FINE_ROUNDS = 2;

const orderOf = (chain: Chain): number => chain[chain.length - 1]?.method.order ?? Number.NEGATIVE_INFINITY;

/**
 * Searches chains of methods: level by level, each level one method longer. On every level all ladders of strengths are
 * bisected in turns, so that each has been looked at coarsely before any is looked at finely. Then branches are cut that
 * lost too much, that another beats in both, or that stand behind in a full beam. What budget is left goes to strengths
 * between the rungs of the best chain.
 */
export class Tree {
  readonly cuts: Cut[] = [];
  readonly nodes: Node[] = [];
  private readonly cost: (trial: Trial) => number;

  constructor(
    private readonly trials: Trials,
    private readonly options: TreeOptions,
  ) {
    this.cost = costOf(options.objective);
  }

  async grow(): Promise<void> {
    const { depth, methods } = this.options;
    let level: Node[] = [{ chain: [], trial: await this.trials.run([]) }];
    this.nodes.push(...level);
    for (let length = 1; length <= depth && level.length > 0; length++) {
      const ladders = level.flatMap(({ chain }) =>
        methods
          .filter(({ order }) => order > orderOf(chain))
          .map((method): Ladder => ({ from: chain, method, good: -1, bad: method.rungs.length })),
      );
      const found = await this.climb(ladders);
      level = length === depth ? [] : this.select(found);
      this.trials.sweep(new Set([...this.frontIds(), ...level.map(({ trial }) => trial.id)]));
    }
    await this.refine();
    this.trials.sweep(this.frontIds());
  }

  /** Good trials that no other beats in both, from the cheapest on; the original is one of them. */
  front(): Node[] {
    const good = this.nodes.filter(({ trial }) => this.isGood(trial));
    return paretoFront(
      good,
      ({ trial }) => this.cost(trial),
      ({ trial }) => trial.metric,
    );
  }

  /** The cheapest good trial. */
  best(): Node {
    const usable = this.nodes.filter(({ trial }) => trial.error === null);
    const least = -this.options.maxDrop;
    return cheapestWithin(usable, {
      cost: ({ trial }) => this.cost(trial),
      worth: ({ trial }) => -trial.drop,
      least,
    }) as Node;
  }

  private frontIds(): Set<string> {
    return new Set([...this.front(), this.best()].map(({ trial }) => trial.id));
  }

  private isGood({ drop, error }: Trial): boolean {
    return error === null && drop <= this.options.maxDrop + 1e-9;
  }

  /** Tries a chain; null where the budget is used up. What an earlier run has found costs nothing. */
  private async attempt(chain: Chain): Promise<Node | null> {
    const { onTrial, onDone, isSpent } = this.options;
    if (!this.trials.isKnown(chain) && isSpent()) return null;
    onTrial(labelOf(chain));
    const trial = await this.trials.run(chain);
    const node = { chain, trial };
    if (!this.nodes.some((other) => other.trial.id === trial.id)) this.nodes.push(node);
    onDone(trial);
    return node;
  }

  /** Bisects the ladders in turns. */
  private async climb(ladders: Ladder[]): Promise<Node[]> {
    const found: Node[] = [];
    for (;;) {
      const open = ladders.filter(({ good, bad }) => bad - good > 1);
      if (open.length === 0) return found;
      for (const ladder of open) {
        const middle = (ladder.good + ladder.bad) >> 1;
        const rung = ladder.method.rungs[middle] as Method['rungs'][number];
        const node = await this.attempt([...ladder.from, { method: ladder.method, rung }]);
        if (node === null) return found;
        found.push(node);
        if (this.isGood(node.trial)) ladder.good = middle;
        else ladder.bad = middle;
        const near = found.filter(({ trial }) => this.isNear(trial)).map(({ trial }) => trial.id);
        this.trials.sweep(new Set([...this.frontIds(), ...near, ...ladders.map(({ from }) => idOf(from))]));
      }
    }
  }

  private isNear({ drop, error }: Trial): boolean {
    return error === null && drop <= this.options.maxDrop * (1 + MARGIN) + 1e-9;
  }

  /** The chains that are worth a further method. */
  private select(found: readonly Node[]): Node[] {
    const cut = ({ trial }: Node, reason: string): false => {
      this.cuts.push({ label: trial.label, reason });
      return false;
    };
    const near = found.filter((node) => {
      const { trial } = node;
      if (trial.error !== null) return cut(node, trial.error);
      return this.isNear(trial) || cut(node, 'it loses too much for training to bring back');
    });
    const open = near.filter((node) => {
      // One beats another only if whatever can follow the other can follow it, too.
      const better = near.find(
        (other) => other !== node && orderOf(other.chain) <= orderOf(node.chain) && this.beats(other.trial, node.trial),
      );
      return better === undefined || cut(node, `${better.trial.label} costs no more and is as good`);
    });
    const ranked = [...open].sort(
      (a, b) => Number(this.isGood(b.trial)) - Number(this.isGood(a.trial)) || this.cost(a.trial) - this.cost(b.trial),
    );
    // The best of each method first: a later method may suit one that is behind now.
    const lasts = (node: Node): string => node.chain[node.chain.length - 1]?.method.name ?? '';
    const firsts = ranked.filter((node, i) => ranked.findIndex((other) => lasts(other) === lasts(node)) === i);
    const order = [...firsts, ...ranked.filter((node) => !firsts.includes(node))];
    for (const node of order.slice(this.options.beam)) cut(node, 'others of its length are further');
    return order.slice(0, this.options.beam);
  }

  private beats(a: Trial, b: Trial): boolean {
    const [costA, costB] = [this.cost(a), this.cost(b)];
    if (costA > costB || a.metric < b.metric) return false;
    return costA < costB || a.metric > b.metric || a.id < b.id;
  }

  /** Strengths between the rungs of the best chain, method by method, while there is budget. */
  private async refine(): Promise<void> {
    for (let place = 0; place < this.best().chain.length; place++) {
      let { chain } = this.best();
      const { method, rung } = chain[place] as Chain[number];
      let above = method.rungs[method.rungs.findIndex(({ value }) => value === rung.value) + 1];
      for (let round = 0; round < FINE_ROUNDS && method.between !== undefined && above !== undefined; round++) {
        const middle = method.between((chain[place] as Chain[number]).rung, above);
        const finer = chain.map((link, i) => (i === place ? { method, rung: middle } : link));
        const node = await this.attempt(finer);
        if (node === null) return;
        if (this.isGood(node.trial)) chain = finer;
        else above = middle;
        this.trials.sweep(this.frontIds());
      }
    }
  }
}
