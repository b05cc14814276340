"""Networks that nobody chose, and the brute force that says what they see."""

import torch
import torch.nn.functional as F
from hypothesis import strategies as st
from torch import nn

CHANNELS = 4


class Step(nn.Module):
    """Does something to maps of 4 channels, with a convolution that it may use."""

    def __init__(self, name, does, conv):
        super().__init__()
        self.name, self.does, self.conv = name, does, conv

    def forward(self, x):
        return self.does(x, self.conv)

    def extra_repr(self):
        return self.name


def _gated(x, conv):
    a, b = torch.cat([conv(x), x], dim=1).chunk(2, dim=1)
    return x + a * torch.sigmoid(b)


def _partial(x, conv):
    x = x.clone()
    x[:, :2] = conv(x)[:, 2:]
    return x


def _added_in_place(x, conv):
    y = x * 1
    y[:, 1:3].add_(conv(x)[:, 1:3])
    return y


def _attention(x, conv):
    tokens, keys = x.flatten(2).mT, conv(x).flatten(2).mT
    shares = torch.softmax(tokens @ keys.mT, dim=-1)
    return (shares @ tokens).mT.reshape(x.shape)


def _row_attention(x, conv):
    tokens = conv(x).permute(0, 2, 3, 1)
    return F.scaled_dot_product_attention(tokens, tokens, tokens).permute(0, 3, 1, 2)


def _channel_norm(x, conv):
    y = F.layer_norm(conv(x).permute(0, 2, 3, 1), (CHANNELS,))
    return x + y.permute(0, 3, 1, 2)


