"""New tensors."""
import torch

from golden import CALLS, T, case, ints, refusal, spread


def with_dtype(make):
    def call(*args, dtype=None, **options):
        return make(*args, **options) if dtype is None else make(*args, **options, dtype=getattr(torch, dtype))

    return call


for name, function in {
    "zeros": torch.zeros, "ones": torch.ones, "full": torch.full, "arange": torch.arange, "linspace": torch.linspace, "eye": torch.eye,
    "zerosLike": torch.zeros_like, "onesLike": torch.ones_like, "fullLike": torch.full_like,
}.items():  # fmt: skip
    CALLS[name] = with_dtype(function)

for name in ["zeros", "ones"]:
    case(name, [], [[2, 3]])
    case(name, [], [[]], "no dimension")
    case(name, [], [[0, 2]], "empty")
    case(name, [], [[3], {"dtype": "uint8"}])
    case(name, [], [[3], {"dtype": "bool"}])
    refusal(name, [], [[2, -1]], "negative size")
case("full", [], [[2, 3], 0.1])
case("full", [], [[2], True], "bool")
case("full", [], [[2], 7, {"dtype": "int32"}])
case("full", [], [[2], 2.5, {"dtype": "float16"}])
for name in ["zerosLike", "onesLike"]:
    case(name, [spread([2, 3])])
    case(name, [ints([3], 0, 2, "bool")])
    case(name, [ints([3], dtype="int8")], [{"dtype": "float32"}])
case("fullLike", [spread([2, 3])], [0.25])
case("fullLike", [ints([2])], [7])
for args in [[5], [0], [2, 10, 3], [5, 0, -2], [2.5], [0, 1, 0.3], [1, 2, 0.25], [0, 1, 0.1], [-1, 1, 0.4], [5, 5], [3, {"dtype": "float32"}], [0, 6, 2, {"dtype": "uint8"}]]:
    case("arange", [], args)
refusal("arange", [], [5, 0], "wrong direction")
refusal("arange", [], [0, 5, 0], "step 0")
for args in [[0, 1, 5], [-3, 7, 4], [1, 1, 3], [0, 1, 1], [0, 1, 0], [0, 1, 11], [5, -5, 6], [0.1, 0.7, 7]]:
    case("linspace", [], args, sums=True)
refusal("linspace", [], [0, 1, -1], "steps")
for args in [[3], [2, 4], [4, 2], [0], [3, {"dtype": "int32"}], [1, 0]]:
    case("eye", [], args)
