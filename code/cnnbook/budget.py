"""What a training run will take, before it is begun."""

from __future__ import annotations

import math

import pandas as pd

# A step back through a layer takes the gradient of its input and that of its weights:
# each is as many multiply-accumulates as the step forward.
PASSES = 3
_COPIES = {"sgd": 3, "adamw": 4}  # weights, gradients, and one or two running means


def estimate(
    table: pd.DataFrame,
    images: int,
    *,
    epochs: int,
    batch_size: int,
    optimizer: str = "adamw",
    portions: int = 1,
    precision: str | None = None,
) -> dict[str, int]:
    """Count the work and the memory of a training run.

    Args:
        table: The network's `cost.layer_table`, for one image.
        images: Size of the training set.
        epochs: Passes over it.
        batch_size: Images a step, over all processes together.
        optimizer: ``adamw`` or ``sgd``.
        portions: Parts that a batch is shared out into: processes times accumulation.
        precision: ``bf16`` and ``fp16`` halve what the layers write.

    Returns:
        ``parameters`` and ``macs`` (one image, forwards) of the network; ``steps`` and
        ``training_macs`` of the run; ``memory`` in bytes that each process needs: its
        weights with gradients and running means, and all that the layers write for
        their images. Workspaces and the data set come on top; a layer that works in
        place needs less.
    """
    parameters, macs, activations = (
        int(table[column].sum()) for column in ("parameters", "macs", "activations")
    )
    at_once = math.ceil(batch_size / portions)
    width = 2 if precision in ("bf16", "fp16") else 4
    return {
        "parameters": parameters,
        "macs": macs,
        "steps": epochs * math.ceil(images / batch_size),
        "training_macs": PASSES * macs * images * epochs,
        "memory": 4 * _COPIES[optimizer] * parameters + width * activations * at_once,
    }
