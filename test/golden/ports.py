"""
Writes ports/NAME.json for each function NAME below: programs as PyTorch's users write them, and the losses, weights and outputs
that PyTorch gets. test/ports/NAME.test.ts has the same program line by line. Run with a Python that has PyTorch 1.13 or later:
python3 ports.py [NAME …]
"""
import copy
import json
import math
import os
import sys
import warnings

sys.dont_write_bytecode = True
warnings.filterwarnings("ignore")

import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from torch import nn, optim  # noqa: E402

from golden import formula, shortest  # noqa: E402


def given(seed, shape, low=-1.0, high=1.0):
    """Data that port.ts makes too."""
    return torch.from_numpy(formula(seed, shape, low, high)).float()


def labels(seed, shape, count):
    return torch.from_numpy(formula(seed, shape, 0, count, 1)).long()


def fill(model):
    """Sets parameter k by the formula with seed k + 1: matrices as wide as PyTorch begins, scales near 1, biases near 0."""
    with torch.no_grad():
        for k, (name, p) in enumerate(model.named_parameters()):
            if p.dim() > 1:
                bound = 1 / math.sqrt(p.numel() / p.shape[0])
                p.copy_(given(k + 1, p.shape, -bound, bound))
            else:
                middle = 0 if "bias" in name else 1
                p.copy_(given(k + 1, p.shape, middle - 0.1, middle + 0.1))
    return model


def gpt():
    class Attention(nn.Module):
        def __init__(self, width, heads, time):
            super().__init__()
            self.attn = nn.Linear(width, 3 * width)
            self.proj = nn.Linear(width, width)
            self.heads = heads
            self.register_buffer("mask", torch.tril(torch.ones(time, time)).view(1, 1, time, time))

        def forward(self, x):
            B, T, C = x.size()
            q, k, v = self.attn(x).split(C, dim=2)
            k = k.view(B, T, self.heads, C // self.heads).transpose(1, 2)
            q = q.view(B, T, self.heads, C // self.heads).transpose(1, 2)
            v = v.view(B, T, self.heads, C // self.heads).transpose(1, 2)
            att = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
            att = att.masked_fill(self.mask[:, :, :T, :T] == 0, float("-inf"))
            att = F.softmax(att, dim=-1)
            y = (att @ v).transpose(1, 2).contiguous().view(B, T, C)
            return self.proj(y)

    class Block(nn.Module):
        def __init__(self, width, heads, time):
            super().__init__()
            self.ln1 = nn.LayerNorm(width)
            self.attn = Attention(width, heads, time)
            self.ln2 = nn.LayerNorm(width)
            self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

        def forward(self, x):
            x = x + self.attn(self.ln1(x))
            return x + self.mlp(self.ln2(x))

    class GPT(nn.Module):
        def __init__(self, vocabulary, width, heads, time, depth):
            super().__init__()
            self.time = time
            self.wte = nn.Embedding(vocabulary, width)
            self.wpe = nn.Embedding(time, width)
            self.h = nn.ModuleList([Block(width, heads, time) for _ in range(depth)])
            self.lnf = nn.LayerNorm(width)
            self.head = nn.Linear(width, vocabulary, bias=False)
            self.wte.weight = self.head.weight

        def forward(self, idx):
            pos = torch.arange(0, idx.size(1), dtype=torch.long).unsqueeze(0)
            x = self.wte(idx) + self.wpe(pos)
            for block in self.h:
                x = block(x)
            return self.head(self.lnf(x))

        @torch.no_grad()
        def generate(self, idx, count, temperature, top_k):
            for _ in range(count):
                cond = idx if idx.size(1) <= self.time else idx[:, -self.time:]
                logits = self(cond)[:, -1, :] / temperature
                v, _ = torch.topk(logits, min(top_k, logits.size(-1)))
                logits[logits < v[:, [-1]]] = -float("inf")
                probs = F.softmax(logits, dim=-1)
                idx = torch.cat((idx, torch.multinomial(probs, num_samples=1)), dim=1)
            return idx

    model = fill(GPT(13, 16, 4, 8, 2))
    decay = [p for p in model.parameters() if p.dim() >= 2]
    rest = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": decay, "weight_decay": 0.1}, {"params": rest, "weight_decay": 0.0}]
    optimizer = optim.AdamW(groups, lr=1e-2, betas=(0.9, 0.95))
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=12, eta_min=1e-3)
    tokens = labels(90, (4, 9), 13)
    targets = tokens[:, 1:]
    losses, norms, rates = [], [], []
    for _ in range(12):
        logits = model(tokens[:, :-1])
        loss = F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1), ignore_index=-1)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norms.append(nn.utils.clip_grad_norm_(model.parameters(), 1.0))
        optimizer.step()
        scheduler.step()
        losses.append(loss)
        rates.append(scheduler.get_last_lr()[0])
    model.eval()
    return {"losses": losses, "norms": norms, "rates": rates, "wte": model.wte.weight,
            "said": model.generate(tokens[:2, :3], 8, temperature=0.8, top_k=1)}


