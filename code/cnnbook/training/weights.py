"""A network's weights as a file of safetensors: names, tensors, and no code."""

from __future__ import annotations

from pathlib import Path

import torch
from accelerate.utils import extract_model_from_parallel
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

# What a compiled part adds to the names inside it; the network itself has them without.
_COMPILED = "_orig_mod."


def save(network: nn.Module, file: Path) -> None:
    """Write all that `state_dict` holds, whatever the network is wrapped in.

    Each name gets a tensor of its own: safetensors refuses what shares memory, as tied
    weights and views do.

    Raises:
        ValueError: If the network keeps something that is no tensor.
        OSError, SafetensorError: If the file cannot be written.
    """
    state = _own(network).state_dict()
    others = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if others:
        raise ValueError(
            f"{others[0]!r} in the network's state is no tensor, and a file of weights "
            "holds nothing else: keep it out of state_dict"
        )
    copies = {
        name.replace(_COMPILED, ""): value.clone(memory_format=torch.contiguous_format)
        for name, value in state.items()
    }
    save_file(copies, file, metadata={"format": "pt"})


def load(network: nn.Module, file: Path) -> None:
    """Give a network the weights in a file that `save` wrote.

    Raises:
        ValueError, RuntimeError: If they are another network's.
        OSError, SafetensorError: If the file cannot be read.
    """
    own, saved = _own(network), load_file(file)
    names = {name: name.replace(_COMPILED, "") for name in own.state_dict()}
    if unlike := set(names.values()) ^ saved.keys():
        raise ValueError(f"the weights of another network, by {min(unlike)!r}")
    own.load_state_dict({name: saved[plain] for name, plain in names.items()})


def _own(network: nn.Module) -> nn.Module:
    """Return the network inside what runs it on several devices, or compiled."""
    return extract_model_from_parallel(network, keep_torch_compile=False)
