"""What networks and layers cost on this device: time, memory, and how near the roof.

Chapter 7 measures the same on the reader's machine, with one small image.
"""

import copy
import math
from collections.abc import Callable
from functools import partial

import pandas as pd
import torch
import torchvision.models as tv
from torch import Tensor, nn

from cnnbook import cost, memory, models, timing

from .parts import Part, Piece
from .setting import Setting, has_bfloat16

OURS = ("alexnet-owt", "googlenet", "vgg16", "resnet18", "resnet50", "resnet152")
OTHERS = ("squeezenet1_1", "mobilenet_v2", "densenet121", "efficientnet_b0")
# Chapter 7's six layers of 28,901,376 MACs each: what builds one, and its input.
LAYERS = {
    "fully connected": (partial(nn.Linear, 7056, 4096, bias=False), (7056,)),
    "depthwise 3×3, 1024": (
        partial(nn.Conv2d, 1024, 1024, 3, padding=1, groups=1024, bias=False),
        (1024, 56, 56),
    ),
    "3×3, 256, 7×7 pixels": (
        partial(nn.Conv2d, 256, 256, 3, padding=1, bias=False),
        (256, 7, 7),
    ),
    "1×1, 192": (partial(nn.Conv2d, 192, 192, 1, bias=False), (192, 28, 28)),
    "3×3, 32": (partial(nn.Conv2d, 32, 32, 3, padding=1, bias=False), (32, 56, 56)),
    "3×3, 64": (partial(nn.Conv2d, 64, 64, 3, padding=1, bias=False), (64, 28, 28)),
}
Runs = dict[str, Callable[[], object]]


def seconds(runs: Runs, setting: Setting, repeats: int = 9) -> dict[str, dict]:
    """Let the runs take turns; return the median and the least time of each."""
    repeats = 2 if setting.tiny else repeats
    rounds = timing.measure(runs, repeats=repeats, warm_up=1 if setting.tiny else 3)
    both = pd.DataFrame({"median": rounds.median(), "least": rounds.min()})
    return both.to_dict(orient="index")


def limits(setting: Setting) -> dict[str, float]:
    """Measure how fast the device copies, and multiplies large matrices.

    Returns:
        Bytes a second, read and written; and MACs a second by precision.
    """
    side = setting.size(8192, tiny=64, on_cpu=1024)
    numbers = torch.ones(
        setting.size(2**28, tiny=2**16, on_cpu=2**25), device=setting.device
    )
    target = torch.empty_like(numbers)
    matrix = torch.rand(side, side, device=setting.device)
    runs: Runs = {"copy": lambda: target.copy_(numbers), "no": lambda: matrix @ matrix}
    if has_bfloat16():
        short = matrix.bfloat16()
        runs["bf16"] = lambda: short @ short
    found = {name: both["least"] for name, both in seconds(runs, setting).items()}
    copied = 2 * numbers.nbytes / found.pop("copy")
    return {"copy": copied, **{name: side**3 / least for name, least in found.items()}}


