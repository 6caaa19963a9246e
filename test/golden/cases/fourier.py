"""Fourier transforms and windows. Complex tensors are pairs in a last dimension, as view_as_real gives them."""
import torch

from golden import CALLS, INF, NAN, T, case, refusal, spread, values


def pairs(z):
    return torch.view_as_real(z.resolve_conj())


def seen(x, is_complex):
    return torch.view_as_complex(x.contiguous()) if is_complex else x


def transform(fn, takes, gives):
    """`fn` on real tensors or pairs. `takes` is whether its input is complex unless said otherwise, None where it must be."""

    def call(input, *args, complex=takes, **options):
        y = fn(seen(input, takes is None or complex), *args, **options)
        return pairs(y) if gives else y

    return call


for name, takes, gives in [("fft", False, True), ("ifft", True, True), ("rfft", False, True), ("irfft", None, False)]:
    for suffix in ["", "2", "n"]:
        CALLS[name + suffix] = transform(getattr(torch.fft, name + suffix), takes, gives)

LENGTHS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 15, 16, 17, 19, 20, 23, 25, 32, 34, 37, 64, 101]
for n in LENGTHS:
    case("fft", [spread([2, n] if n < 20 else [n])], sums=True)
    case("ifft", [spread([n, 2])], sums=True)
    case("rfft", [spread([n])], sums=True)
    case("irfft", [spread([n // 2 + 1, 2])], [n], sums=True)
case("fft", [spread([2, 5, 2])], [{"complex": True}], "complex", sums=True)
case("fft", [spread([17, 2])], [{"complex": True}], "complex", sums=True)
case("ifft", [spread([2, 5])], [{"complex": False}], "real", sums=True)
for norm in ["backward", "ortho", "forward"]:
    case("fft", [spread([6])], [{"norm": norm}], sums=True)
    case("ifft", [spread([6, 2])], [{"norm": norm}], sums=True)
    case("rfft", [spread([7])], [{"norm": norm}], sums=True)
    case("irfft", [spread([4, 2])], [{"norm": norm}], sums=True)
for n in [4, 9]:
    case("fft", [spread([2, 6])], [n], sums=True)
    case("fft", [spread([2, 6, 2])], [{"n": n, "complex": True}], sums=True)
    case("ifft", [spread([2, 6, 2])], [n], sums=True)
    case("rfft", [spread([2, 6])], [n], sums=True)
    case("irfft", [spread([2, 4, 2])], [n], sums=True)
    case("irfft", [spread([2, 7, 2])], [n], sums=True)
for dim in [0, 1, -2]:
    case("fft", [spread([3, 4, 2])], [None, dim], sums=True)
    case("ifft", [spread([3, 4, 2, 2])], [{"dim": dim}], sums=True)
    case("rfft", [spread([3, 4, 2])], [5, dim, "ortho"], sums=True)
    case("irfft", [spread([3, 4, 2, 2])], [{"n": 5, "dim": dim}], sums=True)
case("fft", [spread([0, 4])], [], "no signals", sums=True)
case("fft", [spread([5, 3], view=[["transpose", 0, 1]])], [], "view", sums=True)
case("fft", [spread([5], -50, 50, dtype="int32")], [], "whole numbers", sums=True)
case("rfft", [values([1, -0.0, 0, 0])], [], "impulse", sums=True)
refusal("fft", [spread([0])], [], "empty")
refusal("fft", [spread([4])], [0], "length 0")
refusal("fft", [spread([4])], [{"norm": "half"}], "norm")
refusal("fft", [spread([4])], [None, 1], "dim")
refusal("irfft", [spread([1, 2])], [], "nothing")
for shape in [[4, 6], [3, 5], [2, 3, 4]]:
    case("fft2", [spread(shape)], sums=True)
    case("rfft2", [spread(shape)], sums=True)
    case("fftn", [spread(shape)], sums=True)
    case("rfftn", [spread(shape)], sums=True)
    case("ifft2", [spread([*shape, 2])], sums=True)
    case("irfft2", [spread([*shape, 2])], sums=True)
    case("ifftn", [spread([*shape, 2])], sums=True)
    case("irfftn", [spread([*shape, 2])], sums=True)
case("fft2", [spread([4, 5])], [[3, 6], [0, 1], "ortho"], sums=True)
case("fft2", [spread([2, 4, 5])], [{"dim": [0, 2], "norm": "forward"}], sums=True)
case("rfft2", [spread([4, 5])], [{"s": [3, 6]}], sums=True)
case("irfft2", [spread([4, 5, 2])], [{"s": [3, 7]}], sums=True)
case("fftn", [spread([2, 3, 4])], [{"dim": [0]}], sums=True)
case("fftn", [spread([2, 3, 4])], [[3, 2]], sums=True)
case("rfftn", [spread([2, 3, 4])], [{"dim": [2, 0]}], sums=True)
case("irfftn", [spread([3, 4, 2])], [{"s": [5], "dim": [0]}], sums=True)
case("ifftn", [spread([3, 4, 2])], [{"norm": "ortho"}], sums=True)
refusal("fft2", [spread([4])], [], "one dimension")
refusal("fftn", [spread([4, 3])], [{"dim": [0, 0]}], "twice")

CALLS.update(fftfreq=torch.fft.fftfreq, rfftfreq=torch.fft.rfftfreq, fftshift=torch.fft.fftshift, ifftshift=torch.fft.ifftshift)
for name in ["fftfreq", "rfftfreq"]:
    for n in [1, 2, 5, 8]:
        case(name, [], [n])
        case(name, [], [n, 0.25])
for name in ["fftshift", "ifftshift"]:
    for shape in [[5], [6], [3, 4], [2, 3, 1]]:
        case(name, [spread(shape)])
    case(name, [spread([3, 4])], [1])
    case(name, [spread([3, 4, 5])], [[0, 2]])

for name in ["hannWindow", "hammingWindow", "blackmanWindow", "bartlettWindow", "kaiserWindow"]:
    for n in [0, 1, 2, 3, 5, 8, 16]:
        case(name, [], [n], sums=True)
        # Of two ends of a Blackman window PyTorch sees the rounding of 0.42 alone.
        if (name, n) != ("blackmanWindow", 2):
            case(name, [], [n, False], sums=True)
    case(name, [], [7, {"periodic": False}], sums=True)
    refusal(name, [], [-1], "negative")
case("hammingWindow", [], [6, True, 0.5, 0.4], sums=True)
case("kaiserWindow", [], [6, False, 5.0], sums=True)


def stft(input, n_fft, *args, return_complex=True, **options):
    return pairs(torch.stft(input, n_fft, *args, return_complex=True, **options))


def istft(input, n_fft, *args, **options):
    return torch.istft(seen(input, True), n_fft, *args, **options)


CALLS["stft"], CALLS["istft"] = stft, istft
case("stft", [spread([20])], [8], sums=True)
case("stft", [spread([2, 20])], [8, 3], sums=True)
case("stft", [spread([2, 21]), spread([8], 0.1, 1)], [T(0), 8, {"window": T(1), "hopLength": 4}], sums=True)
case("stft", [spread([20]), spread([5], 0.1, 1)], [T(0), 8, 2, 5, T(1)], "short window", sums=True)
case("stft", [spread([20])], [8, 2, 6], "short window of ones", sums=True)
case("stft", [spread([20]), spread([8], 0.1, 1)], [T(0), 8, 4, 8, T(1), False, "reflect", True, False], "by position", sums=True)
for mode in ["reflect", "constant", "replicate", "circular"]:
    case("stft", [spread([2, 15])], [6, {"padMode": mode}], mode, sums=True)
case("stft", [spread([20])], [7, {"center": False, "hopLength": 3}], "odd", sums=True)
case("stft", [spread([20])], [8, {"normalized": True}], sums=True)
case("stft", [spread([20])], [8, {"onesided": False}], sums=True)
case("stft", [spread([20])], [8, {"returnComplex": True}], sums=True)
case("stft", [spread([40])], [17, {"hopLength": 5}], "prime", sums=True)
for inputs, args, label in [
    ([spread([5])], [8, {"center": False}], "too short"),
    ([spread([20])], [8, 0], "hop"),
    ([spread([20])], [8, 2, 9], "window too long"),
    ([spread([2, 2, 20])], [8], "three dimensions"),
    ([spread([3])], [8], "reflection too short"),
]:
    refusal("stft", inputs, args, label)
refusal("stft", [spread([20]), spread([7])], [T(0), 8, {"window": T(1)}], "window")

case("istft", [spread([5, 6, 2])], [8], ulps=32)
case("istft", [spread([2, 5, 6, 2]), spread([8], 0.3, 1)], [T(0), 8, {"window": T(1), "hopLength": 3}], ulps=32)
case("istft", [spread([5, 6, 2])], [8, {"length": 7}], "shorter", ulps=32)
case("istft", [spread([5, 6, 2])], [8, {"length": 15}], "longer", ulps=32)
case("istft", [spread([5, 6, 2])], [8, {"center": False}], "not centred", ulps=32)
case("istft", [spread([5, 6, 2])], [8, {"normalized": True}], ulps=32)
case("istft", [spread([8, 4, 2])], [8, {"onesided": False}], "both sides", ulps=32)
case("istft", [spread([8, 4, 2])], [8], "both sides, found out", ulps=32)
case("istft", [spread([4, 4, 2]), spread([5], 0.3, 1)], [T(0), 7, 2, 5, T(1), True, False, True], "by position", ulps=32)
refusal("istft", [spread([4, 6, 2])], [8], "frequencies")
refusal("istft", [spread([5, 6, 2])], [8, 9], "hop")
refusal("istft", [spread([5, 6, 2])], [8, 4, 2], "gaps")