def resnet():
    class Shortcut(nn.Module):
        def __init__(self, more):
            super().__init__()
            self.more = more

        def forward(self, x):
            return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more // 2, self.more // 2), "constant", 0)

    class Block(nn.Module):
        def __init__(self, planes_in, planes, stride=1):
            super().__init__()
            self.conv1 = nn.Conv2d(planes_in, planes, kernel_size=3, stride=stride, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(planes)
            self.conv2 = nn.Conv2d(planes, planes, kernel_size=3, stride=1, padding=1, bias=False)
            self.bn2 = nn.BatchNorm2d(planes)
            self.shortcut = Shortcut(planes - planes_in) if stride != 1 else nn.Sequential()

        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            out = self.bn2(self.conv2(out))
            out += self.shortcut(x)
            return F.relu(out)

    class ResNet(nn.Module):
        def __init__(self, widths, blocks, classes):
            super().__init__()
            self.conv1 = nn.Conv2d(3, widths[0], kernel_size=3, padding=1, bias=False)
            self.bn1 = nn.BatchNorm2d(widths[0])
            layers = []
            planes_in = widths[0]
            for planes in widths:
                for n in range(blocks):
                    layers.append(Block(planes_in, planes, 2 if n == 0 and planes != widths[0] else 1))
                    planes_in = planes
            self.layers = nn.Sequential(*layers)
            self.linear = nn.Linear(planes_in, classes)

        def forward(self, x):
            out = F.relu(self.bn1(self.conv1(x)))
            out = self.layers(out)
            out = F.avg_pool2d(out, out.size()[3])
            return self.linear(out.view(out.size(0), -1))

    model = fill(ResNet([4, 8, 16], 3, 5))
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    optimizer = optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4, nesterov=True)
    scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[4, 7], gamma=0.1)
    x, y = given(90, (8, 3, 8, 8)), labels(91, (8,), 5)
    losses, correct = [], []
    for _ in range(9):
        model.train()
        optimizer.zero_grad()
        out = model(x)
        loss = criterion(out, y)
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss)
        correct.append((out.max(1)[1] == y).sum())
    model.eval()
    with torch.no_grad():
        logits = model(x)
    return {"losses": losses, "correct": correct, "logits": logits, "running_var": model.bn1.running_var,
            "batches": model.bn1.num_batches_tracked, "rate": optimizer.param_groups[0]["lr"]}