class Costs(Part):
    """Ten networks, six layers, a sweep over the batch, and the device's two limits."""

    name = "costs"
    about = "time and memory of ten networks and six layers, and the roof"

    def settings(self, setting: Setting) -> dict:
        """Name the sizes, and what the device's float32 is."""
        return {
            "side": self._side(setting),
            "batch": self._batch(setting),
            "layer_batches": self._layer_batches(setting),
            "tf32": setting.on_gpu,  # see `setting.choose_device`
        }

    def _side(self, setting: Setting) -> int:
        return setting.size(224, tiny=64)

    def _batch(self, setting: Setting) -> int:
        return setting.size(256, tiny=2, on_cpu=8)

    def _layer_batches(self, setting: Setting) -> list[int]:
        if setting.tiny:
            return [1, 2]
        return [1, 32, 256] if setting.on_gpu else [1, 32]

    def pieces(self, setting: Setting) -> list[Piece]:
        """Return the limits, the layers, each network, and the sweep."""
        names = (*OURS, *OTHERS)[3:8:4] if setting.tiny else (*OURS, *OTHERS)
        return [
            Piece("limits", partial(self._limits, setting)),
            Piece("layers", partial(self._layers, setting)),
            *(Piece(name, partial(self._network, name, setting)) for name in names),
            Piece("batch sweep", partial(self._sweep, setting)),
        ]

    def _limits(self, setting: Setting, results: dict) -> None:
        results["limits"] = limits(setting)

    @torch.inference_mode()
    def _layers(self, setting: Setting, results: dict) -> None:
        found = {}
        for name, (make, size) in LAYERS.items():
            with torch.device(setting.device):
                layer = make().eval()
            runs, times = {}, 50 if setting.on_gpu else 1
            for batch in self._layer_batches(setting):
                images = torch.rand(batch, *size, device=setting.device)
                for kind, run in _kinds(layer, images).items():
                    runs[f"{kind}, batch of {batch}"] = _repeated(run, times, setting)
            own = seconds(runs, setting)
            found[name] = {
                run: {key: value / times for key, value in both.items()}
                for run, both in own.items()
            }
        results["layers"] = found

    @torch.inference_mode()
    def _network(self, name: str, setting: Setting, results: dict) -> None:
        side, batch = self._side(setting), self._batch(setting)
        network = _build(name, setting)
        runs = {}
        for size in (1, batch):
            images = torch.rand(size, 3, side, side, device=setting.device)
            for kind, run in _kinds(network, images).items():
                runs[f"{kind}, batch of {size}"] = run
        sums = cost.total(network, (3, side, side))
        results.setdefault("networks", {})[name] = {
            "parameters": int(sums.parameters),
            "macs": int(sums.macs),
            "activations": int(sums.activations),
            "peak_bytes": {
                "counted, one image": _counted_peak(network, side),
                f"measured, batch of {batch}": _measured_peak(network, images, setting),
            },
            "seconds": seconds(runs, setting, repeats=7 if setting.on_gpu else 3),
        }

    @torch.inference_mode()
    def _sweep(self, setting: Setting, results: dict) -> None:
        largest = self._batch(setting)
        side = self._side(setting)
        found = {}
        for name in ("resnet18",) if setting.tiny else ("resnet50", "alexnet-owt"):
            network = _build(name, setting)
            runs = {}
            for power in range(int(math.log2(largest)) + 1):
                images = torch.rand(2**power, 3, side, side, device=setting.device)
                runs[str(2**power)] = partial(network, images)
            found[name] = seconds(runs, setting, repeats=7 if setting.on_gpu else 3)
        results["batch sweep"] = found


def _build(name: str, setting: Setting) -> nn.Module:
    """Build a network with random weights on the device; the numbers hardly matter."""
    with torch.device(setting.device):
        network = models.build(name) if name in OURS else tv.get_model(name)
    return network.eval()


def _kinds(network: nn.Module, images: Tensor) -> Runs:
    """Return the runs of a network: as it is, channels last, and in bfloat16."""
    runs: Runs = {"float32": partial(network, images)}
    if images.ndim == 4:
        last = torch.channels_last
        network = copy.deepcopy(network).to(memory_format=last)
        images = images.to(memory_format=last)
        runs["float32, channels last"] = partial(network, images)
    if has_bfloat16():
        network = copy.deepcopy(network).bfloat16()
        kind = "bfloat16, channels last" if images.ndim == 4 else "bfloat16"
        runs[kind] = partial(network, images.bfloat16())
    return runs


def _repeated(
    run: Callable[[], object], times: int, setting: Setting
) -> Callable[[], object]:
    """Return what runs something several times, on a GPU without waiting for Python.

    A small layer takes less time than it takes to start it from Python; captured in a
    graph, the starts cost next to nothing, and what is measured is the layer.
    """
    if not setting.on_gpu:
        return run
    for _ in range(3):
        run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for _ in range(times):
            run()
    return graph.replay


def _counted_peak(network: nn.Module, side: int) -> int:
    """Return the bytes that one image takes at once, weights left out; see `memory`."""
    weightless = copy.deepcopy(network).to("meta")
    known = [*weightless.parameters(), *weightless.buffers()]
    with memory.Peak(known) as watch:
        image = torch.zeros(1, 3, side, side, device="meta")
        watch.add(image)
        weightless(image)
    return watch.peak


def _measured_peak(network: nn.Module, images: Tensor, setting: Setting) -> int | None:
    """Return the bytes that the device holds at most, weights included; on a GPU."""
    if not setting.on_gpu:
        return None
    torch.cuda.reset_peak_memory_stats()
    network(images)
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated()
