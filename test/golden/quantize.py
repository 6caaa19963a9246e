"""
Writes quantize.json: parameters of torch.ao.quantization's observers, and fake quantization with its gradients.
python3 quantize.py (torch).

HistogramObserver of torch 1.13 cuts the range over which it counts to whole numbers, which later versions do not; `int` is
replaced within its module so that it leaves tensors as they are.
"""
import builtins
import json
import os

import torch
from torch.ao.quantization import observer as o

from golden import formula

here = os.path.dirname(os.path.abspath(__file__))
o.int = lambda x: x.item() if isinstance(x, torch.Tensor) else builtins.int(x)


def numbers(t):
    return [float(v) for v in t.detach().reshape(-1)]


def batch(seed, shape, scale, shift):
    """Heavy-tailed values: cubes of even ones."""
    u = torch.from_numpy(formula(seed, tuple(shape), -1.0, 1.0)).double().reshape(shape)
    return (u * u * u * scale + shift).float()


STREAMS = {
    "centred": [([300], 2.0, 0.0), ([300], 3.0, 0.0), ([200], 0.5, 0.0)],
    "positive": [([400], 1.0, 1.0), ([400], 4.0, 5.0)],
    "negative": [([100], 1.0, -3.0)],
    "lopsided": [([1000], 1.0, 0.3), ([1000], 2.0, 0.7), ([1000], 8.0, 0.1)],
    "small": [([64], 1e-3, 0.0), ([64], 2e-3, 0.0)],
    "zeros": [([8], 0.0, 0.0)],
}

KINDS = {
    "minmax": o.MinMaxObserver,
    "movingAverage": o.MovingAverageMinMaxObserver,
    "histogram": o.HistogramObserver,
}

observers = []
for name, stream in STREAMS.items():
    for kind, make in KINDS.items():
        for symmetric in [False, True]:
            if name == "zeros":
                continue
            scheme = torch.per_tensor_symmetric if symmetric else torch.per_tensor_affine
            watch = make(dtype=torch.qint8, qscheme=scheme, quant_min=-128, quant_max=127)
            for i, (shape, scale, shift) in enumerate(stream):
                watch(batch(i + 1, shape, scale, shift))
            s, z = watch.calculate_qparams()
            observers.append(
                {
                    "stream": name,
                    "kind": kind,
                    "symmetric": symmetric,
                    "batches": [list(b) for b in stream],
                    "scale": float(s),
                    "zeroPoint": int(z),
                }
            )

channels = []
for axis in [0, 1, 2]:
    for symmetric in [False, True]:
        scheme = torch.per_channel_symmetric if symmetric else torch.per_channel_affine
        watch = o.PerChannelMinMaxObserver(ch_axis=axis, dtype=torch.qint8, qscheme=scheme, quant_min=-128, quant_max=127)
        for i, shift in enumerate([0.0, 0.4]):
            watch(batch(i + 11, [4, 3, 5], 2.0, shift))
        s, z = watch.calculate_qparams()
        channels.append({"axis": axis, "symmetric": symmetric, "scales": numbers(s), "zeroPoints": numbers(z)})

fakes = []
for scale, zero, low, high in [(0.1, 0, -128, 127), (0.02, 7, -128, 127), (0.3, -3, -8, 7), (0.25, 0, -127, 127)]:
    x = batch(21, [5, 7], 6.0, 0.2).requires_grad_()
    y = torch.fake_quantize_per_tensor_affine(x, scale, zero, low, high)
    w = torch.from_numpy(formula(101, (5, 7), -1.0, 1.0)).float().reshape(5, 7)
    (y * w).sum().backward()
    fakes.append({"scale": scale, "zeroPoint": zero, "bounds": [low, high], "y": numbers(y), "grad": numbers(x.grad)})

slices = []
for axis in [0, 1, 2]:
    shape = [3, 4, 2]
    n = shape[axis]
    scale = torch.tensor([0.05 * (i + 1) for i in range(n)])
    zero = torch.tensor([2 * i - 3 for i in range(n)], dtype=torch.int32)
    x = batch(31, shape, 9.0, -0.3).requires_grad_()
    y = torch.fake_quantize_per_channel_affine(x, scale, zero, axis, -128, 127)
    w = torch.from_numpy(formula(101, tuple(shape), -1.0, 1.0)).float().reshape(shape)
    (y * w).sum().backward()
    slices.append(
        {"axis": axis, "scales": numbers(scale), "zeroPoints": numbers(zero), "y": numbers(y), "grad": numbers(x.grad)}
    )

golden = {
    "torch": torch.__version__,
    "observers": observers,
    "channels": channels,
    "fakes": fakes,
    "slices": slices,
}
with open(os.path.join(here, "quantize.json"), "w") as file:
    json.dump(golden, file, indent=None, separators=(",", ":"))
    file.write("\n")
