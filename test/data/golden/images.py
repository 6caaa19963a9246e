"""Writes images.json: small PNG and JPEG files, and what PIL and torchvision's rules make of them.

    python3 images.py PHOTOS     (PIL, numpy; cjpeg of libjpeg-turbo-progs; PHOTOS holds china.jpg and flower.jpg)

Crops of two photographs are stored here, as they come with scikit-learn; Creative Commons Attribution 2.0,
https://creativecommons.org/licenses/by/2.0/:
  china.jpg   some rights reserved by danielbuechele, https://www.flickr.com/photos/danielbuechele/6061409035/
  flower.jpg  some rights reserved by vultilion, https://www.flickr.com/photos/vultilion/6056698931/
"""
import base64
import io
import json
import os
import struct
import subprocess
import sys
import zlib

import numpy as np
from PIL import Image, ImageOps

here = os.path.dirname(os.path.abspath(__file__))
photos = sys.argv[1]
rng = np.random.RandomState(3)
cases = []


def packed(a):
    """Planes, one behind another, deflated: noise is dear in JSON."""
    a = np.ascontiguousarray(a)
    return base64.b64encode(zlib.compress(a.tobytes(), 9)).decode()


def planes(a):
    a = np.asarray(a)
    return a[None] if a.ndim == 2 else a.transpose(2, 0, 1)


def add(name, data, want):
    """`want` by mode: arrays [H, W] or [H, W, C]."""
    modes = {}
    for mode, a in want.items():
        p = planes(a)
        modes[mode] = {"shape": list(p.shape), "wide": bool(p.dtype.itemsize > 1), "data": packed(p.astype("<u2" if p.dtype.itemsize > 1 else "u1"))}
    cases.append({"name": name, "file": base64.b64encode(data).decode(), "modes": modes})


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def rows_of(a, depth):
    """Packed rows of samples [H, W, S]."""
    h = a.shape[0]
    flat = a.reshape(h, -1)
    if depth == 16:
        return [r.astype(">u2").tobytes() for r in flat]
    if depth == 8:
        return [r.astype("u1").tobytes() for r in flat]
    out = []
    for r in flat:
        bits = "".join(format(int(v), f"0{depth}b") for v in r)
        bits += "0" * (-len(bits) % 8)
        out.append(bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)))
    return out


def filtered(rows, distance, first):
    """Every filter in turn, beginning with `first`."""
    out = b""
    above = bytes(len(rows[0]))
    for y, row in enumerate(rows):
        f = (first + y) % 5
        line = bytearray()
        for i, v in enumerate(row):
            a = row[i - distance] if i >= distance else 0
            b = above[i]
            c = above[i - distance] if i >= distance else 0
            p = a + b - c
            pa, pb, pc = abs(p - a), abs(p - b), abs(p - c)
            guess = [0, a, b, (a + b) // 2, a if pa <= pb and pa <= pc else b if pb <= pc else c][f]
            line.append((v - guess) & 255)
        out += bytes([f]) + bytes(line)
        above = row
    return out


ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png(a, kind, depth, interlaced=False, palette=None, trns=None, first=0, split=None, extra=b""):
    h, w, samples = a.shape
    distance = max(1, samples * depth // 8)
    if interlaced:
        raw = b""
        for x, y, right, down in ADAM7:
            part = a[y::down, x::right]
            if part.size:
                raw += filtered(rows_of(part, depth), distance, first)
    else:
        raw = filtered(rows_of(a, depth), distance, first)
    z = zlib.compress(raw, 9)
    parts = [z] if split is None else [z[i : i + split] for i in range(0, len(z), split)]
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, int(interlaced)))
    data += extra
    if palette is not None:
        data += chunk(b"PLTE", palette.astype("u1").tobytes())
    if trns is not None:
        data += chunk(b"tRNS", trns)
    return data + b"".join(chunk(b"IDAT", p) for p in parts) + chunk(b"IEND", b"")


def pil(data, *modes):
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    names = {"rgb": "RGB", "rgba": "RGBA", "gray": "L"}
    return {mode: np.asarray(image.convert(names[mode])) for mode in modes}


H, W = 11, 13
SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
for kind, depths in ((0, (1, 2, 4, 8, 16)), (2, (8, 16)), (3, (1, 2, 4, 8)), (4, (8, 16)), (6, (8, 16))):
    for depth in depths:
        for interlaced in (False, True):
            a = rng.randint(0, 1 << depth, size=(H, W, SAMPLES[kind]))
            palette = rng.randint(0, 256, size=(1 << depth, 3)) if kind == 3 else None
            data = png(a, kind, depth, interlaced, palette, first=depth % 5)
            name = f"png {['gray', '', 'rgb', 'palette', 'gray+alpha', '', 'rgba'][kind]} {depth} bit{' interlaced' if interlaced else ''}"
            want = {}
            if kind == 0 and depth == 16:
                # PIL has no mode for it: it keeps all bits in 32, and cuts those off that pass 255. The upper 8 are meant.
                assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))), a[:, :, 0])
                want["gray"] = (a[:, :, 0] >> 8).astype("u1")
            else:
                want = pil(data, "rgb", *(["gray", "rgba"] if not interlaced else []))
            if depth == 16:
                want["unchanged"] = a.astype("u2")
            elif kind in (4, 6, 2):
                want["unchanged"] = a.astype("u1")
            add(name, data, want)

