"""Writes distill.json: distillation losses and their gradients, written from the papers' formulas. python3 distill.py (torch)."""
import json
import os

import torch
import torch.nn.functional as F

here = os.path.dirname(os.path.abspath(__file__))
torch.manual_seed(11)
torch.set_default_dtype(torch.float64)


def numbers(t):
    return [float(v) for v in t.detach().reshape(-1)]


def rounded(*shape, scale=1.0):
    # Values that float32 holds exactly, so that both sides begin from the same numbers.
    return (torch.randn(*shape) * scale).float().double()


def kd(s, t, T):
    p, q = F.softmax(t / T, 1), F.softmax(s / T, 1)
    return T * T * (p * (p / q).log()).sum(1).mean()


def dkd(s, t, label, alpha, beta, T):
    # Equations 3 to 7: binary probabilities of the class and of all others, and the distribution among the others.
    total = 0
    for n in range(len(s)):
        c = int(label[n])
        others = [k for k in range(s.shape[1]) if k != c]
        p, q = F.softmax(t[n] / T, 0), F.softmax(s[n] / T, 0)
        target = p[c] * (p[c] / q[c]).log() + p[others].sum() * (p[others].sum() / q[others].sum()).log()
        ph, qh = F.softmax(t[n, others] / T, 0), F.softmax(s[n, others] / T, 0)
        total = total + alpha * target + beta * (ph * (ph / qh).log()).sum()
    return T * T * total / len(s)


def attention(s, t, p):
    def look(x):
        a = x.abs().pow(p).mean(1).flatten(1)
        return a / a.norm(dim=1, keepdim=True)

    return (look(s) - look(t)).pow(2).mean()


def huber(a, b):
    d = (a - b).abs()
    return torch.where(d < 1, 0.5 * d * d, d - 0.5).mean()


def rkd_distance(s, t):
    def apart(x):
        n = len(x)
        d = torch.stack([torch.stack([(x[i] - x[j]).norm() if i != j else x.sum() * 0 for j in range(n)]) for i in range(n)])
        return d / (d.sum() / (n * (n - 1)))

    return huber(apart(s), apart(t))


def rkd_angle(s, t):
    def turn(x):
        n, f = x.shape
        zero = torch.zeros(f)
        towards = [[(x[i] - x[j]) / (x[i] - x[j]).norm() if i != j else zero for i in range(n)] for j in range(n)]
        return torch.stack([torch.stack([torch.stack([(towards[j][i] * towards[j][k]).sum() for k in range(n)]) for i in range(n)]) for j in range(n)])

    return huber(turn(s), turn(t))


def contrast(anchor, positive, negatives, excluded, temperature, log_mean):
    # Equations 10 and 19: h = e / (e + K m), with e = exp(similarity / temperature) and m its mean over random pairs.
    K = len(negatives)
    m = torch.tensor(log_mean).exp()
    e = ((anchor * positive).sum(1) / temperature).exp()
    loss = -(e / (e + K * m)).log().sum()
    e = (anchor @ negatives.t() / temperature).exp()
    loss = loss - ((1 - e / (e + K * m)).log() * (~excluded)).sum()
    return loss / len(anchor)


def mutual(logits, label, T, weight, which):
    own = logits[which]
    others = [kd(own, other.detach(), T) for i, other in enumerate(logits) if i != which]
    return F.cross_entropy(own, label) + weight * sum(others) / len(others)


cases = []


def case(loss, options, inputs, fn):
    """The value, and the gradient of the first input."""
    student = inputs["student"].clone().requires_grad_()
    value = fn(**{**inputs, "student": student})
    (gradient,) = torch.autograd.grad(value, [student])
    cases.append({
        "loss": loss,
        "options": options,
        "inputs": {k: {"shape": list(v.shape), "values": numbers(v)} for k, v in inputs.items()},
        "value": float(value),
        "gradient": numbers(gradient),
    })


labels = torch.tensor([0, 3, 2, 4, 1, 1])
for scale, T in [(1, 4), (5, 1), (20, 20)]:
    s, t = rounded(6, 5, scale=scale), rounded(6, 5, scale=scale)
    case("kd", {"temperature": T}, {"student": s, "teacher": t}, lambda student, teacher: kd(student, teacher, T))
    for alpha, beta in [(1, 8), (0.5, 2), (0, 1), (1, 0)]:
        case(
            "dkd", {"alpha": alpha, "beta": beta, "temperature": T}, {"student": s, "teacher": t, "labels": labels},
            lambda student, teacher, labels: dkd(student, teacher, labels, alpha, beta, T),
        )
for p in [1, 2, 4]:
    s, t = rounded(2, 3, 4, 5), rounded(2, 6, 4, 5)
    case("attention", {"p": p}, {"student": s, "teacher": t}, lambda student, teacher: attention(student, teacher, p))
s, t = rounded(2, 3, 4, 6), rounded(2, 5, 2, 3)
case(
    "attention", {"p": 2}, {"student": s, "teacher": t},
    lambda student, teacher: attention(F.avg_pool2d(student, 2), teacher, 2),
)
for scale in [1, 30]:
    s, t = rounded(5, 4, scale=scale), rounded(5, 7)
    case("rkdDistance", {}, {"student": s, "teacher": t}, lambda student, teacher: rkd_distance(student, teacher))
    case("rkdAngle", {}, {"student": s, "teacher": t}, lambda student, teacher: rkd_angle(student, teacher))
    case(
        "rkd", {"distance": 25, "angle": 50}, {"student": s, "teacher": t},
        lambda student, teacher: 25 * rkd_distance(student, teacher) + 50 * rkd_angle(student, teacher),
    )
for temperature, log_mean in [(0.07, 0.0), (0.5, 0.75)]:
    s, t, n = (F.normalize(rounded(rows, 6)).float().double() for rows in (4, 4, 9))
    excluded = torch.zeros(4, 9, dtype=torch.bool)
    excluded[0, 3] = excluded[2, 8] = True
    case(
        "contrastive", {"temperature": temperature, "logMean": log_mean},
        {"student": s, "teacher": t, "negatives": n, "excluded": excluded},
        lambda student, teacher, negatives, excluded: contrast(student, teacher, negatives, excluded, temperature, log_mean),
    )
for T, weight in [(1, 1), (3, 0.5)]:
    s, t, u = rounded(6, 5), rounded(6, 5), rounded(6, 5)
    case(
        "mutual", {"temperature": T, "weight": weight}, {"student": s, "teacher": t, "third": u, "labels": labels},
        lambda student, teacher, third, labels: mutual([student, teacher, third], labels, T, weight, 0),
    )

with open(os.path.join(here, "distill.json"), "w") as file:
    json.dump({"torch": torch.__version__, "cases": cases}, file, indent=None, separators=(",", ":"))
    file.write("\n")
