"""What the tests of both engines need: small networks, and a trace's fields."""

import torch
from torch import nn

from cnnbook.receptive_field import trace


def on_meta(build):
    with torch.device("meta"):
        return build()


def fields(model, input_size):
    """Return (size, jump, start) of each layer, of its last run if it has several."""
    table = trace(model, input_size).drop_duplicates("layer", keep="last")
    return {
        row.layer: (row["size"], row.jump, row.start) for _, row in table.iterrows()
    }


class Ends(nn.Module):
    """Ends in a function that makes one vector of the maps."""

    def __init__(self, function):
        super().__init__()
        self.conv, self.end, self.function = nn.Conv2d(1, 1, 3), nn.Identity(), function

    def forward(self, x):
        return self.end(self.function(self.conv(x)))