def _shuffled(x, conv):
    n, c, h, w = x.shape
    y = torch.cat([x[:, :2], conv(x)[:, 2:]], 1)
    return y.view(n, 2, c // 2, h, w).transpose(1, 2).reshape(n, c, h, w)


def _filled(x, conv):
    y = torch.zeros_like(x)
    y[:, :, ::2] = x[:, :, ::2]
    y[:, :, 1::2] = conv(x)[:, :, 1::2]
    return y


def _checkered(x, conv):
    rows = torch.arange(x.shape[2], device=x.device)[:, None]
    return x + conv(x) * ((rows + torch.arange(x.shape[3])) % 2)


def _chosen(x, conv):
    rows = torch.arange(x.shape[2])[:, None].expand(x.shape[2:])
    return torch.where(rows % 3 == 0, conv(x), x)


def _squeezed(x, conv):
    return x * torch.sigmoid(F.conv2d(conv(x).mean((2, 3), keepdim=True), _mixing(x)))


def _mixing(x, channels=CHANNELS):
    """Return a 1x1 kernel; of equal weights, the channels of a norm would cancel."""
    weights = torch.linspace(1, 2, CHANNELS * channels, dtype=x.dtype) ** 2
    return weights.view(CHANNELS, channels, 1, 1)


def _masked(x, conv):
    mask = torch.ones(conv.weight.shape[2:]).tril()
    weight = conv.weight * mask.to(conv.weight.dtype)
    return x + F.conv2d(x, weight, conv.bias, padding="same")


def _even(x):
    return x[:, :, : x.shape[2] // 2 * 2, : x.shape[3] // 2 * 2]


STEPS = {
    "residual": lambda x, conv: x + conv(x),
    "relu": lambda x, conv: F.relu(conv(x), inplace=True),
    "clamp": lambda x, conv: x + conv(x).clamp(0, 1),
    "softmax of channels": lambda x, conv: x + torch.softmax(conv(x), dim=1),
    "gate": _gated,
    "partial": _partial,
    "added in place": _added_in_place,
    "attention": _attention,
    "attention in rows": _row_attention,
    "norm of channels": _channel_norm,
    "instance norm": lambda x, conv: F.instance_norm(conv(x)),
    "group norm": lambda x, conv: F.group_norm(conv(x), 2),
    "shuffle": _shuffled,
    "fill": _filled,
    "checkers": _checkered,
    "where": _chosen,
    "squeeze": _squeezed,
    "masked kernel": _masked,
    "maximum": lambda x, conv: torch.maximum(x, conv(x)),
    "maximum of channels": lambda x, conv: x * conv(x).amax(1, keepdim=True),
    "sorted channels": lambda x, conv: conv(x).sort(dim=1).values,
    "max pool": lambda x, conv: F.max_pool2d(x, 3, 2, 1, ceil_mode=True),
    "dilated max pool": lambda x, conv: F.max_pool2d(x, 2, 1, 0, (2, 1)),
    "average pool": lambda x, conv: F.avg_pool2d(x, (2, 3), 1, (1, 0)),
    "lp pool": lambda x, conv: F.lp_pool2d(conv(x), 2, 2),
    "adaptive": lambda x, conv: F.adaptive_avg_pool2d(x, (5, 4)),
    "adaptive maximum": lambda x, conv: F.adaptive_max_pool2d(x, (4, 5)),
    "slice": lambda x, conv: conv(x)[:, :, 1:, :-1],
    "strided slice": lambda x, conv: x[:, :, ::2, 1:],
    "flip": lambda x, conv: conv(x) + x.flip(2),
    "roll": lambda x, conv: x + conv(x).roll((1, -1), (2, 3)),
    "reflect": lambda x, conv: F.pad(conv(x), (1, 1, 1, 0), mode="reflect"),
    "circular": lambda x, conv: F.pad(x, (1, 0, 0, 1), mode="circular"),
    "replicate": lambda x, conv: F.pad(conv(x), (0, 1, 1, 0), mode="replicate"),
    "transpose": lambda x, conv: conv(x).transpose(2, 3),
    "nearest": lambda x, conv: F.interpolate(conv(x), scale_factor=(2, 1)),
    "bilinear": lambda x, conv: F.interpolate(x, (7, 9), mode="bilinear"),
    "space to depth": lambda x, conv: F.conv2d(
        F.pixel_unshuffle(_even(x), 2), _mixing(x, 4 * CHANNELS)
    ),
    "depth to space": lambda x, conv: F.pixel_shuffle(conv(x), 2).repeat(1, 4, 1, 1),
    "transposed": lambda x, conv: F.conv_transpose2d(
        x, conv.weight, stride=2, padding=1
    ),
    "unfold": lambda x, conv: F.fold(
        F.unfold(conv(x), 3, padding=1), x.shape[2:], 3, padding=1
    ),
    "cumulative sum": lambda x, conv: x + conv(x).cumsum(2) / 9,
    "columns": lambda x, conv: x + F.conv1d(
        x.mean(3), conv.weight[:, :, :, 0], padding="same"
    )[..., None],
    "einsum": lambda x, conv: torch.einsum("nchw,nchv->nchv", conv(x), x),
    "norm": lambda x, conv: F.normalize(conv(x), dim=1),
    "matrix of positions": lambda x, conv: x @ torch.eye(x.shape[3], dtype=x.dtype),
}  # fmt: skip

# Those that the recursion follows, all or some of the time.
FOLLOWED = [
    "average pool", "clamp", "dilated max pool", "gate", "max pool", "maximum",
    "maximum of channels", "relu", "residual", "slice", "softmax of channels",
    "squeeze", "strided slice",
]  # fmt: skip


@st.composite
def steps(draw, names=tuple(STEPS)):
    name = draw(st.sampled_from(names))
    side = draw(st.sampled_from([1, 3, 5]))
    dilation = draw(st.sampled_from([1, 1, 2]))
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    conv = nn.Conv2d(
        CHANNELS, CHANNELS, side, padding="same", dilation=dilation, groups=groups
    )
    return Step(name, STEPS[name], conv)


def networks(names=tuple(STEPS), most=3):
    """Strategy: networks of a few steps."""
    several = st.lists(steps(names), min_size=1, max_size=most)
    return several.map(lambda parts: nn.Sequential(*parts, nn.Identity()))


def agrees_with_brute_force(found, network, height, width):
    """Does a pixel change the middle unit if, and only if, it is in `found`?

    A few images and weights may hide a pixel by chance; then take many.
    """
    for draws in (6, 60):
        changed = seen_by_force(network, height, width, draws)
        if changed.equal(found) or (changed & ~found).any():
            break
    return changed.equal(found)


@torch.no_grad()
def seen_by_force(network, height, width, draws):
    """Return which pixels change the middle unit when they are changed, (H, W).

    Each pixel by itself, in several images, by several amounts, for several weights.
    """
    generator = torch.Generator().manual_seed(0)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    pixels = height * width
    each = torch.eye(pixels, dtype=torch.float64).view(pixels, 1, height, width)
    changed = torch.zeros(pixels, dtype=torch.bool)
    network = network.double().eval()
    for draw in range(draws):
        for weight in network.parameters():
            weight.copy_(normal(*weight.shape) / max(1, weight[0].numel()) ** 0.5)
        image = normal(1, CHANNELS, height, width)
        amount = normal(1, CHANNELS, 1, 1) * (0.3, 2, 10)[draw % 3]
        outputs = network(torch.cat([image, image + each * amount]))
        if outputs.ndim == 4:
            outputs = outputs[:, :, outputs.shape[2] // 2, outputs.shape[3] // 2]
        difference = (outputs[1:] - outputs[:1]).abs().flatten(1).amax(1)
        changed |= difference > 1e-11 * outputs.abs().max()
    return changed.view(height, width)
