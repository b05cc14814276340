"""Gradients in networks: norms by layer, and shares by the length of paths."""

import copy
import dataclasses
import itertools

import pytest
import torch
import torch.nn.functional as F
import torch.nn.utils.prune
from torch import nn

from cnnbook import models
from cnnbook.gradients import by_path_length, norm_by_layer
from cnnbook.models import resnet


@pytest.fixture
def batch():
    torch.manual_seed(0)
    return torch.randn(6, 1, 32, 32), torch.arange(6)


@pytest.mark.parametrize("name", ["lenet5-modern", "resnet20-cifar", "plain20-cifar"])
def test_norms_are_those_of_autograd(name, batch):
    torch.manual_seed(0)
    model = models.build(name, in_channels=1)
    table = norm_by_layer(model, *batch)
    copied = copy.deepcopy(model)
    F.cross_entropy(copied(batch[0]), batch[1]).backward()
    modules = dict(copied.named_modules())
    for row in table.itertuples():
        kernel = modules[row.layer].weight
        assert row.kind == type(modules[row.layer]).__name__
        assert row.gradient_norm == pytest.approx(kernel.grad.norm().item(), rel=1e-4)
        assert row.weight_norm == pytest.approx(kernel.norm().item(), rel=1e-6)


def test_norms_are_in_the_order_of_execution():
    class Backwards(nn.Module):
        def __init__(self):
            super().__init__()
            self.last = nn.Linear(3, 2)
            self.first = nn.Linear(4, 3)
            self.never = nn.Linear(4, 3)

        def forward(self, x):
            return self.last(self.first(x))

    model = Backwards()
    x = torch.ones(5, 4)
    table = norm_by_layer(model, x, torch.zeros(5, dtype=torch.long))
    assert table.layer.tolist() == ["first", "last"]
    with torch.no_grad():
        expected = model.first(x).square().mean().sqrt().item()
    assert table.activation_rms[0] == pytest.approx(expected)


@pytest.mark.parametrize("training", [True, False])
def test_measuring_leaves_weights_and_their_gradients_as_they_were(batch, training):
    model = models.build("resnet20-cifar", in_channels=1).train(not training)
    model.conv1.weight.requires_grad_(False)
    model.fc.weight.grad = torch.ones_like(model.fc.weight)
    before = copy.deepcopy(model.state_dict())
    table = norm_by_layer(model, *batch, training=training)
    assert table.gradient_norm[0] > 0  # of a frozen layer, too
    assert not model.conv1.weight.requires_grad
    assert model.conv1.weight.grad is None
    assert torch.equal(model.fc.weight.grad, torch.ones_like(model.fc.weight))
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_training_mode_uses_the_batch_and_evaluation_mode_does_not(batch):
    model = models.build("plain20-cifar", in_channels=1)
    own, running = (norm_by_layer(model, *batch, training=t) for t in (True, False))
    assert own.gradient_norm[0] != pytest.approx(running.gradient_norm[0], rel=0.01)


def test_bad_batches_and_models_get_one_clear_error(batch):
    model = models.build("resnet20-cifar", in_channels=1)
    with pytest.raises(ValueError, match="6 images and 5 labels"):
        norm_by_layer(model, batch[0], batch[1][:5])
    with pytest.raises(ValueError, match="no convolution and no linear layer"):
        norm_by_layer(nn.Flatten(), *batch)


# --- Networks whose weights are shared, computed, unused, frozen or of another kind


class Network(nn.Module):
    """Runs any function of itself and its input."""

    def __init__(self, run, **members):
        super().__init__()
        self.run = run
        for name, member in members.items():
            setattr(self, name, member)

    def forward(self, x):
        return self.run(self, x)


@pytest.fixture
def rows():
    torch.manual_seed(0)
    return torch.randn(4, 8), torch.arange(4)


def gradients_of(network, rows, *weights):
    """Return the norms of autograd's gradients, of weights that the network has."""
    found = torch.autograd.grad(F.cross_entropy(network(rows[0]), rows[1]), weights)
    return pytest.approx([gradient.norm().item() for gradient in found], rel=1e-5)


def test_tied_weights_have_one_gradient_in_each_row(rows):
    network = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8))
    network[2].weight = network[0].weight
    table = norm_by_layer(network, *rows)
    assert table.layer.tolist() == ["0", "2"]
    weights = [network[0].weight] * 2
    assert table.gradient_norm.tolist() == gradients_of(network, rows, *weights)