def seq2seq():
    from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

    PAD, START = 0, 1

    class Encoder(nn.Module):
        def __init__(self, words, width, hidden):
            super().__init__()
            self.embedding = nn.Embedding(words, width, padding_idx=PAD)
            self.lstm = nn.LSTM(width, hidden, num_layers=1, batch_first=True, bidirectional=True)
            self.bridge = nn.Linear(2 * hidden, hidden)

        def forward(self, source, lengths):
            packed = pack_padded_sequence(self.embedding(source), lengths, batch_first=True, enforce_sorted=False)
            outputs, (h, c) = self.lstm(packed)
            outputs, _ = pad_packed_sequence(outputs, batch_first=True)
            h = torch.tanh(self.bridge(torch.cat((h[-2], h[-1]), dim=1)))
            c = torch.tanh(self.bridge(torch.cat([c[-2, :, :], c[-1, :, :]], dim=1)))
            return outputs, (h, c)

    class Decoder(nn.Module):
        def __init__(self, words, width, hidden):
            super().__init__()
            self.embedding = nn.Embedding(words, width, padding_idx=PAD)
            self.cell = nn.LSTMCell(width + 2 * hidden, hidden)
            self.query = nn.Linear(hidden, 2 * hidden, bias=False)
            self.out = nn.Linear(3 * hidden, words)

        def forward(self, token, state, context, memory, mask):
            state = self.cell(torch.cat([self.embedding(token), context], dim=-1), state)
            scores = torch.bmm(memory, self.query(state[0]).unsqueeze(2)).squeeze(2)
            weights = F.softmax(scores.masked_fill(mask, -1e9), dim=1)
            context = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
            return self.out(torch.cat([state[0], context], dim=-1)), state, context

    encoder, decoder = fill(Encoder(11, 6, 8)), fill(Decoder(9, 6, 8))
    optimizer = optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=0.02)
    sizes = [(3, 4), (6, 2), (4, 5)]
    source = pad_sequence([labels(90 + k, (n,), 9) + 2 for k, (n, _) in enumerate(sizes)], batch_first=True, padding_value=PAD)
    target = pad_sequence([labels(95 + k, (n,), 7) + 2 for k, (_, n) in enumerate(sizes)], batch_first=True)
    lengths = torch.tensor([n for n, _ in sizes])
    losses = []
    for epoch in range(12):
        memory, state = encoder(source, lengths)
        mask = source == PAD
        context = torch.zeros(3, 16)
        token = torch.full((3,), START, dtype=torch.long)
        logits = []
        for t in range(target.size(1)):
            step, state, context = decoder(token, state, context, memory, mask)
            logits.append(step)
            token = target[:, t] if (t + epoch) % 3 else step.argmax(1).detach()
        loss = F.cross_entropy(torch.stack(logits, dim=1).transpose(1, 2), target, ignore_index=PAD)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss)
    return {"losses": losses, "source": source, "memory": memory, "embedding": encoder.embedding.weight,
            "query": decoder.query.weight, "chosen": torch.stack(logits, 1).argmax(-1)}


def vae():
    class VAE(nn.Module):
        def __init__(self, latent):
            super().__init__()
            self.encoder = nn.Sequential(
                nn.Conv2d(1, 4, 3, stride=2, padding=1), nn.LeakyReLU(0.2, inplace=True),
                nn.Conv2d(4, 8, 3, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(),
            )
            self.mu = nn.Linear(32, latent)
            self.logvar = nn.Linear(32, latent)
            self.decoder = nn.Sequential(
                nn.Linear(latent, 32), nn.ReLU(), nn.Unflatten(1, (8, 2, 2)),
                nn.ConvTranspose2d(8, 4, 3, stride=2, padding=1, output_padding=1), nn.ReLU(),
                nn.ConvTranspose2d(4, 1, 4, 2, 1), nn.Sigmoid(),
            )

        def forward(self, x, eps):
            h = self.encoder(x)
            mu, logvar = self.mu(h), self.logvar(h)
            std = torch.exp(0.5 * logvar)
            return self.decoder(mu + eps * std), mu, logvar

    model = fill(VAE(3))
    optimizer = optim.Adam(model.parameters(), lr=1e-2)
    x = given(90, (6, 1, 8, 8), 0, 1)
    losses, divergences = [], []
    for step in range(12):
        recon, mu, logvar = model(x, given(100 + step, (6, 3)))
        bce = F.binary_cross_entropy(recon, x, reduction="sum")
        kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
        loss = bce + kld
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss)
        divergences.append(kld)
    return {"losses": losses, "divergences": divergences, "weight": model.decoder[-2].weight}


def gan():
    """Wasserstein GAN with gradient penalty (Gulrajani et al. 2017)."""
    generator = fill(nn.Sequential(nn.Linear(4, 16), nn.BatchNorm1d(16), nn.ReLU(True), nn.Linear(16, 2), nn.Tanh()))
    critic = fill(nn.Sequential(nn.Linear(2, 16), nn.LeakyReLU(0.2), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1)))
    optimizerG = optim.Adam(generator.parameters(), lr=1e-2, betas=(0.0, 0.9))
    optimizerD = optim.Adam(critic.parameters(), lr=1e-2, betas=(0.0, 0.9))
    real = given(90, (8, 2))
    lossesD, lossesG, penalties = [], [], []
    for step in range(10):
        fake = generator(given(100 + step, (8, 4)))
        alpha = given(200 + step, (8, 1), 0, 1)
        between = (alpha * real + (1 - alpha) * fake.detach()).requires_grad_(True)
        scores = critic(between)
        gradients = torch.autograd.grad(outputs=scores, inputs=between, grad_outputs=torch.ones_like(scores),
                                        create_graph=True, retain_graph=True, only_inputs=True)[0]
        penalty = ((gradients.norm(2, dim=1) - 1) ** 2).mean()
        lossD = critic(fake.detach()).mean() - critic(real).mean() + 10 * penalty
        optimizerD.zero_grad()
        lossD.backward()
        optimizerD.step()

        for p in critic.parameters():
            p.requires_grad_(False)
        lossG = -critic(fake).mean()
        optimizerG.zero_grad()
        lossG.backward()
        optimizerG.step()
        for p in critic.parameters():
            p.requires_grad_(True)
        lossesD.append(lossD)
        lossesG.append(lossG)
        penalties.append(penalty)
    return {"lossesD": lossesD, "lossesG": lossesG, "penalties": penalties, "critic": critic[0].weight, "generator": generator[0].weight}


