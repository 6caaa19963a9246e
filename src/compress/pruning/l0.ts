import { noGrad } from '../../autograd/index.js';
import * as elementary from '../../core/elementary.js';
import { fail } from '../../core/errors.js';
import { defaultGenerator, type Generator } from '../../core/random.js';
import { scope } from '../../core/scoping.js';
import { Conv1d, Conv2d, Conv3d, type HookHandle, Linear, Module, Parameter, ParameterList } from '../../nn/index.js';
import { open01 } from '../../ops/distributions.js';
import { add, clamp, copy_, log, mul, randn, reshape, sigmoid, sub, sum } from '../../ops/index.js';
import type { Tensor } from '../../tensor.js';
import { setMask } from './mask.js';
import { type Held, substitute, weightsHeld } from './substitute.js';

export interface L0Options {
  /** What a gate opens: one weight, or a row of weights with its bias (a neuron, a filter). Default 'weight'. */
  readonly granularity?: 'weight' | 'unit';
  /** Share of gates that are closed at first, about. Default 0.5. */
  readonly dropRate?: number;
  /** How soft the gates are: towards 0 they become coins. Default 2/3. */
  readonly temperature?: number;
  /** The interval over which the soft gates are stretched before they are cut to [0, 1]. Default [−0.1, 1.1]. */
  readonly stretch?: readonly [from: number, to: number];
  /** Layers without gates, by name. */
  readonly except?: readonly string[];
  readonly generator?: Generator;
}

/** The gates of one weight, which may stand in several layers. */
interface Gated {
  readonly parameter: Parameter;
  readonly logAlpha: Parameter;
  readonly held: Held[];
  readonly bias: Parameter | null;
  /** Weights behind each gate. */
  readonly size: number;
}

/**
 * Gates before weights that learn whether to open, so that a loss can pay for each weight that is not 0 (C. Louizos, M. Welling,
 * D. Kingma 2018, "Learning sparse neural networks through L0 regularization"). A gate is a hard-concrete variable: with u
 * uniform in (0, 1), s = σ((ln u − ln(1 − u) + ln α) / β), stretched to [γ, ζ] and cut to [0, 1], so that 0 and 1 have
 * probabilities of their own. In training gates are drawn anew at each forward; in evaluation they are σ(ln α) stretched and cut.
 *
 * Train `[...model.parameters(), ...gates.parameters()]` on `loss + λ · gates.penalty()`; the weights keep their names. In the
 * end `harden()` turns closed gates into masks and takes the gates away.
 *
 * @example
 * const model = new nn.Sequential(new nn.Linear(4, 8), new nn.ReLU(), new nn.Linear(8, 2));
 * const gates = new compress.L0Gates(model, { granularity: 'unit' });
 * const loss = model.forward(randn([3, 4])).square().mean().add(gates.penalty().mul(1e-3));
 * loss.backward();
 * gates.harden();
 */
export class L0Gates extends Module {
  /** ln α of each gate, for the optimizer. */
  readonly logAlpha: ParameterList;
  readonly temperature: number;
  readonly stretch: readonly [number, number];
  private readonly gated = new Map<Parameter, Gated>();
  private handles: HookHandle[] = [];
  private readonly generator: Generator;

  constructor(model: Module, options: L0Options = {}) {
    super();
    const { granularity = 'weight', dropRate = 0.5, temperature = 2 / 3, stretch = [-0.1, 1.1], except = [] } = options;
    if (granularity !== 'weight' && granularity !== 'unit') {
      fail('argument', `L0Gates: granularity must be 'weight' or 'unit', got '${String(granularity)}'.`);
    }
    if (!(dropRate > 0 && dropRate < 1)) fail('argument', `L0Gates: dropRate must be in (0, 1), got ${dropRate}.`);
    if (!(temperature > 0)) fail('argument', `L0Gates: temperature must be above 0, got ${temperature}.`);
    if (!(stretch[0] < 0 && stretch[1] > 1)) {
      fail('argument', `L0Gates: stretch must begin below 0 and end above 1, got [${stretch.join(', ')}].`);
    }
    this.temperature = temperature;
    this.stretch = stretch;
    this.generator = options.generator ?? defaultGenerator;
    const held = weightsHeld(model, except);
    if (held.length === 0) fail('argument', 'L0Gates: the model has no layer with a weight of two or more dimensions.');
    for (const one of held) {
      const known = this.gated.get(one.parameter);
      if (known !== undefined) known.held.push(one);
      else
        this.gated.set(
          one.parameter,
          this.gate(one, granularity === 'unit', elementary.log((1 - dropRate) / dropRate)),
        );
    }
    this.logAlpha = new ParameterList([...this.gated.values()].map(({ logAlpha }) => logAlpha));
    for (const gated of this.gated.values()) this.attach(gated);
  }

