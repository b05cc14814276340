"""Chapter 7: accuracy against a cost, the front of what is shown, how sure it is."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd
import torchvision.models as tv
from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from .. import pretrained, records
from ..plots.style import BLUE, GREEN, INK, ORANGE, PURPLE, RED
from ._element import Explorable

KINDS = {  # by what a network is made of: `tools.experiments.torchvision_costs`
    "plain": BLUE,
    "concatenated": GREEN,
    "residual": ORANGE,
    "depthwise": PURPLE,
    "attention": RED,
}
IMAGES = 50_000  # on which ImageNet's validation accuracies are counted
RECORD, MEASURED = "evidence-costs-cpu", "float32, batch of 1"
# How names begin in torchvision, and in words.
TITLES = {
    "alexnet": "AlexNet",
    "convnext_": "ConvNeXt-",
    "densenet": "DenseNet-",
    "efficientnet_v2_": "EfficientNetV2-",
    "efficientnet_": "EfficientNet-",
    "googlenet": "GoogLeNet",
    "inception_": "Inception-",
    "maxvit_": "MaxViT-",
    "mnasnet": "MnasNet-",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_": "MobileNetV3-",
    "regnet_x_": "RegNetX-",
    "regnet_y_": "RegNetY-",
    "resnet": "ResNet-",
    "resnext": "ResNeXt-",
    "shufflenet_v2_x": "ShuffleNetV2-x",
    "squeezenet": "SqueezeNet-",
    "swin_v2_": "SwinV2-",
    "swin_": "Swin-",
    "vgg": "VGG-",
    "vit_": "ViT-",
    "wide_resnet": "Wide ResNet-",
}


def view(
    published: pd.DataFrame, quoted: pd.DataFrame | None = None, first: str = "macs"
) -> Explorable:
    """Return the chart of classifiers with a chosen cost, to filter and to compare.

    Args:
        published: A row for each set of torchvision's weights: model, weights, year,
            recipe ("other" or "new"), accuracy (%), parameters (millions), macs
            (billions) and crop.
        quoted: Networks of which only papers tell: model, year, macs and accuracy.
        first: The example that it begins with: a key of `EXAMPLES` in ``price.js``.
    """
    networks = [*_torchvision(published), *_papers(quoted)]
    return Explorable(
        name="price",
        figure=_still(networks),
        alt="Top-1 accuracy against multiply-accumulates on a logarithmic scale, a "
        "point for each set of weights, coloured by what the network is made of. Along "
        "the upper left edge of the cloud runs the front, as steps.",
        sentence=_sentence(networks),
        heights=(1296, 950),
        data={"networks": networks, "first": first},
        needs=("controls", "stack", "scatter"),
    )


def title(model: str) -> str:
    """Return a name of torchvision as papers write it, with the same letters."""
    start = max((each for each in TITLES if model.startswith(each)), key=len)
    gap = {"vit_": "/", "wide_resnet": "-"}.get(start, " ")
    rest = model.removeprefix(start).replace("_", gap)
    rest = re.sub(r"(?<=\d) (?=\d+(gf)?$)", ".", rest)  # 1_6gf is 1.6
    if rest[:1] not in "vx":
        rest = rest[:1].upper() + rest[1:]
    return TITLES[start] + re.sub("[gm]f$|bn$", lambda unit: unit[0].upper(), rest)


def _torchvision(published: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a network for each set of weights, with what was counted and recorded."""
    timed = _timed()
    networks = []
    counted = published.merge(pretrained.torchvision_counts(), on=["model", "crop"])
    for row in counted.itertuples():
        [meta] = [
            each.meta
            for each in tv.get_model_weights(row.model)
            if each.name == f"IMAGENET1K_{row.weights}"
        ]
        networks.append(
            {
                "key": f"{row.model}.{row.weights}",
                "model": row.model,
                "name": title(row.model),
                "kind": row.kind,
                "recipe": row.recipe,
                "year": int(row.year),
                "crop": int(row.crop),
                "accuracy": row.accuracy,
                "images": IMAGES,
                "macs": row.macs,
                "parameters": round(row.parameters, 3),
                "activations": round(row.activations / 1e6, 3),
                "file": meta["_file_size"],
                "seconds": timed.get(row.model) if row.crop == 224 else None,
            }
        )
    return networks


def _papers(quoted: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return a network for each of those that papers tell of."""
    rows = [] if quoted is None else quoted.itertuples()
    return [
        {
            "key": row.model,
            "model": row.model,
            "name": row.model,
            "recipe": "paper",
            "year": int(row.year),
            "accuracy": row.accuracy,
            "images": IMAGES,
            "macs": row.macs,
        }
        for row in rows
    ]


def _timed() -> dict[str, float]:
    """Return the recorded milliseconds of an image, by torchvision's names."""
    networks = records.load(RECORD)["results"]["networks"]
    return {
        name.removesuffix("-owt"): round(1000 * each["seconds"][MEASURED]["least"], 2)
        for name, each in networks.items()
    }


def _front(networks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return those that no cheaper one equals, by MACs, the cheapest first."""
    best, kept = 0.0, []
    for each in sorted(networks, key=lambda one: (one["macs"], -one["accuracy"])):
        if each["recipe"] != "paper" and each["accuracy"] > best:
            best = each["accuracy"]
            kept.append(each)
    return kept


def _sentence(networks: list[dict[str, Any]]) -> str:
    """Say how many are on the front."""
    counted = [each for each in networks if each["recipe"] != "paper"]
    return (
        f"Of {len(counted)} sets of weights {len(_front(networks))} are on the front "
        "by MACs."
    )


def _still(networks: list[dict[str, Any]]) -> Figure:
    """Draw accuracy against MACs, and the front as steps."""
    figure, axis = plt.subplots(figsize=(5, 3.4))
    figure.subplots_adjust(0.1, 0.14, 0.98, 0.98)
    for kind, colour in KINDS.items():
        own = [each for each in networks if each.get("kind") == kind]
        if not own:
            continue
        x, y = ([each[name] for each in own] for name in ("macs", "accuracy"))
        axis.plot(x, y, "o", color=colour, ms=5, alpha=0.7, label=kind)
    front = _front(networks)
    x, y = ([each[name] for each in front] for name in ("macs", "accuracy"))
    axis.step(x, y, where="post", color=INK, lw=1.4)
    axis.set(xscale="log", xlabel="MACs for one image, billions", ylabel="accuracy, %")
    axis.xaxis.set_major_formatter("{x:g}")
    axis.legend(loc="lower right", fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)
    return figure