# Transparency: of some palette entries, and of one colour.
palette = rng.randint(0, 256, size=(16, 3))
a = rng.randint(0, 16, size=(H, W, 1))
add("png palette with opacity", png(a, 3, 4, palette=palette, trns=bytes([0, 128, 255, 7])), pil(png(a, 3, 4, palette=palette, trns=bytes([0, 128, 255, 7])), "rgb", "rgba"))
a = rng.randint(0, 4, size=(H, W, 3)) * 80
data = png(a, 2, 8, trns=struct.pack(">HHH", *a[3, 4]))
add("png rgb with a transparent colour", data, pil(data, "rgb", "rgba"))
a = rng.randint(0, 4, size=(H, W, 1))
data = png(a, 0, 2, trns=struct.pack(">H", 2))
grey = (a[:, :, 0] * 85).astype("u1")
add("png gray with a transparent level", data, {"unchanged": np.stack([grey, np.where(a[:, :, 0] == 2, 0, 255)], -1).astype("u1")})
# One pixel, sizes at which passes of Adam7 are empty, data in many chunks, an animation, Exif.
for w in (1, 2, 3, 4, 5):
    a = rng.randint(0, 256, size=(w, 6 - w, 3))
    data = png(a, 2, 8, interlaced=True)
    add(f"png interlaced {w} x {6 - w}", data, pil(data, "rgb"))
a = rng.randint(0, 256, size=(H, W, 3))
data = png(a, 2, 8, split=7)
add("png in many chunks", data, pil(data, "rgb"))


def exif(orientation, order=">"):
    mark = b"MM" if order == ">" else b"II"
    return mark + struct.pack(order + "HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)


for orientation in range(1, 9):
    data = png(a[:5], 2, 8, extra=chunk(b"eXIf", exif(orientation)))
    add(f"png orientation {orientation}", data, pil(data, "rgb"))

china = Image.open(os.path.join(photos, "china.jpg")).convert("RGB").crop((250, 120, 287, 151))
flower = Image.open(os.path.join(photos, "flower.jpg")).convert("RGB").crop((300, 180, 333, 205))


def jpeg(image, **options):
    out = io.BytesIO()
    image.save(out, "JPEG", **options)
    return out.getvalue()


def cjpeg(image, *options):
    out = io.BytesIO()
    image.save(out, "PPM")
    return subprocess.run(["cjpeg", *options], input=out.getvalue(), stdout=subprocess.PIPE, check=True).stdout


for subsampling, label in ((0, "4:4:4"), (1, "4:2:2"), (2, "4:2:0")):
    for progressive in (False, True):
        data = jpeg(china, quality=85, subsampling=subsampling, progressive=progressive)
        add(f"jpeg {label}{' progressive' if progressive else ''}", data, pil(data, "rgb", *(["gray"] if subsampling == 0 else [])))
for name, options in {
    "4:4:0": ("-sample", "1x2"),
    "4:1:1": ("-sample", "4x1"),
    "with restarts by row": ("-restart", "1"),
    "with restarts by block": ("-restart", "2B", "-sample", "2x2"),
    "progressive with restarts": ("-progressive", "-restart", "1"),
    "of rgb": ("-rgb",),
    "of quality 10": ("-quality", "10"),
}.items():
    data = cjpeg(flower, "-quality", "90", *options)
    add(f"jpeg {name}", data, pil(data, "rgb"))
for progressive in (False, True):
    data = jpeg(flower.convert("L"), progressive=progressive)
    add(f"jpeg gray{' progressive' if progressive else ''}", data, {**pil(data, "rgb"), "unchanged": np.asarray(Image.open(io.BytesIO(data)))})
for w, h in ((1, 1), (8, 8), (9, 1), (1, 17)):
    data = jpeg(china.crop((0, 0, w, h)), subsampling=2)
    add(f"jpeg {w} x {h}", data, pil(data, "rgb"))
for orientation in range(1, 9):
    data = jpeg(china.crop((0, 0, 11, 7)), exif=b"Exif\0\0" + exif(orientation, "<" if orientation % 2 else ">"))
    add(f"jpeg orientation {orientation}", data, pil(data, "rgb"))
small = china.crop((0, 0, 19, 12)).convert("CMYK")
data = jpeg(small, quality=90)
add("cmyk jpeg", data, pil(data, "rgb"))
# PIL writes no YCCK; its marker on components that are no YCCK asks for the same conversion of whoever reads.
at = data.index(b"Adobe")
ycck = data[: at + 11] + b"\2" + data[at + 12 :]
add("cmyk jpeg as ycck", ycck, pil(ycck, "rgb"))
plain = data[: at - 4] + data[at - 4 + 16 :]
add("cmyk jpeg without a marker", plain, pil(plain, "rgb"))

unsupported = {
    "arithmetic-coded": cjpeg(flower.crop((0, 0, 8, 8)), "-arithmetic"),
}
with open(os.path.join(here, "images.json"), "w") as file:
    json.dump({"cases": cases, "refused": {k: base64.b64encode(v).decode() for k, v in unsupported.items()}}, file, indent=None, separators=(",", ":"))
    file.write("\n")
print(len(cases), "cases")