def maml():
    """Two inner steps of gradient descent, and the derivative through them (Finn et al. 2017)."""
    def net(x, params):
        x = torch.tanh(F.linear(x, params[0], params[1]))
        return F.linear(x, params[2], params[3])

    shapes = [(8, 1), (8,), (1, 8), (1,)]
    params = [given(k + 1, shape).requires_grad_() for k, shape in enumerate(shapes)]
    optimizer = optim.SGD(params, lr=0.05)
    losses = []
    for step in range(10):
        optimizer.zero_grad()
        total = 0
        for task in range(2):
            phase = 0.5 + task + 0.1 * step
            x = given(100 + 2 * step + task, (6, 1), -2, 2)
            y = torch.sin(x + phase)
            fast = params
            for _ in range(2):
                inner = F.mse_loss(net(x[:3], fast), y[:3])
                grads = torch.autograd.grad(inner, fast, create_graph=True)
                fast = [p - 0.1 * g for p, g in zip(fast, grads)]
            total = total + F.mse_loss(net(x[3:], fast), y[3:])
        total.backward()
        optimizer.step()
        losses.append(total)
    return {"losses": losses, "first": params[0], "last": params[2], "grad": params[0].grad}


def dqn():
    class QNet(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 3))

        def forward(self, x):
            return self.layers(x)

    policy = fill(QNet())
    target = copy.deepcopy(policy)
    target.load_state_dict(policy.state_dict())
    for p in target.parameters():
        p.requires_grad = False
    optimizer = optim.RMSprop(policy.parameters(), lr=5e-3)
    memory = [(given(100 + k, (4,)), int(labels(200 + k, (1,), 3)), given(300 + k, (4,)), float(given(400 + k, (1,))), k % 5 == 4) for k in range(24)]
    losses, values = [], []
    for step in range(12):
        batch = [memory[(7 * step + 5 * k) % len(memory)] for k in range(8)]
        state, action, after, reward, done = zip(*batch)
        state, after = torch.stack(state), torch.stack(after)
        action = torch.tensor(action).unsqueeze(1)
        reward = torch.tensor(reward)
        alive = ~torch.tensor(done)
        q = policy(state).gather(1, action)
        expected = torch.zeros(8)
        with torch.no_grad():
            expected[alive] = target(after[alive]).max(1)[0]
        loss = F.smooth_l1_loss(q, (expected * 0.99 + reward).unsqueeze(1))
        optimizer.zero_grad()
        loss.backward()
        for p in policy.parameters():
            p.grad.data.clamp_(-1, 1)
        optimizer.step()
        with torch.no_grad():
            for slow, p in zip(target.parameters(), policy.parameters()):
                slow.mul_(0.9).add_(p, alpha=0.1)
        losses.append(loss)
        values.append(q.mean())
    return {"losses": losses, "values": values, "target": target.layers[0].weight, "policy": policy.layers[2].weight}


PORTS = [gpt, resnet, seq2seq, vae, gan, maml, dqn]


def encode(value):
    if isinstance(value, list):
        return [encode(v) for v in value]
    if isinstance(value, torch.Tensor):
        value = value.detach()
        flat = shortest(value.float().numpy())
        return flat[0] if value.dim() == 0 else flat
    return value


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    for run in PORTS:
        if len(sys.argv) > 1 and run.__name__ not in sys.argv[1:]:
            continue
        with open(os.path.join(here, "ports", f"{run.__name__}.json"), "w") as file:
            record = {name: encode(value) for name, value in run().items()}
            file.write("{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in record.items()) + "\n}\n")
