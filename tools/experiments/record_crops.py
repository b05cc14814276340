"""Record what EfficientNet-Lite0 answers as its square moves over the photographs.

``python -m tools.experiments.record_crops`` writes ``data/moving-crop.json``, which
chapter 2's explorable shows: a minute of one core, too long for the chapter.
"""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.transforms.v2 import functional as transforms

from cnnbook import _book, data, pretrained

SHORTER_SIDE = 448  # the square of 224 is then half as high as the photograph
PLACES = 9  # along the shorter side; as dense along the longer one, up to MOST
MOST = 15
KEPT = 5


def places(side: int) -> list[int]:
    """Return where the square begins along a side of so many pixels."""
    room = side - data.CROP
    count = min(MOST, round((PLACES - 1) * room / (SHORTER_SIDE - data.CROP)) + 1)
    return [round(place * room / (count - 1)) for place in range(count)]


@torch.inference_mode()
def answers(network: nn.Module, photograph: Tensor) -> dict[str, Any]:
    """Return the five best classes at each place, row by row, and their shares."""
    scaled = transforms.resize(photograph.float(), [SHORTER_SIDE], antialias=True)
    scaled = scaled.round().to(torch.uint8)
    height, width = scaled.shape[1:]
    rows, columns = places(height), places(width)
    classes, shares = [], []
    for top in rows:
        squares = [
            scaled[:, top : top + data.CROP, left : left + data.CROP]
            for left in columns
        ]
        scores = network(data.imagenet_normalise(torch.stack(squares)))
        best = scores.softmax(dim=1).topk(KEPT)
        classes.append(best.indices.tolist())
        shares.append([[round(s, 3) for s in row] for row in best.values.tolist()])
    size = {"height": height, "width": width, "rows": rows, "columns": columns}
    return {**size, "classes": classes, "shares": shares}


def main() -> None:
    """Record all photographs."""
    network = pretrained.load_imagenet("efficientnet-lite0")
    recorded = {
        name: answers(network, photograph)
        for name, photograph in data.photographs().items()
    }
    text = json.dumps(recorded, separators=(",", ":"))
    (_book.ROOT / "data" / "moving-crop.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
