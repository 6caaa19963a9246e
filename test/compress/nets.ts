import { arange, cat, randn, type Tensor } from 'fettle';
import * as nn from 'fettle/nn';

const F = nn.functional;

/** Networks as people write them, with functions and methods between layers; sizes are given, so that smaller ones can be made. */

export type Net = nn.Module & { forward(...inputs: Tensor[]): unknown };
type Layer = nn.Module & { forward(x: Tensor): Tensor };

export const lenet = (a = 6, b = 16, c = 20, d = 12): nn.Sequential =>
  new nn.Sequential({
    conv1: new nn.Conv2d(1, a, 5, { padding: 2 }),
    relu1: new nn.ReLU(),
    pool1: new nn.MaxPool2d(2),
    conv2: new nn.Conv2d(a, b, 5),
    relu2: new nn.ReLU(),
    pool2: new nn.MaxPool2d(2),
    flatten: new nn.Flatten(),
    fc1: new nn.Linear(b * 25, c),
    relu3: new nn.ReLU(),
    fc2: new nn.Linear(c, d),
    relu4: new nn.ReLU(),
    fc3: new nn.Linear(d, 10),
  });

/** Goes by where the shape changes, without weights: every second pixel, and channels of zeros on both sides. */
class Padded extends nn.Module {
  constructor(readonly more: number) {
    super();
  }

  override forward(x: Tensor): Tensor {
    return F.pad(x.index([':', ':', '::2', '::2']), [0, 0, 0, 0, this.more / 2, this.more / 2], 'constant', 0);
  }
}

