"""Recurrent layers and cells."""
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pack_sequence, pad_packed_sequence, pad_sequence, unpack_sequence

from golden import T, ints, spread, values


class Packed(nn.Module):
    """A layer on a batch of sequences of unequal length."""

    def __init__(self, layer, enforce_sorted=True):
        super().__init__()
        self.layer = layer
        self.enforce_sorted = enforce_sorted

    def forward(self, x, lengths, *states):
        hx = None if len(states) == 0 else states[0] if len(states) == 1 else tuple(states)
        first = self.layer.batch_first
        packed = pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=self.enforce_sorted)
        output, last = self.layer(packed, hx)
        return pad_packed_sequence(output, batch_first=first, padding_value=0.5, total_length=6), last


class Parts(nn.Module):
    """What packing gives, and what comes back of it."""

    def forward(self, a, b, c):
        padded = pad_sequence([a, b, c], padding_value=-1.5)
        packed = pack_sequence([a, b, c], enforce_sorted=False)
        first = pad_sequence([a, b, c], batch_first=True)
        sorted_ = pack_padded_sequence(first, torch.tensor([5, 3, 1]), batch_first=True)
        return padded, [part for part in packed], unpack_sequence(packed), first, [part for part in sorted_ if part is not None]


x, xs = spread([4, 2, 2]), spread([2, 4, 2])
lone = spread([4, 2])
PAIR = [T(0), [T(1), T(2)]]


def states(layers, n=2, hidden=3, cell=None):
    shape = [layers, n] if n else [layers]
    return [spread([*shape, hidden]), spread([*shape, cell or hidden])]


MODELS = {}
for name, kind in [("rnn", nn.RNN), ("lstm", nn.LSTM), ("gru", nn.GRU)]:
    count = 2 if name == "lstm" else 1
    given = (lambda inputs, at: [inputs, *at[:count]]) if count else None
    args = PAIR if name == "lstm" else [T(0), T(1)]
    MODELS |= {
        name: (kind(2, 3), [("train", x), ("eval", x), ("train", lone), ("train", spread([1, 1, 2])), ("train", given(x, states(1)), args), ("train", given(lone, states(1, 0)), args)]),
        f"{name}, two layers": (kind(2, 3, 2), [("train", x), ("train", given(x, states(2)), args)]),
        f"{name}, both directions": (kind(2, 3, bidirectional=True), [("train", x), ("train", lone), ("train", given(x, states(2)), args)]),
        f"{name}, two layers, both directions": (kind(2, 3, 2, bidirectional=True), [("train", x), ("train", given(x, states(4)), args)]),
        f"{name} without bias": (kind(2, 3, 2, bias=False), [("train", x)]),
        f"{name}, batch first": (kind(2, 3, batch_first=True, bidirectional=True), [("train", xs), ("train", lone), ("train", given(xs, states(2)), args)]),
        f"{name} with dropout": (kind(2, 3, 3, dropout=0.25), [("eval", x)]),
        f"{name}, all dropped": (kind(2, 3, 2, dropout=1), [("train", x)]),
        f"{name}, packed": (Packed(kind(2, 3, 2, bidirectional=True)), [("train", [spread([5, 3, 2]), values([5, 3, 1], dtype="index")])]),
        f"{name}, packed, one direction": (Packed(kind(2, 3)), [("train", [spread([4, 3, 2]), values([4, 4, 2], dtype="index")])]),
        f"{name}, packed unsorted": (Packed(kind(2, 3, batch_first=True, bidirectional=True), False), [("train", [spread([3, 5, 2]), values([1, 5, 4], dtype="index"), *states(2, 3)[:count]])]),
    }
MODELS |= {
    "rnn with relu": (nn.RNN(2, 3, 2, nonlinearity="relu"), [("train", x)]),
    "lstm with projection": (nn.LSTM(2, 4, proj_size=2), [("train", x), ("train", lone), ("train", [x, *states(1, 2, 2, 4)], PAIR)]),
    "lstm with projections, both directions": (nn.LSTM(2, 4, 2, bidirectional=True, proj_size=2), [("train", x), ("train", [x, *states(4, 2, 2, 4)], PAIR)]),
    "lstm with projection, packed": (Packed(nn.LSTM(2, 4, 2, bidirectional=True, proj_size=2), False), [("train", [spread([5, 3, 2]), values([2, 5, 4], dtype="index")])]),
    "gru of many": (nn.GRU(3, 9), [("train", spread([7, 5, 3]))]),
    "lstm of many": (nn.LSTM(3, 9), [("train", spread([7, 5, 3]))]),
    "rnn cell": (nn.RNNCell(2, 3), [("train", spread([2, 2])), ("train", spread([2])), ("train", [spread([2, 2]), spread([2, 3])]), ("train", [spread([2]), spread([3])])]),
    "rnn cell with relu": (nn.RNNCell(2, 3, bias=False, nonlinearity="relu"), [("train", [spread([2, 2]), spread([2, 3])])]),
    "lstm cell": (nn.LSTMCell(2, 3), [("train", spread([2, 2])), ("train", spread([2])), ("train", [spread([2, 2]), spread([2, 3]), spread([2, 3])], PAIR), ("train", [spread([2]), spread([3]), spread([3])], PAIR)]),
    "lstm cell without bias": (nn.LSTMCell(2, 3, bias=False), [("train", spread([2, 2]))]),
    "gru cell": (nn.GRUCell(2, 3), [("train", spread([2, 2])), ("train", spread([2])), ("train", [spread([2, 2]), spread([2, 3])]), ("train", [spread([2]), spread([3])])]),
    "gru cell without bias": (nn.GRUCell(2, 3, False), [("train", spread([2, 2]))]),
    "packing": (Parts(), [("train", [spread([5, 2]), spread([3, 2]), spread([1, 2])])]),
}
