"""PyTorch in the comparison, on one thread: the same commands as child.mjs.

usage: pytorch.py VALUES.json, which names the layers and a file with the values of parameters and inputs.
"""

import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"


def say(answer):
    sys.stdout.write("@" + json.dumps(answer) + "\n")
    sys.stdout.flush()


try:
    import numpy
    import torch
    from torch import nn
except ImportError as error:
    say({"absent": str(error)})
    sys.exit(0)

torch.set_num_threads(1)
torch.set_num_interop_threads(1)


class Residual(nn.Module):
    def __init__(self, body, shortcut):
        super().__init__()
        self.body = body
        self.shortcut = shortcut

    def forward(self, x):
        return self.body(x) + self.shortcut(x)


class GlobalPool(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def build(layers, slots):
    """The layers as a module; appends their values to slots in the shared order."""
    modules = []
    for layer in layers:
        op = layer["op"]
        if op == "linear":
            module = nn.Linear(layer["in"], layer["out"])
            slots += [module.weight, module.bias]
        elif op == "conv":
            module = nn.Conv2d(
                layer["in"], layer["out"], layer["field"], layer["stride"], layer["pad"], bias=layer["bias"]
            )
            slots += [module.weight] + ([module.bias] if layer["bias"] else [])
        elif op == "batchNorm":
            module = nn.BatchNorm2d(layer["channels"])
            slots += [module.weight, module.bias, module.running_mean, module.running_var]
        elif op == "residual":
            body = build(layer["body"], slots)
            module = Residual(body, build(layer["shortcut"], slots))
        elif op == "encoder":
            module = nn.TransformerEncoderLayer(
                layer["width"], layer["heads"], layer["hidden"], 0.0, "gelu", batch_first=True, norm_first=True
            )
            attention = module.self_attn
            for part in (module.norm1, None, attention.out_proj, module.norm2, module.linear1, module.linear2):
                if part is None:
                    slots += [attention.in_proj_weight, attention.in_proj_bias]
                else:
                    slots += [part.weight, part.bias]
        else:
            module = {"relu": nn.ReLU, "maxPool": lambda: nn.MaxPool2d(2), "globalPool": GlobalPool, "flatten": nn.Flatten}[
                op
            ]()
        modules.append(module)
    return nn.Sequential(*modules)


with open(sys.argv[1]) as file:
    given = json.load(file)
numbers = numpy.fromfile(given["file"], dtype=numpy.float32)


def prepare(task):
    slots = []
    model = build(given["layers"], slots)
    at = 0
    with torch.no_grad():
        for slot, shape in zip(slots, given["shapes"]):
            assert list(slot.shape) == shape, (slot.shape, shape)
            size = slot.numel()
            slot.copy_(torch.from_numpy(numbers[at : at + size].copy()).reshape(shape))
            at += size
    place = given["inputs"][task]
    x = torch.from_numpy(numbers[place["x"][0] : place["x"][1]].copy()).reshape(place["shape"])
    if task != "train":
        model.eval()

        def answer():
            with torch.inference_mode():
                return model(x).numpy().ravel()

        return answer
    model.train()
    target = torch.from_numpy(numbers[place["target"][0] : place["target"][1]].copy())
    entropy = given["loss"] == "crossEntropy"
    target = target.long() if entropy else target.reshape(place["shape"])
    loss_of = nn.CrossEntropyLoss() if entropy else nn.MSELoss()
    adam = given["adam"]
    optimizer = torch.optim.Adam(
        model.parameters(), lr=adam["lr"], betas=(adam["beta1"], adam["beta2"]), eps=adam["eps"]
    )

    def step():
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(model(x), target)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def digest(output):
    step = max(1, len(output) // 61)
    sample = [float(output[i * step]) for i in range(min(61, len(output)))]
    return sample + [float(numpy.abs(output.astype(numpy.float64)).mean()), len(output)]


work = None
for line in sys.stdin:
    command = json.loads(line)
    try:
        if "prepare" in command:
            work = prepare(command["prepare"])
            began = time.perf_counter()
            answer = [work() for _ in range(3)] if command["prepare"] == "train" else digest(work())
            while time.perf_counter() - began < 0.4:
                work()
            last = time.perf_counter()
            work()
            say({"version": torch.__version__, "answer": answer, "ms": (time.perf_counter() - last) * 1000})
        else:
            times = []
            calls = command["calls"]
            cpu = time.process_time()
            began = time.perf_counter()
            while not times or (time.perf_counter() - began) * 1000 < command["run"]:
                start = time.perf_counter()
                for _ in range(calls):
                    work()
                times.append((time.perf_counter() - start) * 1000 / calls)
            cores = (time.process_time() - cpu) / (time.perf_counter() - began)
            times.sort()
            say({"ms": times[len(times) // 2], "best": times[0], "cores": cores})
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent reports it
        say({"failed": str(error).split("\n")[0]})
