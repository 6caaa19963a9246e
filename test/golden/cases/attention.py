"""
Attention. PyTorch 1.13 has it under a private name and without most options; what it became in 2.5 is written here with the
operations it consists of.
"""
import math

import torch

from golden import CALLS, INF, NAN, T, case, ints, refusal, spread, values


def attention(query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False):
    if query.dtype != key.dtype or key.dtype != value.dtype:
        raise RuntimeError("dtypes differ")
    if enable_gqa:
        key = key.repeat_interleave(query.size(-3) // key.size(-3), -3)
        value = value.repeat_interleave(query.size(-3) // value.size(-3), -3)
    scores = query @ key.transpose(-2, -1) * (1 / math.sqrt(query.size(-1)) if scale is None else scale)
    if is_causal:
        if attn_mask is not None:
            raise RuntimeError("a mask and is_causal exclude each other")
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool).tril()
    if attn_mask is not None:
        if attn_mask.dtype == torch.bool:
            attn_mask = torch.zeros(attn_mask.shape).masked_fill(~attn_mask, -INF)
        elif attn_mask.dtype != query.dtype:
            raise RuntimeError("the mask's dtype")
        # In place, so that the mask cannot make the scores larger.
        scores = scores.clone().add_(attn_mask)
        # Rows that see nothing are zeros, and so are their gradients.
        blind = scores.isneginf().all(-1, keepdim=True)
        scores = scores.masked_fill(blind, 0)
        weights = torch.softmax(scores, -1).masked_fill(blind, 0)
    else:
        weights = torch.softmax(scores, -1)
    return torch.dropout(weights, dropout_p, True) @ value


CALLS["scaledDotProductAttention"] = attention
OP = "scaledDotProductAttention"


def operands(q, k, v):
    return [spread(q), spread(k), spread(v)]


for q, k, v in [
    ([3, 4], [5, 4], [5, 2]), ([1, 1], [1, 1], [1, 1]), ([2, 3, 4], [2, 5, 4], [2, 5, 6]), ([2, 2, 3, 4], [2, 2, 3, 4], [2, 2, 3, 4]),
    ([1, 2, 3, 1, 2], [2, 2, 1, 4, 2], [2, 1, 3, 4, 3]), ([3, 4], [2, 5, 4], [2, 5, 3]), ([2, 3, 4], [5, 4], [5, 3]), ([17, 9], [19, 9], [19, 5]),
    ([0, 4], [3, 4], [3, 2]), ([3, 4], [0, 4], [0, 2]), ([0, 3, 4], [0, 3, 4], [0, 3, 4]), ([3, 4], [3, 4], [3, 0]),
]:  # fmt: skip
    case(OP, operands(q, k, v), sums=True)
basic = operands([2, 2, 3, 4], [2, 2, 5, 4], [2, 2, 5, 2])
for causal in [operands([3, 4], [3, 4], [3, 4]), operands([2, 3, 4], [2, 5, 4], [2, 5, 2]), operands([2, 5, 4], [2, 3, 4], [2, 3, 2]), basic]:
    case(OP, causal, [{"isCausal": True}], label="causal", sums=True)
case(OP, operands([3, 4], [3, 4], [3, 4]), [None, 0, True], label="causal by position", sums=True)
case(OP, basic, [{"scale": 0.3}], label="scale", sums=True)
case(OP, basic, [{"scale": 0}], label="no scores", sums=True)
case(OP, basic, [None, 0.0, False, -1.5], label="scale by position", sums=True)
for shape in [[3, 5], [2, 1, 3, 5], [2, 2, 3, 5], [1, 5], [5], [3, 1], [2, 3, 5], [1, 1, 1, 5]]:
    # What is added to all scores of a query alike changes nothing: of that gradient only rounding errors remain.
    case(OP, [*basic, spread(shape, grad=shape != [3, 1])], label="float mask", sums=True)
    case(OP, [*basic, ints(shape, 0, 2, dtype="bool")], label="bool mask", sums=True)
case(OP, [*basic, values([[1] * 5] * 3, dtype="bool")], label="all visible", sums=True)
case(OP, [*basic, values([[0, 1, 0, 0, 0], [1, 1, 0, 1, 1], [0, 0, 0, 0, 0]], dtype="bool")], label="one row sees nothing", sums=True)
case(OP, [*basic, values([[0, -INF, 1, 0, -INF], [-INF] * 5, [0, 0, 0, 0, 0]])], label="float mask, one row sees nothing", sums=True)
case(OP, [*basic, values([0, 0, 0, 0, 0], dtype="bool")], label="nothing seen", sums=True)
case(OP, basic, [T(0), T(1), T(2), {"attnMask": None, "dropoutP": 1}], label="all dropped", sums=True)
case(OP, [*basic, spread([3, 5])], [T(0), T(1), T(2), {"attnMask": T(3), "scale": 0.5}], label="mask by name", sums=True)
case(OP, operands([2, 4, 3, 2], [2, 2, 5, 2], [2, 2, 5, 3]), [{"enableGqa": True}], label="shared heads", sums=True)
case(OP, operands([4, 3, 2], [1, 5, 2], [4, 5, 3]), [{"enableGqa": True, "isCausal": True}], label="shared heads", sums=True)
case(OP, operands([6, 3, 2], [2, 5, 2], [3, 5, 3]), [None, 0, False, 0.4, True], label="shared heads by position", sums=True)
case(OP, [spread([4, 3])], [T(0), T(0), T(0)], label="to itself", sums=True)
case(OP, [values([[1, NAN], [1, 2]]), spread([3, 2]), spread([3, 2])], label="NaN in a query", sums=True)
case(OP, [values([[200.0, 200], [-200, 100]]), values([[300.0, 10], [0, 1], [-300, 5]]), spread([3, 2])], label="large scores", sums=True)
case(OP, [spread([2, 3, 4], view=[["transpose", 0, 1]]), spread([3, 4, 5], view=[["transpose", 1, 2]]), spread([3, 5, 2])], label="views", sums=True)
refusal(OP, operands([3, 4], [5, 3], [5, 2]), label="sizes of query and key")
refusal(OP, operands([3, 4], [5, 4], [4, 2]), label="lengths of key and value")
refusal(OP, operands([2, 3, 4], [3, 5, 4], [3, 5, 2]), label="batches")
refusal(OP, [spread([3, 4]), spread([5, 4]), spread([5, 2]), spread([3, 4])], label="mask's shape")
refusal(OP, [spread([3, 4]), spread([5, 4]), spread([5, 2]), spread([2, 3, 5])], label="a mask with more dimensions")
refusal(OP, [spread([3, 4]), spread([5, 4]), spread([5, 2]), ints([3, 5])], label="mask's dtype")
refusal(OP, [spread([3, 4]), ints([5, 4]), spread([5, 2])], label="dtypes")
refusal(OP, [spread([3, 4]), spread([5, 4]), spread([5, 2]), spread([3, 5])], [T(0), T(1), T(2), {"attnMask": T(3), "isCausal": True}], label="mask and causal")
refusal(OP, [spread([4]), spread([4]), spread([4])], label="one dimension")
refusal(OP, operands([5, 3, 2], [2, 5, 2], [2, 5, 2]), [{"enableGqa": True}], label="heads that do not divide")
refusal(OP, operands([3, 4], [5, 4], [5, 2]), [{"dropoutP": 1.5}], label="probability")