class ResidualBlock extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly conv2: nn.Conv2d;
  readonly bn2: nn.BatchNorm2d;
  readonly shortcut: Layer;

  constructor(from: number, inner: number, to: number, stride: number, option: 'A' | 'B') {
    super();
    this.conv1 = new nn.Conv2d(from, inner, 3, { stride, padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(inner);
    this.conv2 = new nn.Conv2d(inner, to, 3, { padding: 1, bias: false });
    this.bn2 = new nn.BatchNorm2d(to);
    if (stride === 1) this.shortcut = new nn.Sequential();
    else if (option === 'A') this.shortcut = new Padded(to - from);
    else {
      const conv = new nn.Conv2d(from, to, 1, { stride, bias: false });
      this.shortcut = new nn.Sequential(conv, new nn.BatchNorm2d(to));
    }
  }

  override forward(x: Tensor): Tensor {
    let out = F.relu(this.bn1.forward(this.conv1.forward(x)));
    out = this.bn2.forward(this.conv2.forward(out));
    out.add_(this.shortcut.forward(x));
    return F.relu(out);
  }
}

/** ResNet-20 (He et al. 2015), with widths of its three stages inside of blocks and between them. */
export class ResNet extends nn.Module {
  readonly conv1: nn.Conv2d;
  readonly bn1: nn.BatchNorm2d;
  readonly layers: nn.Sequential;
  readonly linear: nn.Linear;

  constructor(option: 'A' | 'B', inner: readonly number[], between: readonly number[]) {
    super();
    this.conv1 = new nn.Conv2d(3, between[0] as number, 3, { padding: 1, bias: false });
    this.bn1 = new nn.BatchNorm2d(between[0] as number);
    const blocks = between.flatMap((to, stage) =>
      [0, 1, 2].map((k) => {
        const isFirst = k === 0 && stage > 0;
        const from = isFirst ? (between[stage - 1] as number) : to;
        return new ResidualBlock(from, inner[stage] as number, to, isFirst ? 2 : 1, option);
      }),
    );
    this.layers = new nn.Sequential(...blocks);
    this.linear = new nn.Linear(between[2] as number, 5);
  }

  override forward(x: Tensor): Tensor {
    let out = F.relu(this.bn1.forward(this.conv1.forward(x)));
    out = this.layers.forward(out);
    out = F.avgPool2d(out, out.size(3));
    return this.linear.forward(out.view(out.size(0), -1));
  }
}

/** An inverted residual with squeeze and excitation: a depthwise convolution between two narrow ends, and a gate. */
class Inverted extends nn.Module {
  readonly body: nn.Sequential;
  readonly squeeze: nn.Linear;
  readonly excite: nn.Linear;
  readonly project: nn.Conv2d;
  readonly bn: nn.BatchNorm2d;

  constructor(width: number, wide: number, gate: number) {
    super();
    this.body = new nn.Sequential(
      new nn.Conv2d(width, wide, 1, { bias: false }),
      new nn.BatchNorm2d(wide),
      new nn.ReLU6(),
      new nn.Conv2d(wide, wide, 3, { padding: 1, groups: wide, bias: false }),
      new nn.BatchNorm2d(wide),
      new nn.ReLU6(),
    );
    this.squeeze = new nn.Linear(wide, gate);
    this.excite = new nn.Linear(gate, wide);
    this.project = new nn.Conv2d(wide, width, 1, { bias: false });
    this.bn = new nn.BatchNorm2d(width);
  }

  override forward(x: Tensor): Tensor {
    const h = this.body.forward(x);
    const gate = this.excite.forward(this.squeeze.forward(h.mean([2, 3])).relu()).sigmoid();
    return x.add(this.bn.forward(this.project.forward(h.mul(gate.view(gate.size(0), gate.size(1), 1, 1)))));
  }
}

/** As MobileNet v2 and v3 are built, with a depthwise convolution that makes two channels of each, and a grouped one. */
export class Mobile extends nn.Module {
  readonly stem: nn.Conv2d;
  readonly a: Inverted;
  readonly b: Inverted;
  readonly double: nn.Conv2d;
  readonly grouped: nn.Conv2d;
  readonly head: nn.Linear;

  constructor(width = 8, wide = 12, gate = 4, last = 8) {
    super();
    this.stem = new nn.Conv2d(3, width, 3, { padding: 1, stride: 2 });
    this.a = new Inverted(width, wide, gate);
    this.b = new Inverted(width, wide, gate);
    this.double = new nn.Conv2d(width, 2 * width, 3, { groups: width });
    this.grouped = new nn.Conv2d(2 * width, last, 1, { groups: 2 });
    this.head = new nn.Linear(last, 3);
  }

  override forward(x: Tensor): Tensor {
    const h = this.b.forward(this.a.forward(this.stem.forward(x).hardswish()));
    return this.head.forward(this.grouped.forward(this.double.forward(h)).amax([2, 3]));
  }
}

/** Reads tokens, and tells something of the last one. */
export class Tagger extends nn.Module {
  readonly words: nn.Embedding;
  readonly rnn: nn.LSTM | nn.GRU | nn.RNN;
  readonly out: nn.Linear;

  constructor(
    Type: typeof nn.LSTM | typeof nn.GRU | typeof nn.RNN,
    width: number,
    hidden: number,
    options: nn.RecurrentOptions = {},
  ) {
    super();
    this.words = new nn.Embedding(11, width);
    this.rnn = new Type(width, hidden, { batchFirst: true, ...options });
    this.out = new nn.Linear(hidden * (options.bidirectional ? 2 : 1), 4);
  }

  override forward(x: Tensor): Tensor {
    const [y] = this.rnn.forward(this.words.forward(x));
    return this.out.forward(y.index([':', -1]));
  }
}

/** An encoder that gives its state to a decoder, cell by cell. */
export class Cells extends nn.Module {
  readonly encoder: nn.LSTM;
  readonly cell: nn.LSTMCell;
  readonly gru: nn.GRUCell;
  readonly out: nn.Linear;

  constructor(hidden: number, second: number) {
    super();
    this.encoder = new nn.LSTM(3, hidden);
    this.cell = new nn.LSTMCell(2, hidden);
    this.gru = new nn.GRUCell(hidden, second);
    this.out = new nn.Linear(second, 2);
  }

  override forward(x: Tensor): Tensor {
    const [, [h0, c0]] = this.encoder.forward(x);
    let [h, c, s] = [h0.squeeze(0), c0.squeeze(0), null as Tensor | null];
    let y = x.index([0, ':', ':2']);
    for (let step = 0; step < 3; step++) {
      [h, c] = this.cell.forward(y, [h, c]);
      s = this.gru.forward(h, s);
      y = this.out.forward(s);
    }
    return y;
  }
}

/** Learned places, and the encoder of nn.TransformerEncoder. */
export class Classifier extends nn.Module {
  readonly words = new nn.Embedding(13, 16);
  readonly places = new nn.Parameter(randn([1, 5, 16]));
  readonly encoder: nn.TransformerEncoder;
  readonly out = new nn.Linear(16, 3);

  constructor(wide: number, heads: number, normFirst = false) {
    super();
    const options = { dimFeedforward: wide, batchFirst: true, normFirst, headDim: 4 };
    const layer = new nn.TransformerEncoderLayer(16, heads, options);
    this.encoder = new nn.TransformerEncoder(layer, { numLayers: 2 });
    layer.dispose();
  }

  override forward(x: Tensor): Tensor {
    return this.out.forward(this.encoder.forward(this.words.forward(x).add(this.places)).mean(1));
  }
}

class SelfAttention extends nn.Module {
  readonly attn: nn.Linear;
  readonly proj: nn.Linear;

  constructor(readonly heads: number) {
    super();
    this.attn = new nn.Linear(16, 48);
    this.proj = new nn.Linear(16, 16);
  }

  override forward(x: Tensor): Tensor {
    const [B, T, C] = x.size() as [number, number, number];
    const [q, k, v] = this.attn
      .forward(x)
      .split(C, { dim: 2 })
      .map((y) => y.view(B, T, this.heads, C / this.heads).transpose(1, 2)) as [Tensor, Tensor, Tensor];
    const scores = q.matmul(k.transpose(-2, -1)).mul(1 / Math.sqrt(k.size(-1)));
    return this.proj.forward(F.softmax(scores, { dim: -1 }).matmul(v).transpose(1, 2).contiguous().view(B, T, C));
  }
}

class GptBlock extends nn.Module {
  readonly ln1 = new nn.LayerNorm(16);
  readonly attn = new SelfAttention(4);
  readonly ln2 = new nn.LayerNorm(16);
  readonly mlp: nn.Sequential;

  constructor(wide: number) {
    super();
    this.mlp = new nn.Sequential(new nn.Linear(16, wide), new nn.GELU(), new nn.Linear(wide, 16));
  }

  override forward(input: Tensor): Tensor {
    const x = input.add(this.attn.forward(this.ln1.forward(input)));
    return x.add(this.mlp.forward(this.ln2.forward(x)));
  }
}

/** A small GPT whose words are read and told by the same weights. */
export class Gpt extends nn.Module {
  readonly wte = new nn.Embedding(13, 16);
  readonly wpe = new nn.Embedding(8, 16);
  readonly h: nn.ModuleList<GptBlock>;
  readonly lnf = new nn.LayerNorm(16);
  readonly head = new nn.Linear(16, 13, { bias: false });

  constructor(wide: number) {
    super();
    this.h = new nn.ModuleList<GptBlock>([new GptBlock(wide), new GptBlock(wide)]);
    this.wte.weight.dispose();
    this.wte.weight = this.head.weight;
  }

  override forward(words: Tensor): Tensor {
    const places = arange(0, words.size(1), { dtype: 'int32' }).unsqueeze(0);
    let x = this.wte.forward(words).add(this.wpe.forward(places));
    for (const block of this.h) x = block.forward(x);
    return this.head.forward(this.lnf.forward(x));
  }
}

/** Attention by hand that counts its heads, and tied words without a norm over them. */
export class Flexible extends nn.Module {
  readonly words: nn.Embedding;
  readonly q: nn.Linear;
  readonly k: nn.Linear;
  readonly v: nn.Linear;
  readonly o: nn.Linear;
  readonly head: nn.Linear;

  constructor(width: number, heads: number) {
    super();
    this.words = new nn.Embedding(9, width);
    [this.q, this.k, this.v] = [0, 1, 2].map(() => new nn.Linear(width, 4 * heads)) as [
      nn.Linear,
      nn.Linear,
      nn.Linear,
    ];
    this.o = new nn.Linear(4 * heads, width);
    this.head = new nn.Linear(width, 9, { bias: false });
    this.words.weight.dispose();
    this.words.weight = this.head.weight;
  }

  override forward(x: Tensor): Tensor {
    const e = this.words.forward(x);
    const [B, T] = x.size() as [number, number];
    const [q, k, v] = [this.q, this.k, this.v].map((layer) => layer.forward(e).view(B, T, -1, 4).transpose(1, 2)) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const seen = F.scaledDotProductAttention(q, k, v, { isCausal: true }).transpose(1, 2).reshape(B, T, -1);
    return this.head.forward(e.add(this.o.forward(seen)));
  }
}

/** Makes images of noise. */
export class Generator extends nn.Module {
  readonly fc: nn.Linear;
  readonly up: nn.ConvTranspose2d;
  readonly bn: nn.BatchNorm2d;
  readonly out: nn.ConvTranspose2d;

  constructor(first = 8, second = 6) {
    super();
    this.fc = new nn.Linear(5, first * 4);
    this.up = new nn.ConvTranspose2d(first, second, 4, { stride: 2, padding: 1 });
    this.bn = new nn.BatchNorm2d(second);
    this.out = new nn.ConvTranspose2d(second, 2, 4, { stride: 2, padding: 1 });
  }

  override forward(x: Tensor): Tensor {
    const h = this.fc.forward(x).view(x.size(0), -1, 2, 2).relu();
    return this.out.forward(this.bn.forward(this.up.forward(h)).relu()).tanh();
  }
}

/** What else stands between layers: concatenation, norms of groups and samples, halves that gate, turned dimensions. */
export class Mixed extends nn.Module {
  readonly narrow: nn.Conv1d;
  readonly wide: nn.Conv1d;
  readonly gn: nn.GroupNorm;
  readonly norm: nn.InstanceNorm1d;
  readonly slope: nn.PReLU;
  readonly halves: nn.Conv1d;
  readonly fc: nn.Linear;
  readonly last: nn.Linear;

  constructor(a: number, b: number, half: number, hidden: number) {
    super();
    this.narrow = new nn.Conv1d(2, a, 3, { padding: 1 });
    this.wide = new nn.Conv1d(2, b, 5, { padding: 2 });
    this.gn = new nn.GroupNorm((a + b) / 2, a + b);
    this.norm = new nn.InstanceNorm1d(a + b);
    this.slope = new nn.PReLU(a + b);
    this.halves = new nn.Conv1d(a + b, 2 * half, 1);
    this.fc = new nn.Linear(half * 9, hidden);
    this.last = new nn.Linear(hidden, 2);
  }

  override forward(x: Tensor): Tensor {
    let h = cat([this.narrow.forward(x), this.wide.forward(x)], 1);
    h = this.slope.forward(this.norm.forward(this.gn.forward(h)));
    const [a, b] = this.halves.forward(h).chunk(2, 1) as [Tensor, Tensor];
    h = this.fc.forward(a.mul(b.sigmoid()).permute(0, 2, 1).flatten(1));
    return this.last.forward(F.softplus(h).pow(2));
  }
}
