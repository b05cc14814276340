"""Every figure of the book: data in, Axes out, one style.

`plots.use_style()` sets the style. A figure that one chapter draws stands in that
chapter's file; what several chapters draw stands in `charts`.

    1  lenet       a window that slides, layers and their connections, confusion
    2  ilsvrc      winners, top-k error, one network on two GPUs, Inception's costs
    3  vgg         networks layer by layer, receptive fields, errors of several seeds
    4  fc          shares of the cost, memory, parameters beside errors, maps of scores
    5  resnet      computational graphs, paths, norms by depth, the pixels that are read
    6  gap         two heads and their parameters, class activation maps
    7  complexity  accuracy against cost, memory in time, rates
       charts      curves, lines, bars, images, photographs
       labels      words, and the places where labels stand
       style       colours, and how lines look

Colours are those of Okabe and Ito, which readers with any common colour blindness
can tell apart; each has a twin that the pages show in the dark.
"""

from . import charts, complexity, fc, gap, ilsvrc, labels, lenet, resnet, style, vgg
from .style import use_style

__all__ = [
    "charts",
    "complexity",
    "fc",
    "gap",
    "ilsvrc",
    "labels",
    "lenet",
    "resnet",
    "style",
    "use_style",
    "vgg",
]
