"""Training, on one device or on many, and measuring what came of it.

What chapters use stands here: `fit`, `fit_seeds`, `train_epoch`, `evaluate`, `predict`,
`topk_error`, `device`, `Recipe`, `recipe_for`. Behind them lie

- `loop`: the epoch, and all epochs with what is around them;
- `optimization`: the optimizer, and its rate over the steps;
- `evaluation`: scores, loss, error;
- `recipe`: a recipe's settings; `recipes`: those of the book's networks;
- `auxiliary`: GoogLeNet with its two more heads;
- `task`: a run from the command line; `run_folder`: what it leaves on the disk;
  `weights`: a network's weights in a file;
- `provenance`: from which code and on what; `budget`: what a run will take.
"""

from .evaluation import Evaluation, device, evaluate, predict, topk_error
from .loop import fit, fit_seeds, train_epoch
from .provenance import origin
from .recipe import Recipe
from .recipes import recipe_for

__all__ = [
    "Evaluation",
    "Recipe",
    "device",
    "evaluate",
    "fit",
    "fit_seeds",
    "origin",
    "predict",
    "recipe_for",
    "topk_error",
    "train_epoch",
]
