"""Looking at a network leaves each of its modules in the mode that it was in."""

import random

import numpy as np
import pytest
import torch
from torch import nn

from cnnbook import _observe, cam, cost, data, gradients, receptive_field, training

SIZE = (3, 8, 8)
IMAGES, LABELS = torch.rand(2, *SIZE), torch.tensor([0, 1])
MEASUREMENTS = {
    "predict": lambda net: training.predict(net, IMAGES),
    "evaluate": lambda net: training.evaluate(net, data.Split(IMAGES, LABELS)),
    "class_activation_map": lambda net: cam.class_activation_map(net, IMAGES),
    "trace": lambda net: receptive_field.trace(net, SIZE),
    "measure": lambda net: receptive_field.measure(net, SIZE, "1"),
    "effective": lambda net: receptive_field.effective(net, IMAGES, "1"),
    "norm_by_layer": lambda net: gradients.norm_by_layer(net, IMAGES, LABELS),
    "layer_table": lambda net: cost.layer_table(net, SIZE),
}


class Broken(nn.Module):
    """Fails after the layers before it have run."""

    def forward(self, x):
        raise RuntimeError("broken")


def _network(training: bool, *, broken: bool = False) -> nn.Sequential:
    """Return a network with a frozen part: a normalisation that is in eval mode."""
    last = Broken() if broken else nn.Flatten()
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), last,
        nn.Linear(4, 2),
    ).train(training)  # fmt: skip
    network[1].training = not training
    return network


def _state(network: nn.Module) -> list:
    """Return modes, values, and which gradients and hooks there are."""
    modules = list(network.modules())
    return [
        [module.training for module in modules],
        [len(module._forward_hooks) for module in modules],
        [(p.requires_grad, p.grad) for p in network.parameters()],
        [value.tolist() for value in network.state_dict().values()],
    ]


@pytest.mark.parametrize("measure", MEASUREMENTS.values(), ids=MEASUREMENTS)
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("broken", [False, True])
def test_a_network_is_left_as_it_was(measure, training, broken):
    network = _network(training, broken=broken)
    before = _state(network)
    if broken:
        with pytest.raises((RuntimeError, ValueError), match="broken"):
            measure(network)
    else:
        measure(network)
    assert _state(network) == before


@pytest.mark.parametrize("training", [True, False])
def test_all_of_a_network_runs_in_the_mode_asked_for(training):
    network, seen = _network(not training), []
    with _observe.running(network, {network[1]: lambda *_: seen.append(1)}, training):
        assert all(module.training is training for module in network.modules())
        network(IMAGES)
    assert seen == [1]


class Careless(nn.Module):
    """Keeps tensors, buffers, layers and lists of its own, made when it runs."""

    def __init__(self):
        super().__init__()
        self.layer, self.calls, self.seen = nn.Conv2d(3, 3, 3), 0, []

    def forward(self, x):
        self.calls += 1
        self.seen.append(x)
        self.cache = y = self.layer(x)
        self.register_buffer("last", y)
        if not hasattr(self, "late"):
            self.late = nn.Identity()
        return y


def _careless():
    return nn.Sequential(Careless(), nn.AdaptiveAvgPool2d(1), nn.Flatten())


LOOKS = {
    "trace": lambda net: receptive_field.trace(net, SIZE),
    "measure": lambda net: receptive_field.measure(net, SIZE, "0.layer"),
    "effective": lambda net: receptive_field.effective(net, IMAGES, "0.layer"),
    "norm_by_layer": lambda net: gradients.norm_by_layer(net, IMAGES, LABELS),
    "layer_table": lambda net: cost.layer_table(net, SIZE),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_nothing_that_a_forward_sets_stays(look):
    network = _careless()
    inner, seen = network[0], network[0].seen
    before = set(vars(inner))
    look(network)
    assert set(vars(inner)) == before
    assert (inner.calls, inner.seen, inner.seen is seen) == (0, [], True)
    assert list(network.state_dict()) == ["0.layer.weight", "0.layer.bias"]
    assert [name for name, _ in inner.named_children()] == ["layer"]
    assert network(IMAGES).device == IMAGES.device


@pytest.mark.parametrize("name", ["trace", "measure", "effective", "layer_table"])
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: nn.Sequential(nn.LazyConv2d(3, 3)), "run the network once first"),
        (lambda: nn.DataParallel(_careless()), "not a DataParallel made from it"),
        (lambda: torch.jit.trace(nn.Conv2d(3, 3, 3), IMAGES), "not a TopLevelTraced"),
    ],
    ids=["lazy", "parallel", "script"],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_what_cannot_be_looked_at_is_refused_and_left_alone(name, make, says):
    network = make()
    with pytest.raises(ValueError, match=says):
        LOOKS[name](network)
    if not isinstance(network, nn.DataParallel):  # the lazy layer can still be run
        assert network(IMAGES).shape == (2, 3, 6, 6)


def _compiled_in_place():
    network = _careless()
    network.compile()
    return network


def _quantised():
    return nn.Sequential(torch.ao.nn.quantized.dynamic.Linear(3, 2))


@pytest.mark.slow  # the import of the compiler takes seconds
@pytest.mark.parametrize("name", ["trace", "measure", "effective"])
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: torch.compile(_careless()), "not an OptimizedModule made from it"),
        (_compiled_in_place, "the network is compiled, and hides what it does"),
    ],
    ids=["compiled", "compiled in place"],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_what_is_compiled_is_refused_but_by_cost(name, make, says):
    with pytest.raises(ValueError, match=says):
        LOOKS[name](make())
    assert LOOKS["layer_table"](make()) is not None


@pytest.mark.parametrize("name", ["trace", "measure", "effective", "layer_table"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_what_is_quantised_is_refused(name):
    with pytest.raises(ValueError, match=r"layer '0' \(Linear\) is quantised"):
        LOOKS[name](_quantised())


@pytest.mark.parametrize("name", ["trace", "measure", "effective"])
def test_the_readers_generators_are_left_alone(name):
    class Noisy(nn.Module):
        def forward(self, x):
            return x + torch.rand_like(x) + np.random.rand() + random.random()

    numpy_state, python_state = np.random.get_state(), random.getstate()
    network = nn.Sequential(nn.Conv2d(3, 3, 3), nn.Sequential(Noisy()))
    torch_state = torch.random.get_rng_state()  # a network's weights are drawn, too
    if name == "measure":
        receptive_field.measure(network, SIZE, "1")
    elif name == "effective":
        receptive_field.effective(network, IMAGES, "1")
    else:
        receptive_field.trace(network, SIZE)
    assert torch.random.get_rng_state().equal(torch_state)
    assert (np.random.get_state()[1] == numpy_state[1]).all()
    assert random.getstate() == python_state


@pytest.mark.parametrize("name", ["trace", "measure", "effective"])
def test_it_looks_within_inference_mode_too(name):
    network = nn.Sequential(nn.Sequential(nn.Conv2d(3, 3, 3)), nn.ReLU())
    with torch.inference_mode():
        images = IMAGES.clone()
        if name == "measure":
            assert receptive_field.measure(network, SIZE, "1").size == 3
        elif name == "effective":
            assert receptive_field.effective(network, images, "0").sum() > 0.99
        else:
            assert receptive_field.trace(network, SIZE)["size"].tolist() == [3, 3]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_field_is_followed_in_any_precision(dtype):
    """As `cost` counts in any: the image has the weights' type."""
    traced = receptive_field.trace(nn.Sequential(nn.Conv2d(3, 4, 3)).to(dtype), SIZE)
    assert traced["size"].tolist() == [3]
