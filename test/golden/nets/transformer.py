"""Transformers, their stacks and layers. Runs in evaluation keep to the math of training: the inputs require gradients."""
import torch
import torch.nn.functional as F
from torch import nn

from golden import T, spread, values

x, y = spread([4, 2, 4]), spread([3, 2, 4])
xs, ys = spread([2, 4, 4], -3, 1), spread([2, 3, 4], -1, 3)
padding = values([[0, 0, 0, 1], [0, 0, 0, 0]], dtype="bool")
short = values([[0, 0, 0], [0, 0, 1]], dtype="bool")
future = values(torch.ones(4, 4).triu(1).tolist(), dtype="bool")
later = values(torch.ones(3, 3).triu(1).tolist(), dtype="bool")
some = spread([3, 4], grad=False)


class Causal(nn.Module):
    """A mask from the class itself."""

    def __init__(self):
        super().__init__()
        self.net = nn.Transformer(4, 2, 1, 1, 5, 0)

    def forward(self, src, tgt):
        return self.net(src, tgt, tgt_mask=nn.Transformer.generate_square_subsequent_mask(3))


def encoder(**options):
    return nn.TransformerEncoderLayer(4, 2, 5, **{"dropout": 0, **options})


def decoder(**options):
    return nn.TransformerDecoderLayer(4, 2, 5, **{"dropout": 0, **options})


E_RUNS = [("train", x), ("train", [x, future, padding]), ("train", [x, padding], [T(0), {"srcKeyPaddingMask": T(1)}])]
ALL = [T(0), T(1), {"tgtMask": T(2), "memoryMask": T(3), "tgtKeyPaddingMask": T(4), "memoryKeyPaddingMask": T(5)}]
D_RUNS = [("train", [y, x]), ("train", [y, x, later, some, short, padding]), ("train", [y, x, later, some, short, padding], ALL)]
MODELS = {
    "encoder layer": (encoder(), [*E_RUNS, ("eval", x), ("train", spread([4, 4])), ("train", [x, spread([4, 4, 4], grad=False)])]),
    "encoder layer, norm first": (encoder(norm_first=True, activation="gelu", layer_norm_eps=1e-3), E_RUNS),
    "encoder layer, batch first": (encoder(batch_first=True), [("train", xs), ("train", [xs, future, padding])]),
    "encoder layer with a function": (encoder(activation=torch.tanh), [("train", x)]),
    "encoder layer with a module": (encoder(activation=nn.SiLU()), [("train", x)]),
    "encoder layer with dropout": (nn.TransformerEncoderLayer(4, 4, 5), [("eval", x)]),
    "decoder layer": (decoder(), [*D_RUNS, ("eval", [y, x]), ("train", [spread([3, 4]), spread([4, 4])])]),
    "decoder layer, norm first": (decoder(norm_first=True, activation="gelu"), D_RUNS),
    "decoder layer, batch first": (decoder(batch_first=True, activation=F.gelu), [("train", [ys, xs]), ("train", [ys, xs, later, some, short, padding])]),
    "encoder": (nn.TransformerEncoder(encoder(), 2), [("train", x), ("train", [x, future, padding])]),
    "encoder with a norm": (nn.TransformerEncoder(encoder(norm_first=True), 2, nn.LayerNorm(4)), [("train", [x, future], [T(0), {"mask": T(1)}])]),
    "decoder": (nn.TransformerDecoder(decoder(), 2), [("train", [y, x]), ("train", [y, x, later, some, short, padding])]),
    "decoder with a norm": (nn.TransformerDecoder(decoder(), 1, norm=nn.LayerNorm(4)), [("train", [y, x, later])]),
    "transformer": (
        nn.Transformer(4, 2, 1, 2, 5, 0),
        [
            ("train", [x, y]),
            ("train", [x, y, future, later, some, padding, short, padding]),
            ("train", [x, y, later, padding], [T(0), T(1), {"tgtMask": T(2), "memoryKeyPaddingMask": T(3), "srcKeyPaddingMask": T(3)}]),
            ("train", [spread([4, 4]), spread([3, 4])]),
        ],
    ),
    "transformer, batch first": (
        nn.Transformer(4, 1, 1, 1, 9, 0.1, "gelu", layer_norm_eps=1e-4, batch_first=True),
        [("eval", [xs, ys]), ("eval", [xs, ys, later, short], [T(0), T(1), {"tgtMask": T(2), "tgtKeyPaddingMask": T(3)}])],
    ),
    "transformer of one’s own": (nn.Transformer(4, 2, custom_encoder=nn.TransformerEncoder(encoder(), 1), custom_decoder=nn.TransformerDecoder(decoder(), 1)), [("train", [x, y])]),
    "causal": (Causal(), [("train", [x, y])]),
}