def test_a_layer_used_twice_has_one_row_with_all_of_its_gradient(rows):
    layer = nn.Linear(8, 8)
    network = nn.Sequential(layer, nn.Tanh(), layer)
    table = norm_by_layer(network, *rows)
    assert table.gradient_norm.tolist() == gradients_of(network, rows, layer.weight)


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize(
    "compute",
    [
        nn.utils.parametrizations.weight_norm,
        nn.utils.parametrizations.spectral_norm,
        nn.utils.parametrizations.orthogonal,
        pytest.param(
            nn.utils.weight_norm,
            marks=pytest.mark.filterwarnings("ignore:`torch.nn.utils.weight_norm` is"),
        ),
        nn.utils.spectral_norm,
        lambda layer: nn.utils.prune.l1_unstructured(layer, "weight", 0.5),
    ],
)
def test_computed_weights_have_the_gradient_of_what_multiplies(compute, twice, rows):
    layer = compute(nn.Linear(8, 8))
    layer.eval()
    layer(rows[0])
    plain = nn.Linear(8, 8)
    plain.load_state_dict({"weight": layer.weight, "bias": layer.bias})
    both = [
        nn.Sequential(*[part, nn.Tanh(), part][: 3 if twice else 1])
        for part in (layer, plain)
    ]
    computed, expected = [norm_by_layer(n, *rows, training=False) for n in both]
    assert computed.layer.equals(expected.layer)
    assert computed.kind.tolist() == ["Linear"]
    for column in ("weight_norm", "gradient_norm", "activation_rms"):
        assert computed[column].tolist() == pytest.approx(expected[column].tolist())


def test_layers_that_the_loss_does_not_use_have_no_row(rows):
    network = Network(
        lambda net, x: (net.used(x), net.unused(x)),
        used=nn.Linear(8, 5),
        unused=nn.Linear(8, 5),
    )
    table = norm_by_layer(
        network, *rows, criterion=lambda scores, y: F.cross_entropy(scores[0], y)
    )
    assert table.layer.tolist() == ["used"]


@pytest.mark.parametrize("dimensions", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Conv", "ConvTranspose"])
def test_every_convolution_has_a_row(kind, dimensions, rows):
    layer = getattr(nn, f"{kind}{dimensions}d")(1, 2, 3)
    head = nn.Linear(2, 5)
    network = Network(lambda net, x: head(layer(x).flatten(2).mean(2)), layer=layer)
    images = torch.randn(4, 1, *[4] * dimensions)
    table = norm_by_layer(network, images, rows[1])
    assert table.kind.tolist() == [f"{kind}{dimensions}d"]
    expected = gradients_of(network, (images, rows[1]), layer.weight)
    assert table.gradient_norm.tolist() == expected


def test_a_bilinear_layer_and_one_that_returns_a_tuple_have_rows(rows):
    class Two(nn.Linear):
        def forward(self, x):
            return super().forward(x), x

    network = Network(
        lambda net, x: net.two(net.product(x, x))[0],
        product=nn.Bilinear(8, 8, 6),
        two=Two(6, 5),
    )
    table = norm_by_layer(network, *rows)
    assert table.kind.tolist() == ["Bilinear", "Two"]
    weights = network.product.weight, network.two.weight
    assert table.gradient_norm.tolist() == gradients_of(network, rows, *weights)


@pytest.mark.parametrize("dtype", [torch.half, torch.bfloat16, torch.double])
def test_images_follow_the_networks_precision_and_squares_do_not_overflow(dtype, rows):
    layer = nn.Linear(8, 5).to(dtype)
    table = norm_by_layer(nn.Sequential(layer), rows[0] * 10_000, rows[1])
    with torch.no_grad():
        output = layer((rows[0] * 10_000).to(dtype)).double()
    expected = output.square().mean().sqrt().item()
    assert table.activation_rms[0] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_gradients_are_measured_whatever_mode_the_reader_is_in(mode, rows):
    network = nn.Sequential(nn.Linear(8, 5))
    expected = norm_by_layer(network, *rows)
    with mode():
        assert norm_by_layer(network, rows[0] + 0, rows[1]).equals(expected)


@pytest.mark.parametrize("in_place", [False, True])
def test_a_compiled_network_that_has_run_is_measured(in_place, rows):
    network = compiled = nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 5))
    expected = norm_by_layer(network, *rows)
    if in_place:
        network.compile(backend="eager")
    else:
        compiled = torch.compile(network, backend="eager")
    compiled(rows[0])
    assert norm_by_layer(compiled, *rows).equals(expected)


def test_measuring_draws_from_no_generator_and_keeps_running_means(rows):
    network = nn.Sequential(
        nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(), nn.Linear(8, 5)
    )
    network.eval()
    values = copy.deepcopy(network.state_dict())
    generator = torch.get_rng_state()
    tables = [norm_by_layer(network, *rows) for _ in range(2)]
    assert tables[0].equals(tables[1])
    assert torch.equal(torch.get_rng_state(), generator)
    assert not network.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, values[name])


