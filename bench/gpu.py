"""What PyTorch, eager and on CUDA, takes for the cases of gpu.mjs: milliseconds by their names, as JSON. Fails where it is not at hand."""

import json
import statistics
import sys
import time

import torch
from torch import nn

if not torch.cuda.is_available():
    sys.exit(1)
torch.backends.cuda.matmul.allow_tf32 = False
torch.backends.cudnn.allow_tf32 = False

task = json.load(sys.stdin)
quick = task["quick"]
cuda = torch.device("cuda")
took = {}


def timed(run):
    """Milliseconds of one run: what happens once drops out."""
    for _ in range(3):
        run()
    torch.cuda.synchronize()

    def of(count):
        began = time.perf_counter()
        for _ in range(count):
            run()
        torch.cuda.synchronize()
        return 1000 * (time.perf_counter() - began)

    count = 1
    while of(count) < 200 and count < 4096:
        count *= 2
    return statistics.median((of(2 * count) - of(count)) / count for _ in range(7))


class Residual(nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body, self.shortcut = body, shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class GlobalPool(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def build(layers):
    modules = []
    for layer in layers:
        op = layer["op"]
        if op == "linear":
            modules.append(nn.Linear(layer["in"], layer["out"]))
        elif op == "conv":
            modules.append(
                nn.Conv2d(layer["in"], layer["out"], layer["field"], layer["stride"], layer["pad"], bias=layer["bias"])
            )
        elif op == "batchNorm":
            modules.append(nn.BatchNorm2d(layer["channels"]))
        elif op == "residual":
            modules.append(Residual(build(layer["body"]), build(layer["shortcut"])))
        elif op == "encoder":
            modules.append(
                nn.TransformerEncoderLayer(
                    layer["width"], layer["heads"], layer["hidden"], 0.0, "gelu", batch_first=True, norm_first=True
                )
            )
        else:
            modules.append({"relu": nn.ReLU, "globalPool": GlobalPool, "flatten": nn.Flatten}.get(op, lambda: nn.MaxPool2d(2))())
    return nn.Sequential(*modules)


for n in [256] if quick else [1024, 2048, 4096]:
    a, b = torch.randn(n, n, device=cuda), torch.randn(n, n, device=cuda)
    took[f"matmul {n}"] = timed(lambda: a @ b)
    took[f"matmul {n}, transposed"] = timed(lambda: a @ b.T)

n = 1 << 18 if quick else 1 << 26
a, b = torch.rand(n, device=cuda), torch.rand(n, device=cuda)
rows = a.reshape(-1, 1024)
took["add"] = timed(lambda: a + b)
took["relu"] = timed(lambda: a.relu())
took["exp"] = timed(lambda: a.exp())
took["sum"] = timed(lambda: a.sum())
took["softmax of rows of 1024"] = timed(lambda: rows.softmax(1))
took["sum of columns"] = timed(lambda: rows.sum(0))
took["transposed copy"] = timed(lambda: rows.T.contiguous())

n = 1 << 18 if quick else 1 << 25
parameter = torch.randn(n, device=cuda, requires_grad=True)
parameter.grad = torch.randn(n, device=cuda)
adam = torch.optim.Adam([parameter], lr=1e-3)
took["Adam"] = timed(adam.step)

for name, net in task["nets"].items():
    if net["trainBatch"] == 0:
        continue
    model = build(net["layers"]).to(cuda).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    shape = [net["trainBatch"], *net["input"]]
    x = torch.randn(shape, device=cuda)
    classes = net["loss"] == "crossEntropy"
    y = torch.randint(net["classes"], (shape[0],), device=cuda) if classes else torch.randn(shape, device=cuda)

    def step():
        optimizer.zero_grad()
        out = model(x)
        loss = nn.functional.cross_entropy(out, y) if classes else nn.functional.mse_loss(out, y)
        loss.backward()
        optimizer.step()

    took[f"{name} training"] = took[f"{name} training, captured"] = timed(step)

json.dump(took, sys.stdout)