  private gate(held: Held, byUnit: boolean, mean: number): Gated {
    const { parameter, module } = held;
    const { shape } = parameter;
    if (byUnit && ![Linear, Conv1d, Conv2d, Conv3d].some((type) => module instanceof type)) {
      fail(
        'unsupported',
        `L0Gates: ${module.constructor.name} '${held.name}' has no rows that are units. Leave it out with except.`,
      );
    }
    const gateShape = byUnit ? shape.map((size, d) => (d === 0 ? size : 1)) : shape;
    const logAlpha = scope(
      () => new Parameter(noGrad(() => add(mul(randn(gateShape, { generator: this.generator }), 0.01), mean))),
    );
    const { bias } = module as { bias?: unknown };
    const ownBias = byUnit && bias instanceof Parameter ? bias : null;
    return { parameter, logAlpha, held: [held], bias: ownBias, size: parameter.numel() / logAlpha.numel() };
  }

  private attach({ logAlpha, held, bias }: Gated): void {
    for (const { module, property } of held) {
      // The bias of a unit goes with its weights, through the same gate.
      let open: Tensor;
      this.handles.push(
        substitute(module, property, (weight) => {
          open = module.training ? this.draw(logAlpha) : this.settled(logAlpha);
          return mul(weight, open);
        }),
      );
      if (bias !== null) this.handles.push(substitute(module, 'bias', (b) => mul(b, reshape(open, b.shape))));
    }
  }

  /** A gate without chance: what evaluation computes with. */
  private settled(logAlpha: Tensor): Tensor {
    return this.cut(sigmoid(logAlpha));
  }

  /** A gate as it is drawn in training. */
  private draw(logAlpha: Tensor): Tensor {
    const u = open01(logAlpha.shape, this.generator);
    const noise = sub(log(u), log(sub(1, u)));
    return this.cut(sigmoid(mul(add(noise, logAlpha), 1 / this.temperature)));
  }

  private cut(s: Tensor): Tensor {
    const [from, to] = this.stretch;
    return clamp(add(mul(s, to - from), from), 0, 1);
  }

  /** How many weights are expected not to be 0: the sum of P(gate > 0) = σ(ln α − β ln(−γ / ζ)), times the weights behind each. */
  penalty(): Tensor {
    const [from, to] = this.stretch;
    const shift = this.temperature * elementary.log(-from / to);
    return [...this.gated.values()]
      .map(({ logAlpha, size }) => mul(sum(sigmoid(sub(logAlpha, shift))), size))
      .reduce((a, b) => add(a, b));
  }

  /** Gates have no input of their own: the model's layers ask them. */
  forward(): never {
    return fail('unsupported', 'L0Gates: call the model, whose layers ask their gates.');
  }

  /**
   * Multiplies the weights by their gates without chance, masks what a closed gate leaves at 0, and takes the gates away: the
   * model computes as it did in evaluation, with masks.
   */
  harden(): void {
    for (const { parameter, logAlpha, bias } of this.gated.values()) {
      scope(() =>
        noGrad(() => {
          const open = this.settled(logAlpha);
          const gates = open.dataSync();
          const inner = parameter.numel() / gates.length;
          copy_(parameter, mul(parameter, open));
          if (bias !== null) copy_(bias, mul(bias, reshape(open, bias.shape)));
          setMask(
            parameter,
            Uint8Array.from({ length: parameter.numel() }, (_, i) => Number(gates[Math.floor(i / inner)] !== 0)),
          );
          if (bias !== null)
            setMask(
              bias,
              Uint8Array.from(gates, (gate) => Number(gate !== 0)),
            );
        }),
      );
    }
    this.detach();
  }

  /** Takes the gates away and leaves the weights as they are. */
  detach(): void {
    for (const handle of this.handles) handle.remove();
    this.handles = [];
  }

  override dispose(): void {
    this.detach();
    super.dispose();
  }
}