@pytest.mark.parametrize(
    ("network", "options", "says"),
    [
        (nn.Sequential(nn.LazyLinear(5)), {}, "run the network once"),
        (nn.DataParallel(nn.Linear(8, 5)), {}, "give the network itself"),
        (
            Network(lambda net, x: {"scores": net.linear(x)}, linear=nn.Linear(8, 5)),
            {},
            "the model returns a dict, not scores",
        ),
        (
            nn.Linear(8, 5),
            {"criterion": lambda x, y: F.cross_entropy(x, y, reduction="none")},
            "the loss must be one number",
        ),
        (nn.Linear(8, 5), {"criterion": lambda x, y: 1.0}, "the loss must be one"),
        (
            Network(lambda net, x: net.linear(x).detach(), linear=nn.Linear(8, 5)),
            {},
            "look at the criterion, and at what the model detaches",
        ),
    ],
)
def test_what_has_no_gradient_is_refused(network, options, says, rows):
    with pytest.raises(ValueError, match=says):
        norm_by_layer(network, *rows, **options)


def test_batches_that_are_none_are_refused(rows):
    with pytest.raises(ValueError, match="at least one image"):
        norm_by_layer(nn.Linear(8, 5), rows[0][:0], rows[1][:0])
    with pytest.raises(ValueError, match=r"floating-point numbers, got torch\.uint8"):
        norm_by_layer(nn.Linear(8, 5), rows[0].byte(), rows[1])


# --- By the length of paths


def test_path_lengths_are_those_of_single_paths(batch):
    torch.manual_seed(1)
    design = dataclasses.replace(resnet.DESIGNS["resnet20-cifar"], depths=(1, 1, 2))
    model = resnet.ResNet(design, in_channels=1)
    table = by_path_length(model, *batch)
    assert table.paths.tolist() == [1, 4, 6, 4, 1]

    sums = torch.zeros(5, batch[0].numel(), dtype=torch.float64)
    for taken in itertools.product((False, True), repeat=4):  # all paths, one by one
        sums[sum(taken)] += _along_one_path(model, batch, taken)
    whole = _along_all_paths(model, batch)
    expected = sums @ whole / whole.dot(whole)
    torch.testing.assert_close(
        torch.tensor(table.share), expected, rtol=1e-8, atol=1e-12
    )


def _along_one_path(model, batch, taken):
    """Return the images' gradient through the branches of the blocks in `taken`."""
    twin = copy.deepcopy(model).double()
    blocks = [module for module in twin.modules() if isinstance(module, resnet.Block)]
    for block, through in zip(blocks, taken, strict=True):
        block.forward = _one_way(block, through)
    images = batch[0].double().requires_grad_()
    F.cross_entropy(twin(images), batch[1]).backward()
    return images.grad.flatten()


def _along_all_paths(model, batch):
    images = batch[0].double().requires_grad_()
    F.cross_entropy(copy.deepcopy(model).double()(images), batch[1]).backward()
    return images.grad.flatten()


def _one_way(block, through):
    """Compute the block as it is, but send the gradient back one way only."""

    def forward(x):
        branch, shortcut = block.branch(x), block.downsample(x)
        if through:
            return block.relu(branch + shortcut.detach())
        return block.relu(branch.detach() + shortcut)

    return forward


def test_path_lengths_add_up_to_the_gradient_even_of_deep_networks(batch):
    torch.manual_seed(0)
    design = dataclasses.replace(resnet.DESIGNS["resnet56-cifar"], widths=(2, 4, 8))
    model = resnet.ResNet(design, in_channels=1)
    before = copy.deepcopy(model.state_dict())
    table = by_path_length(model, *batch)
    assert len(table) == 28
    assert table.paths.sum() == 2**27
    whole = _along_all_paths(model, batch)
    ends = [[False] * 27, [True] * 27]
    for length, taken in zip((0, 27), ends, strict=True):
        share = _along_one_path(model, batch, taken).dot(whole) / whole.dot(whole)
        assert table.share[length] == pytest.approx(share.item(), abs=1e-5)
    assert table.share.sum() == pytest.approx(1, abs=1e-9)
    assert table.share.max() > 0.1
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name])


def test_only_residual_networks_of_bearable_depth_have_paths(batch):
    with pytest.raises(ValueError, match="54 blocks are too many"):
        by_path_length(models.build("resnet110-cifar", in_channels=1), *batch)
    for name in ("plain20-cifar", "lenet5-modern"):
        with pytest.raises(ValueError, match="residual blocks with shortcuts"):
            by_path_length(models.build(name, in_channels=1), *batch)
