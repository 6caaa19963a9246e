"""Windows as columns, and columns as images."""
import torch
import torch.nn.functional as F

from golden import CALLS, T, case, ints, refusal, spread

CALLS["unfold"], CALLS["fold"] = F.unfold, F.fold
CALLS["Tensor.unfold"] = torch.Tensor.unfold

for x, args in [
    ([2, 2, 3, 4], [2]),
    ([1, 1, 1, 1], [1]),
    ([1, 2, 3, 3], [1]),
    ([1, 3, 5, 4], [[2, 3], {"padding": [1, 0], "stride": 2}]),
    ([2, 6, 5], [[3, 2], [2, 3], 1, [2, 1]]),
    ([1, 1, 2, 2], [4, {"padding": 1}]),
    ([1, 2, 7, 6], [2, {"stride": 4}]),
    ([1, 1, 6, 7], [2, {"dilation": [3, 2], "padding": [1, 2], "stride": [2, 1]}]),
    ([0, 2, 3, 4], [2]),
    ([1, 1, 4, 9], [[1, 3], 1, 0, [1, 3]]),
    ([1, 1, 9, 3], [[3, 1], {"stride": [3, 1]}]),
]:
    case("unfold", [spread(x)], args, sums=True)
case("unfold", [spread([3, 4, 2, 2], view=[["permute", [3, 2, 1, 0]]])], [2], "view", sums=True)
refusal("unfold", [spread([1, 2, 3, 4])], [5], "window too large")
refusal("unfold", [spread([3, 4])], [2], "two dimensions")
refusal("unfold", [spread([1, 0, 3, 4])], [2], "no channel")
refusal("unfold", [spread([1, 1, 3, 4])], [0], "no window")
refusal("unfold", [spread([1, 1, 3, 4])], [2, {"stride": 0}], "stride 0")
refusal("unfold", [spread([1, 1, 3, 4])], [2, {"padding": -1}], "negative padding")

for x, args in [
    ([2, 8, 6], [[3, 4], 2]),
    ([1, 1, 1], [1, 1]),
    ([1, 2, 12], [[3, 4], 1]),
    ([1, 12, 3], [[5, 4], [2, 3], {"padding": [1, 0], "stride": 2}]),
    ([6, 8], [[6, 5], [3, 2], [2, 3], 1, [2, 1]]),
    ([1, 16, 1], [[2, 2], 4, {"padding": 1}]),
    ([1, 8, 4], [[7, 6], 2, {"stride": 4}]),
    ([0, 4, 6], [[3, 4], 2]),
    ([1, 3, 12], [[4, 9], [1, 3], 1, 0, [1, 3]]),
    ([1, 4, 99], [[12, 10], 2, 1, 0, 1]),
]:
    case("fold", [spread(x)], args, sums=True)
case("fold", [spread([6, 8, 2], view=[["permute", [2, 1, 0]]])], [[3, 4], 2], "view", sums=True)
refusal("fold", [spread([1, 7, 6])], [[3, 4], 2], "channels")
refusal("fold", [spread([1, 8, 5])], [[3, 4], 2], "count")
refusal("fold", [spread([1, 1, 8, 6])], [[3, 4], 2], "four dimensions")
refusal("fold", [spread([8])], [[3, 4], 2], "one dimension")

for x, args in [
    ([7], [0, 3, 2]),
    ([7], [-1, 3, 1]),
    ([7], [0, 7, 1]),
    ([7], [0, 1, 9]),
    ([7], [0, 0, 2]),
    ([], [0, 1, 1]),
    ([], [-1, 0, 1]),
    ([3, 5], [1, 2, 2]),
    ([3, 5], [0, 2, 1]),
    ([5, 3, 2], [0, 2, 3]),
    ([2, 6, 3], [1, 3, 2]),
    ([2, 3, 17], [-1, 4, 3]),
    ([0, 5], [1, 2, 1]),
    ([5, 0], [0, 2, 1]),
]:
    case("Tensor.unfold", [spread(x)], args, sums=True)
case("Tensor.unfold", [ints([3, 4])], [1, 2, 1], "int32")
case("Tensor.unfold", [ints([5], 0, 2, dtype="bool")], [0, 2, 2], "bool")
refusal("Tensor.unfold", [spread([4])], [0, 5, 1], "window too large")
refusal("Tensor.unfold", [spread([4])], [1, 2, 1], "dimension")
refusal("Tensor.unfold", [spread([4])], [0, 2, 0], "step 0")
refusal("Tensor.unfold", [spread([4])], [0, -1, 1], "negative size")
