"""Convolutions, pools, windows and padding as layers."""
from torch import nn

from golden import T, spread, values

line, image, volume = spread([2, 4, 7]), spread([2, 4, 5, 6]), spread([1, 2, 4, 3, 5])
small = spread([1, 2, 3, 4])
TIED = dict(low=-1, high=1, step=0.25)


class Autoencoder(nn.Module):
    """Down by a pool, and up the way it came."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 2, 3, padding=1)
        self.pool = nn.MaxPool2d(2, return_indices=True)
        self.unpool = nn.MaxUnpool2d(2)
        self.back = nn.ConvTranspose2d(2, 1, 3, padding=1)

    def forward(self, x):
        y = self.conv(x)
        pooled, indices = self.pool(y)
        return self.back(self.unpool(pooled, indices, output_size=y.size()))


# name: the module, and its runs. test/nn/spatial.test.ts builds the same.
MODELS = {
    "conv 1d": (nn.Conv1d(4, 6, 3), [("train", line), ("eval", spread([4, 5]))]),
    "conv 1d with options": (nn.Conv1d(4, 6, 2, 2, 1, 2, 2, False), [("train", line)]),
    "conv 1d, same": (nn.Conv1d(4, 2, 4, padding="same"), [("train", line)]),
    "conv 1d, valid": (nn.Conv1d(4, 2, (4,), padding="valid", dilation=2), [("train", line)]),
    "conv 2d, depthwise": (nn.Conv2d(4, 8, (3, 2), groups=4), [("train", image), ("train", spread([4, 5, 6]))]),
    "conv 2d, same": (nn.Conv2d(4, 2, (2, 3), padding="same", dilation=(3, 1)), [("train", image)]),
    "conv 3d": (nn.Conv3d(2, 3, 2), [("train", volume), ("eval", spread([2, 3, 3, 3]))]),
    "conv 3d with options": (nn.Conv3d(2, 4, (3, 2, 3), stride=(2, 1, 1), padding=(1, 0, 2), groups=2, bias=False), [("train", volume)]),
    "conv transpose 1d": (nn.ConvTranspose1d(4, 3, 3), [("train", line), ("eval", spread([4, 5]))]),
    "conv transpose 1d with options": (nn.ConvTranspose1d(4, 6, 3, 3, 1, 2, 2, False, 2), [("train", line)]),
    "conv transpose 1d to a size": (nn.ConvTranspose1d(4, 2, 3, stride=3, padding=1), [("train", line, [[20]]), ("train", line, [[2, 2, 21]]), ("eval", line)]),
    "conv transpose 2d": (nn.ConvTranspose2d(4, 3, (3, 2)), [("train", image)]),
    "conv transpose 2d with options": (nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1, groups=2, dilation=(1, 2)), [("train", spread([1, 4, 3, 2])), ("train", spread([4, 2, 2]))]),
    "conv transpose 2d to a size": (nn.ConvTranspose2d(2, 2, 3, stride=2), [("train", small, [[8, 9]]), ("train", small, [[7, 10]])]),
    "conv transpose 3d": (nn.ConvTranspose3d(2, 3, 2), [("train", spread([1, 2, 2, 3, 2]))]),
    "conv transpose 3d with options": (nn.ConvTranspose3d(2, 2, (3, 2, 1), stride=2, padding=(1, 0, 0), output_padding=1, bias=False, groups=2), [("train", spread([1, 2, 2, 1, 2]))]),
    "max pool 1d": (nn.MaxPool1d(3, 2, 1), [("train", spread([2, 4, 7], **TIED)), ("train", spread([4, 7]))]),
    "max pool 1d with indices": (nn.MaxPool1d(2, None, 0, 1, True), [("train", line)]),
    "max pool 2d with indices": (nn.MaxPool2d((2, 3), stride=(1, 2), return_indices=True, ceil_mode=True), [("train", image)]),
    "max pool 3d": (nn.MaxPool3d(2), [("train", volume)]),
    "max pool 3d with options": (nn.MaxPool3d((2, 1, 3), stride=1, padding=(1, 0, 1), dilation=(1, 2, 1), return_indices=True), [("train", volume)]),
    "avg pool 1d": (nn.AvgPool1d(2), [("train", line)]),
    "avg pool 1d with options": (nn.AvgPool1d((3,), 2, 1, True, False), [("train", line)]),
    "avg pool 2d with a divisor": (nn.AvgPool2d(2, divisor_override=3), [("train", image)]),
    "avg pool 3d": (nn.AvgPool3d(2), [("train", volume)]),
    "avg pool 3d with options": (nn.AvgPool3d((2, 3, 2), stride=(2, 1, 2), padding=(1, 1, 0), ceil_mode=True, count_include_pad=False), [("train", volume)]),
    "adaptive avg pool 1d": (nn.AdaptiveAvgPool1d(3), [("train", line), ("train", spread([4, 7]))]),
    "adaptive avg pool 3d": (nn.AdaptiveAvgPool3d((2, None, 3)), [("train", volume)]),
    "adaptive max pool 1d": (nn.AdaptiveMaxPool1d(3), [("train", line)]),
    "adaptive max pool 2d": (nn.AdaptiveMaxPool2d((2, None)), [("train", image)]),
    "adaptive max pool 2d with indices": (nn.AdaptiveMaxPool2d(3, return_indices=True), [("train", image)]),
    "adaptive max pool 3d": (nn.AdaptiveMaxPool3d(2), [("train", volume)]),
    "max unpool 1d": (nn.MaxUnpool1d(2), [("train", [spread([1, 1, 3]), values([[[1, 2, 5]]], dtype="index")])]),
    "max unpool 2d": (nn.MaxUnpool2d((2, 1), stride=(2, 1)), [("train", [spread([1, 1, 2, 2]), values([[[[0, 3], [4, 7]]]], dtype="index")]), ("train", [spread([1, 1, 2, 2]), values([[[[0, 3], [4, 7]]]], dtype="index")], [T(0), T(1), [5, 2]])]),
    "max unpool 3d": (nn.MaxUnpool3d(2, padding=0), [("train", [spread([1, 1, 1, 1, 2]), values([[[[[0, 15]]]]], dtype="index")])]),
    "lp pool 1d": (nn.LPPool1d(2, 3), [("train", spread([1, 2, 7], 0.25, 2))]),
    "lp pool 2d": (nn.LPPool2d(3, (2, 3), stride=2, ceil_mode=True), [("train", spread([1, 2, 5, 6], 0.25, 2))]),
    "unfold": (nn.Unfold(2), [("train", small)]),
    "unfold with options": (nn.Unfold((2, 3), dilation=(1, 2), padding=1, stride=2), [("train", image)]),
    "fold": (nn.Fold((3, 4), 2), [("train", spread([1, 8, 6]))]),
    "fold with options": (nn.Fold(5, (2, 3), padding=(1, 0), stride=(2, 1)), [("train", spread([1, 12, 9]))]),
    "autoencoder": (Autoencoder(), [("train", spread([2, 1, 5, 4]))]),
}
for mode in ["reflect", "replicate", "circular"]:
    MODELS[f"conv 1d, {mode}"] = (nn.Conv1d(4, 2, 3, padding=2, padding_mode=mode), [("train", line)])
    MODELS[f"conv 1d, {mode}, same"] = (nn.Conv1d(4, 2, 4, padding="same", padding_mode=mode), [("train", line)])
    MODELS[f"conv 2d, {mode}"] = (nn.Conv2d(2, 2, (3, 2), stride=2, padding=(2, 1), padding_mode=mode), [("train", small)])
    MODELS[f"conv 3d, {mode}"] = (nn.Conv3d(2, 2, 2, padding=(1, 0, 2), dilation=2, padding_mode=mode, bias=False), [("train", volume)])
for rank, x in [(1, line), (2, small), (3, volume)]:
    border = [1, 2, 0, 1, 2, 0][: 2 * rank]
    MODELS[f"constant pad {rank}d"] = (getattr(nn, f"ConstantPad{rank}d")(tuple(border[:-1] + [-1]), 1.5), [("train", x)])
    MODELS[f"constant pad {rank}d, even"] = (getattr(nn, f"ConstantPad{rank}d")(1, 2), [("train", x)])
    MODELS[f"reflection pad {rank}d"] = (getattr(nn, f"ReflectionPad{rank}d")(tuple(border)), [("train", x)])
    MODELS[f"replication pad {rank}d"] = (getattr(nn, f"ReplicationPad{rank}d")(tuple(border)), [("train", x)])
    MODELS[f"replication pad {rank}d, even"] = (getattr(nn, f"ReplicationPad{rank}d")(2), [("train", x)])
MODELS["zero pad 2d"] = (nn.ZeroPad2d((1, 0, -1, 2)), [("train", small)])
MODELS["zero pad 2d, even"] = (nn.ZeroPad2d(2), [("train", small)])
