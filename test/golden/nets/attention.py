"""Attention in several heads."""
from torch import nn

from golden import INF, T, ints, spread, values

q, kv = spread([3, 2, 4], -3, 3), spread([5, 2, 4], -3, 3)
QKV = [q, kv, spread([5, 2, 4])]
hidden = values([[0, 1, 0, 0, 1], [0, 0, 0, 0, 0], [1, 0, 1, 1, 1]], dtype="bool")
padding = values([[0, 0, 0, 1, 1], [0, 0, 0, 0, 0]], dtype="bool")
by_name = lambda **options: [T(0), T(1), T(2), options]  # noqa: E731

MODELS = {
    "attention": (
        nn.MultiheadAttention(4, 2),
        [
            ("train", QKV),
            ("eval", QKV),
            ("train", [q], [T(0), T(0), T(0)]),
            ("train", [q, kv], [T(0), T(1), T(1)]),
            ("train", QKV, by_name(needWeights=False)),
            ("train", QKV, by_name(averageAttnWeights=False)),
            ("train", [*QKV, hidden], by_name(attnMask=T(3))),
            ("train", [*QKV, padding], by_name(keyPaddingMask=T(3))),
            ("train", [*QKV, padding, hidden], [T(0), T(1), T(2), T(3), True, T(4), False]),
            ("train", [*QKV, padding, spread([3, 5], grad=False)], by_name(keyPaddingMask=T(3), attnMask=T(4))),
            ("train", [*QKV, ints([4, 3, 5], 0, 2, dtype="bool")], by_name(attnMask=T(3))),
            ("train", [*QKV, spread([4, 3, 5], grad=False)], by_name(attnMask=T(3), averageAttnWeights=False)),
            ("train", [*QKV, values([[0] * 5, [1] * 5, [0] * 5], dtype="bool")], by_name(attnMask=T(3))),
            ("train", [spread([3, 4]), spread([5, 4]), spread([5, 4])]),
            ("train", [spread([3, 4]), spread([5, 4]), spread([5, 4]), values([0, 1, 0, 0, 1], dtype="bool"), hidden], by_name(keyPaddingMask=T(3), attnMask=T(4))),
            ("train", [spread([3, 4]), spread([5, 4]), spread([5, 4]), ints([2, 3, 5], 0, 2, dtype="bool")], by_name(attnMask=T(3), averageAttnWeights=False)),
        ],
    ),
    "one head without bias": (nn.MultiheadAttention(4, 1, bias=False), [("train", QKV)]),
    "batch first": (
        nn.MultiheadAttention(6, 3, batch_first=True),
        [("train", [spread([2, 3, 6]), spread([2, 5, 6]), spread([2, 5, 6]), padding], by_name(keyPaddingMask=T(3))), ("train", [spread([3, 6])], [T(0), T(0), T(0)])],
    ),
    "sizes of keys and values": (nn.MultiheadAttention(4, 2, kdim=3, vdim=5), [("train", [q, spread([5, 2, 3]), spread([5, 2, 5])])]),
    "a size of values, without bias": (nn.MultiheadAttention(4, 2, vdim=5, bias=False), [("train", [q, kv, spread([5, 2, 5])])]),
    "a learned key": (
        nn.MultiheadAttention(4, 2, add_bias_kv=True),
        [("train", QKV), ("train", [*QKV, padding, hidden], by_name(keyPaddingMask=T(3), attnMask=T(4)))],
    ),
    "a key of zeros": (
        nn.MultiheadAttention(4, 2, add_zero_attn=True),
        [("train", QKV), ("train", [*QKV, spread([3, 5], grad=False)], by_name(attnMask=T(3), averageAttnWeights=False)), ("train", [*QKV, values([[1] * 5, [0] * 5], dtype="bool")], by_name(keyPaddingMask=T(3)))],
    ),
    "a learned key and one of zeros": (
        nn.MultiheadAttention(4, 2, 0.0, True, True, True, None, None, True),
        [("train", [spread([2, 3, 4]), spread([2, 5, 4]), spread([2, 5, 4]), padding], by_name(keyPaddingMask=T(3))), ("train", [spread([3, 4]), spread([5, 4]), spread([5, 4])])],
    ),
    "with dropout": (nn.MultiheadAttention(4, 2, dropout=0.4), [("eval", QKV)]),
    "all dropped": (nn.MultiheadAttention(4, 2, dropout=1.0), [("train", QKV)]),
}
