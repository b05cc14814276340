"""Every figure of the book is drawn here: data in, Axes out, one style.

Colours are those of Okabe and Ito, which readers with any common colour blindness
can tell apart; backgrounds are white in light and dark mode alike.
"""

from .challenge import guesses, photographs, stacked_macs, towers, winners
from .comparison import blobs, densities, panels, roofline, times
from .complexity import bars, cost_shares, memory, score_map, trade_off
from .fields import groups, lines, pyramids, seen, side_by_side
from .gradients import (
    by_depth,
    computation,
    path_lengths,
    pixels_read,
    two_layers,
)
from .heads import by_shift, class_maps, head_parameters, two_heads
from .learning import confusion, curves
from .networks import architecture, connections
from .pictures import images, sliding_window
from .style import label_ends, use_style

__all__ = [
    "architecture",
    "bars",
    "blobs",
    "by_depth",
    "by_shift",
    "class_maps",
    "computation",
    "confusion",
    "connections",
    "cost_shares",
    "curves",
    "densities",
    "groups",
    "guesses",
    "head_parameters",
    "images",
    "label_ends",
    "lines",
    "memory",
    "panels",
    "path_lengths",
    "photographs",
    "pixels_read",
    "pyramids",
    "roofline",
    "score_map",
    "seen",
    "side_by_side",
    "sliding_window",
    "stacked_macs",
    "times",
    "towers",
    "trade_off",
    "two_heads",
    "two_layers",
    "use_style",
    "winners",
]
