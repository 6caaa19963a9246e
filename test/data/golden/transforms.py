"""Writes transforms.json, colors.json and policies.json with torchvision and Pillow: python3 transforms.py.

Bytes that are resized are Pillow's, everything else is torchvision's on tensors of the dtype.
"""
import base64
import json
import os

import numpy as np
import PIL
import torch
import torchvision
from PIL import Image
from torchvision.transforms import autoaugment as auto
from torchvision.transforms import functional as F
from torchvision.transforms.functional import InterpolationMode as Mode

rng = np.random.RandomState(3)


def picture(c, h, w):
    """Slopes, an edge and noise, from black to white."""
    y, x = np.mgrid[0:h, 0:w]
    base = np.stack([40 + 12 * x + 6 * y, 220 - 9 * x + 3 * y, 30 + 15 * y + 20 * (x > w // 2)])[:c]
    return np.clip(base + rng.normal(scale=25, size=(c, h, w)), 0, 255).astype(np.uint8)


images = {"color": picture(3, 9, 12), "gray": picture(1, 9, 7)}
tensors = {}
for name, a in images.items():
    tensors[name + "8"] = torch.from_numpy(a)
    tensors[name + "f"] = torch.from_numpy(a).float() / 255


def packed(t):
    a = t.contiguous().numpy()
    return {
        "dtype": {"uint8": "uint8", "float32": "float32"}[str(a.dtype)],
        "shape": list(a.shape),
        "data": base64.b64encode(a.tobytes()).decode(),
    }


cases = []


def case(name, args, image, y):
    cases.append({"name": name, "args": args, "image": image, **packed(y)})


def pil(t):
    return F.to_pil_image(t)


def unpil(image):
    return F.pil_to_tensor(image)


# Sizes.
for image in ["color8", "colorf", "gray8", "grayf"]:
    x = tensors[image]
    of_bytes = image.endswith("8")
    for mode in [Mode.BILINEAR, Mode.BICUBIC]:
        for size, options in [([5, 6], {}), ([15, 13], {}), (4, {}), (20, {"maxSize": 22})]:
            if image.startswith("gray") and size != [5, 6] and mode == Mode.BICUBIC:
                continue
            extra = {"max_size": options["maxSize"]} if options else {}
            if of_bytes:
                y = unpil(F.resize(pil(x), size, mode, **extra))
            else:
                y = F.resize(x, size, mode, antialias=True, **extra)
            case("resize", [size, {"interpolation": mode.value, **options}], image, y)
    for mode in [Mode.BILINEAR, Mode.BICUBIC]:
        y = F.resize(x, [5, 19], mode, antialias=False)
        case("resize", [[5, 19], {"interpolation": mode.value, "antialias": False}], image, y)
    for size in [[5, 6], [15, 13]]:
        y = F.resize(x, size, Mode.NEAREST)
        case("resize", [size, {"interpolation": "nearest"}], image, y)
    if of_bytes:
        for size in [[5, 6], [15, 13]]:
            y = unpil(pil(x).resize(size[::-1], Image.NEAREST))
            case("resize", [size, {"interpolation": "nearest-exact"}], image, y)
for image in ["color8", "colorf"]:
    x = tensors[image]
    if image.endswith("8"):
        y = unpil(F.resized_crop(pil(x), 2, 1, 7, 11, [5, 5]))
    else:
        y = F.resized_crop(x, 2, 1, 7, 11, [5, 5], antialias=True)
    case("resizedCrop", [2, 1, 7, 11, [5, 5]], image, y)

# What moves whole pixels.
for image in ["color8", "grayf"]:
    x = tensors[image]
    case("hflip", [], image, F.hflip(x))
    case("vflip", [], image, F.vflip(x))
    case("crop", [1, 2, 5, 4], image, F.crop(x, 1, 2, 5, 4))
    case("crop", [-2, 3, 16, 12], image, F.crop(x, -2, 3, 16, 12))
    for size in [4, [5, 6], [16, 5], [20, 23]]:
        case("centerCrop", [size], image, F.center_crop(x, size))
    for mode in ["constant", "edge", "reflect", "symmetric"]:
        for padding in [2, [3, 1], [1, 2, 3, 4]]:
            y = F.pad(x, padding, fill=0.5 if image.endswith("f") else 7, padding_mode=mode)
            fill = {"fill": 0.5 if image.endswith("f") else 7} if mode == "constant" else {}
            case("pad", [padding, {"paddingMode": mode, **fill}], image, y)
    case("pad", [[-1, 2, 3, -2]], image, F.pad(x, [-1, 2, 3, -2]))
    case("erase", [2, 1, 3, 4, 1], image, F.erase(x, 2, 1, 3, 4, torch.tensor(1)))

# Warps.
for image in ["color8", "colorf"]:
    x = tensors[image]
    for mode in [Mode.NEAREST, Mode.BILINEAR]:
        options = {"interpolation": mode.value}
        for angle in [33.0, -121.5]:
            case("rotate", [angle, options], image, F.rotate(x, angle, mode))
            case("rotate", [angle, {**options, "expand": True}], image, F.rotate(x, angle, mode, expand=True))
        case("rotate", [20.0, {**options, "center": [3, 9]}], image, F.rotate(x, 20.0, mode, center=[3, 9]))
        parameters = {"angle": -17.5, "translate": [2, -1], "scale": 1.3, "shear": [8.0, -5.0]}
        y = F.affine(x, -17.5, [2, -1], 1.3, [8.0, -5.0], mode)
        case("affine", [parameters, options], image, y)
        start = [[0, 0], [11, 0], [11, 8], [0, 8]]
        # Whole numbers put some pixels right between two, where the nearest is decided by rounding.
        for end in [[[2.3, 1.1], [10.2, 0], [9, 7.4], [1, 5.7]], [[0, 3.1], [8.3, 1], [11, 6.2], [4.1, 8]]]:
            case("perspective", [start, end, options], image, F.perspective(x, start, end, mode))
        field = torch.from_numpy(rng.uniform(-0.3, 0.3, size=(1, 9, 12, 2)).astype(np.float32))
        shown = {"tensor": packed(field)}
        case("elastic", [shown, options], image, F.elastic_transform(x, field, mode, None))
    y = F.affine(x, 31.0, [1, 2], 0.77, [0.0, 0.0], Mode.NEAREST, fill=[0.25, 0.5, 1.0] if image == "colorf" else [9, 99, 199])
    fill = [0.25, 0.5, 1] if image == "colorf" else [9, 99, 199]
    parameters = {"angle": 31, "translate": [1, 2], "scale": 0.77, "shear": [0, 0]}
    case("affine", [parameters, {"fill": fill}], image, y)

# Colours.
places, cases = cases, []
for image in ["color8", "colorf", "gray8", "grayf"]:
    x = tensors[image]
    short = image.startswith("gray")
    for factor in [0.4, 1.6]:
        case("adjustBrightness", [factor], image, F.adjust_brightness(x, factor))
        case("adjustContrast", [factor], image, F.adjust_contrast(x, factor))
        case("adjustSaturation", [factor], image, F.adjust_saturation(x, factor))
        case("adjustSharpness", [factor], image, F.adjust_sharpness(x, factor))
    for shift in [0.1, -0.3, 0.5]:
        case("adjustHue", [shift], image, F.adjust_hue(x, shift))
    case("adjustGamma", [0.6, 1.2], image, F.adjust_gamma(x, 0.6, 1.2))
    case("solarize", [100 if image.endswith("8") else 0.4], image, F.solarize(x, 100 if image.endswith("8") else 0.4))
    case("autocontrast", [], image, F.autocontrast(x))
    case("invert", [], image, F.invert(x))
    case("gaussianBlur", [[5, 3], [1.5, 0.7]], image, F.gaussian_blur(x, [5, 3], [1.5, 0.7]))
    case("gaussianBlur", [5], image, F.gaussian_blur(x, 5))
    case("rgbToGrayscale", [1], image, F.rgb_to_grayscale(x, 1))
    if not short:
        case("rgbToGrayscale", [3], image, F.rgb_to_grayscale(x, 3))
    if image.endswith("8"):
        for bits in [1, 3, 8]:
            case("posterize", [bits], image, F.posterize(x, bits))
        case("equalize", [], image, F.equalize(x))
# Few levels and many pixels, so that equalizing has a curve.
big = torch.from_numpy((rng.rand(1, 40, 40) ** 3 * 64).astype(np.uint8))
tensors["dark8"] = big
case("equalize", [], "dark8", F.equalize(big))
case("autocontrast", [], "dark8", F.autocontrast(big))

# Operations of the augmentation policies, and what they draw from.
operations = []
for name, magnitude in [
    ("ShearX", 0.23),
    ("ShearY", -0.27),
    ("TranslateX", 3.7),
    ("TranslateY", -2.2),
    ("Rotate", 20.0),
    ("Brightness", 0.4),
    ("Color", -0.5),
    ("Contrast", 0.6),
    ("Sharpness", 0.9),
    ("Posterize", 5),
    ("Solarize", 110.0),
    ("AutoContrast", 0.0),
    ("Equalize", 0.0),
    ("Invert", 0.0),
    ("Identity", 0.0),
]:
    y = auto._apply_op(tensors["color8"], name, magnitude, Mode.NEAREST, None)
    operations.append({"operation": name, "magnitude": magnitude, **packed(y)})


def space(meta):
    return {
        name: {"magnitudes": [float(v) for v in values] if values.ndim else None, "signed": signed}
        for name, (values, signed) in meta.items()
    }


spaces = {
    "AutoAugment": space(auto.AutoAugment()._augmentation_space(10, (240, 333))),
    "RandAugment": space(auto.RandAugment()._augmentation_space(31, (240, 333))),
    "TrivialAugment": space(auto.TrivialAugmentWide()._augmentation_space(31)),
    "AugMix": space(auto.AugMix()._augmentation_space(10, (240, 333))),
}
policies = {
    policy.value: [[list(step) for step in pair] for pair in auto.AutoAugment(policy).policies]
    for policy in auto.AutoAugmentPolicy
}

def write(name, value):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), name), "w") as file:
        json.dump(value, file, indent=None, separators=(",", ":"))
        file.write("\n")


made = {"torchvision": torchvision.__version__, "pillow": PIL.__version__}
pictures = {name: packed(t) for name, t in tensors.items()}
write("transforms.json", {**made, "images": pictures, "cases": places})
write("colors.json", {**made, "images": pictures, "cases": cases})
write("policies.json", {**made, "image": pictures["color8"], "operations": operations, "spaces": spaces, "policies": policies})
