"""Embeddings with every option, and bags of them."""
from torch import nn

from golden import T, ints, spread, values

index = ints([2, 5], 0, 6, "index")
flat = ints([7], 0, 6, "index")
offsets = values([0, 3, 3], dtype="index")
MODELS = {
    "max norm": (nn.Embedding(6, 3, max_norm=1), [("train", index)]),
    "max norm of another kind": (nn.Embedding(6, 3, padding_idx=1, max_norm=1.5, norm_type=1), [("train", index)]),
    "scaled by frequency": (nn.Embedding(6, 3, scale_grad_by_freq=True), [("train", index)]),
    "bag": (nn.EmbeddingBag(6, 3), [("train", index), ("eval", [flat, offsets])]),
    "bag, sum": (nn.EmbeddingBag(6, 3, mode="sum", padding_idx=2), [("train", index), ("train", [flat, offsets, spread([7])])]),
    "bag, max": (nn.EmbeddingBag(6, 3, mode="max"), [("train", [flat, offsets])]),
    "bag with options": (nn.EmbeddingBag(6, 3, max_norm=1.5, norm_type=1, mode="sum", include_last_offset=True), [("train", [flat, values([0, 3, 7], dtype="index")])]),
}
