"""Normalizing and resizing layers."""
import torch
from torch import nn

from golden import spread


class RMSNorm(nn.Module):
    """Younger than PyTorch 1.13, and written here as its documentation has it."""

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True):
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self.register_parameter("weight", nn.Parameter(torch.ones(self.normalized_shape)) if elementwise_affine else None)

    def forward(self, x):
        dims = tuple(range(-len(self.normalized_shape), 0))
        eps = torch.finfo(x.dtype).eps if self.eps is None else self.eps
        y = x * torch.rsqrt(x.pow(2).mean(dims, keepdim=True) + eps)
        return y if self.weight is None else y * self.weight

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class LayerNorm(nn.LayerNorm):
    """PyTorch 1.13's has no option to leave out the bias."""

    def __init__(self, *args, bias=True, **options):
        super().__init__(*args, **options)
        if not bias:
            self.register_parameter("bias", None)



signal, image, volume = spread([2, 4, 5]), spread([2, 4, 3, 2]), spread([2, 4, 2, 1, 3])
MODELS = {
    "group norm": (nn.GroupNorm(2, 4), [("train", signal), ("eval", image), ("train", volume)]),
    "group norm with options": (nn.GroupNorm(4, 4, eps=1e-3, affine=False), [("train", image)]),
    "instance norm 1d": (nn.InstanceNorm1d(4), [("train", signal), ("eval", signal), ("train", spread([4, 5]))]),
    "instance norm 2d": (nn.InstanceNorm2d(4, affine=True), [("train", image), ("eval", spread([4, 3, 2]))]),
    "instance norm 3d": (nn.InstanceNorm3d(4, eps=1e-3), [("train", volume), ("train", spread([4, 2, 1, 3]))]),
    "instance norm, tracking": (nn.InstanceNorm1d(4, momentum=0.3, affine=True, track_running_stats=True), [("train", signal), ("train", spread([3, 4, 3])), ("eval", signal), ("eval", spread([4, 5]))]),
    "instance norm 2d, tracking": (nn.InstanceNorm2d(4, track_running_stats=True), [("train", image), ("eval", image)]),
    "rms norm": (RMSNorm(5), [("train", spread([4, 5])), ("eval", spread([2, 2, 5]))]),
    "rms norm over two": (RMSNorm([3, 4], eps=1e-5), [("train", spread([2, 3, 4]))]),
    "rms norm, not affine": (RMSNorm(5, elementwise_affine=False), [("train", spread([4, 5]))]),
    "batch norm 3d": (nn.BatchNorm3d(4), [("train", volume), ("eval", volume)]),
    "batch norm 3d with options": (nn.BatchNorm3d(4, momentum=None, affine=False), [("train", volume), ("train", volume), ("eval", volume)]),
    "layer norm without bias": (LayerNorm(5, bias=False), [("train", spread([4, 5]))]),
    "local response norm": (nn.LocalResponseNorm(2), [("train", image)]),
    "local response norm with options": (nn.LocalResponseNorm(3, alpha=0.5, beta=0.6, k=2), [("train", signal)]),
    "upsample": (nn.Upsample(scale_factor=2), [("train", signal), ("train", image)]),
    "upsample to a size": (nn.Upsample(size=(5, 3), mode="bilinear", align_corners=True), [("train", image)]),
    "upsample by factors": (nn.Upsample(scale_factor=(1.5, 2), mode="bicubic"), [("train", image)]),
    "upsample by a recomputed factor": (nn.Upsample(scale_factor=1.7, mode="linear", recompute_scale_factor=True), [("train", signal)]),
    "upsample to one size": (nn.Upsample(size=4, mode="trilinear"), [("train", volume)]),
    "upsampling nearest": (nn.UpsamplingNearest2d(scale_factor=2), [("train", image)]),
    "upsampling nearest to a size": (nn.UpsamplingNearest2d((5, 5)), [("train", image)]),
    "upsampling bilinear": (nn.UpsamplingBilinear2d(scale_factor=2), [("train", image)]),
    "upsampling bilinear to a size": (nn.UpsamplingBilinear2d(size=4), [("train", image)]),
    "pixel shuffle": (nn.PixelShuffle(2), [("train", image)]),
    "pixel unshuffle": (nn.PixelUnshuffle(2), [("train", spread([1, 2, 4, 6]))]),
}
