"""
Golden values of sound: WAV files written by SciPy and Python's wave, mel spectra by librosa's formulas in float64, resampling
by SciPy (of tones that both rates hold) and by the sum that defines a windowed sinc. Run as

    python3 audio.py

which writes audio.json beside it.
"""
import base64
import io
import json
import wave

import numpy as np
import scipy
import scipy.io.wavfile
import scipy.signal

generator = np.random.default_rng(0)


def wav(samples, rate=8000):
    file = io.BytesIO()
    scipy.io.wavfile.write(file, rate, samples)
    return file.getvalue()


def wav24(samples, rate=8000):
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(samples.shape[1])
        out.setsampwidth(3)
        out.setframerate(rate)
        out.writeframes(samples.astype("<i4").reshape(-1, 1).view("u1").reshape(-1, 4)[:, :3].tobytes())
    return file.getvalue()


def case(name, data, scale, shift=0):
    rate, read = scipy.io.wavfile.read(io.BytesIO(data))
    read = read.reshape(len(read), -1).astype(np.float64)
    return {"name": name, "file": base64.b64encode(data).decode(), "rate": rate, "samples": ((read - shift) / scale).T.tolist()}


whole = lambda bits, channels: generator.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (40, channels))
edges = lambda bits, channels: np.vstack([whole(bits, channels), np.full((1, channels), 2 ** (bits - 1) - 1), np.full((1, channels), -(2 ** (bits - 1)))])
files = []
for channels in (1, 2):
    files += [
        case(f"8 bits, {channels}", wav((edges(8, channels) + 128).astype(np.uint8)), 128, 128),
        case(f"16 bits, {channels}", wav(edges(16, channels).astype(np.int16)), 2**15),
        # SciPy gives 24 bits in the upper part of 32.
        case(f"24 bits, {channels}", wav24(edges(24, channels)), 2**31),
        case(f"32 bits, {channels}", wav(edges(32, channels).astype(np.int32)), 2**31),
        case(f"float, {channels}", wav(generator.normal(size=(40, channels)).astype(np.float32)), 1),
        case(f"double, {channels}", wav(generator.normal(size=(40, channels))), 1),
    ]


def hz_to_mel(f):
    """librosa.hz_to_mel(htk=False)"""
    f = np.asarray(f, float)
    return np.where(f < 1000, f / (200 / 3), 15 + np.log(np.maximum(f, 1e-9) / 1000) / (np.log(6.4) / 27))


def mel_to_hz(m):
    return np.where(m < 15, m * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (m - 15)))


def mel(x, rate, n_fft, hop, bands, f_min, f_max, power):
    """librosa.feature.melspectrogram(center=True, pad_mode='reflect', window='hann', norm='slaney', htk=False)"""
    padded = np.pad(x, n_fft // 2, mode="reflect")
    window = scipy.signal.get_window("hann", n_fft, fftbins=True)
    frames = np.stack([padded[i : i + n_fft] * window for i in range(0, len(padded) - n_fft + 1, hop)])
    spectra = np.abs(np.fft.rfft(frames, axis=1)) ** power
    corners = mel_to_hz(np.linspace(hz_to_mel(f_min), hz_to_mel(f_max), bands + 2))
    frequencies = np.fft.rfftfreq(n_fft, 1 / rate)
    ramps = corners[:, None] - frequencies
    steps = np.diff(corners)
    weights = np.maximum(0, np.minimum(-ramps[:-2] / steps[:-1, None], ramps[2:] / steps[1:, None]))
    weights *= (2 / (corners[2:] - corners[:-2]))[:, None]
    return weights @ spectra.T


def sinc(x, down, up, width=6, rolloff=0.99):
    """The definition: y(t) = Σ x[k] h(t − k), h a sinc that cuts at half the lower rate under a Hann window, in float64."""
    base = min(down, up) * rolloff / down
    wanted = -(-len(x) * up // down)
    t = (np.arange(wanted) * down / up)[:, None] - np.arange(len(x))[None, :]
    s = np.clip(t * base, -width, width)
    return (np.sinc(s) * np.cos(s * np.pi / width / 2) ** 2 * base) @ x


def tones(n, rate):
    t = np.arange(n) / rate
    return sum(a * np.sin(2 * np.pi * f * t + f) for a, f in ((0.5, 220.0), (0.3, 700.0), (0.2, 1500.0)))


spectra = []
for rate, n_fft, hop, bands, f_min, f_max, power in ((8000, 256, 64, 20, 0, 4000, 2), (16000, 200, 80, 16, 60, 7000, 1)):
    x = (tones(700, rate) + 0.05 * generator.normal(size=700)).astype(np.float32)
    y = mel(x.astype(float), rate, n_fft, hop, bands, f_min, f_max, power)
    spectra.append({"rate": rate, "nFft": n_fft, "hop": hop, "bands": bands, "fMin": f_min, "fMax": f_max, "power": power,
                    "x": x.tolist(), "y": np.round(y, 9).tolist()})

resampled = []
for down, up in ((2, 1), (1, 2), (441, 160), (3, 4)):
    rate = 16000 if down >= up else 8000
    n = 882 if down == 441 else 400
    x = tones(n, rate).astype(np.float32)
    exact = sinc(x.astype(float), down, up)
    true = tones(len(exact), rate * up / down)
    poly = scipy.signal.resample_poly(x.astype(float), up, down)
    assert np.abs(poly - true)[60:-60].max() < 0.02, (down, up)
    resampled.append({"down": down, "up": up, "x": x.tolist(), "y": np.round(exact, 8).tolist(), "poly": np.round(poly, 6).tolist()})

with open("audio.json", "w") as file:
    json.dump({"scipy": scipy.__version__, "files": files, "spectra": spectra, "resampled": resampled}, file)
    file.write("\n")
