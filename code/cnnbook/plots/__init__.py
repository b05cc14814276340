"""Every figure of the book is drawn here: data in, Axes out, one style.

Colours are those of Okabe and Ito, which readers with any common colour blindness
can tell apart; backgrounds are white in light and dark mode alike.
"""

from .learning import confusion, curves
from .networks import architecture, connections
from .pictures import images, sliding_window
from .style import label_ends, use_style

__all__ = [
    "architecture",
    "confusion",
    "connections",
    "curves",
    "images",
    "label_ends",
    "sliding_window",
    "use_style",
]
