"""What each of torch's operations multiplies and adds up.

An operation is one of four kinds: it is made of others, which are counted in its place;
it has a rule here, or a formula that torch's own counter knows; it multiplies nothing,
by the book's convention; or it is unknown, and whoever counts must say so. Work that is
unknown is never taken for none.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils.flop_counter import flop_registry

# Returns the MACs of a call: of its arguments, by position and by name, and its output.
Rule = Callable[[tuple, dict, Tensor], int]

# What multiplies nothing, besides what torch itself marks as a view or as pointwise.
# Names are without the underscores at either end.
_FREE = frozenset(
    # Moves values, or makes tensors.
    """
    as_strided as_strided_scatter block_diag cat channel_shuffle constant_pad_nd copy
    detach diag_embed diagonal_scatter embedding expand fill flip gather im2col index
    index_copy index_fill index_put index_select lift lift_fresh masked_scatter
    masked_select narrow_copy pin_memory pixel_shuffle pixel_unshuffle put
    reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave
    replication_pad1d replication_pad2d replication_pad3d reshape_copy resize resize_as
    roll rot90 scatter select_scatter set slice_scatter split_copy split_with_sizes_copy
    squeeze stack t take to_copy transpose tril triu unbind_copy unsafe_index
    unsafe_index_put unsafe_masked_index unsafe_split unsafe_split_with_sizes
    unsafe_view unsqueeze zero
    """
    # Maps each value to one: a loss too, which then adds up.
    """
    add_relu binary_cross_entropy binary_cross_entropy_with_logits complex conj_physical
    fake_quantize_learnable_per_channel_affine fake_quantize_learnable_per_tensor_affine
    fake_quantize_per_channel_affine_cachemask fake_quantize_per_tensor_affine_cachemask
    fake_quantize_per_tensor_affine_cachemask_tensor_qparams floor_divide glu hardswish
    huber_loss isin leaky_relu log_sigmoid_forward mse_loss nll_loss2d_forward
    nll_loss_forward polar prelu_kernel rrelu_with_noise smooth_l1_loss soft_margin_loss
    """
    # Draws at random.
    """
    bernoulli binomial cauchy exponential geometric log_normal multinomial
    native_dropout normal normal_functional poisson random sample_dirichlet
    standard_gamma uniform
    """
    # Takes sums, extremes, places or an order: along a side, or of a window.
    """
    adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool2d
    adaptive_max_pool3d aminmax avg_pool1d avg_pool2d avg_pool3d bincount bucketize
    col2im cummax cummax_helper cummin cummin_helper cumprod cumsum dist
    fractional_max_pool2d fractional_max_pool3d histc index_add index_reduce kthvalue
    logcumsumexp max_pool2d_with_indices max_pool3d_with_indices max_unpool2d
    max_unpool3d median mode nanmedian nonzero nonzero_static scatter_add
    scatter_reduce searchsorted segment_reduce sort topk trace unique unique2
    unique_consecutive unique_dim
    """
    # Normalises.
    """
    batch_norm_no_update batch_norm_with_update batch_norm_with_update_functional
    log_softmax masked_softmax native_batch_norm native_batch_norm_legit
    native_batch_norm_legit_functional native_batch_norm_legit_no_training
    native_group_norm native_layer_norm native_norm renorm safe_softmax softmax
    weight_norm_interface
    """
    # Reads between pixels: interpolation, and regions of any size.
    """
    grid_sampler_2d grid_sampler_3d torchvision.nms torchvision.ps_roi_align
    torchvision.ps_roi_pool torchvision.roi_align torchvision.roi_pool
    upsample_bicubic2d upsample_bicubic2d_aa upsample_bilinear2d upsample_bilinear2d_aa
    upsample_linear1d upsample_nearest1d upsample_nearest2d upsample_nearest3d
    upsample_nearest_exact1d upsample_nearest_exact2d upsample_nearest_exact3d
    upsample_trilinear3d
    """
    # Looks at a tensor's description, or whether a condition holds.
    """
    assert_async assert_tensor_metadata fused_sdp_choice has_same_storage_numel
    is_all_true is_any_true is_pinned is_same_size is_set_to local_scalar_dense
    """.split()
)


class UnknownOperationError(Exception):
    """It is not known what an operation multiplies."""


class Operation(NamedTuple):
    """What is known of an operation."""

    kind: str  # `add` of `aten.add_.Tensor`, which adds in place
    reads: bool  # values, rather than that it is a view or makes a tensor
    macs: Rule | None  # None if it multiplies nothing


@functools.cache
def is_composed(operation: OpOverload) -> bool:
    """Return whether an operation is made of others, which are to be counted instead.

    It is met in inference mode only: elsewhere torch hands over its parts.
    """
    return torch._C._dispatch_has_kernel_for_dispatch_key(
        operation.name(), "CompositeImplicitAutograd"
    )


@functools.cache
def look_up(operation: OpOverload) -> Operation:
    """Return what is known of an operation that is not composed of others.

    Raises:
        UnknownOperationError: If it is not known what it multiplies.
    """
    packet, name = operation.overloadpacket, _name(operation)
    kind, reads = packet.__name__.strip("_"), _reads(operation)
    if name in _RULES:
        return Operation(kind, reads, _RULES[name])
    if packet in flop_registry:
        formula = functools.partial(_by_torchs_counter, flop_registry[packet])
        return Operation(kind, reads, formula)
    if not reads or name in _FREE or _is_marked(operation):
        return Operation(kind, reads, None)
    raise UnknownOperationError(
        f"it runs {packet}, and how much that multiplies is not known here; if you "
        "know, say it with "
        f"torch.utils.flop_counter.register_flop_formula(torch.ops.{packet})"
    )


def _name(operation: OpOverload) -> str:
    name = operation.overloadpacket.__name__.strip("_")
    space = operation.namespace
    return name if space == "aten" else f"{space}.{name}"


def _reads(operation: OpOverload) -> bool:
    """Return whether it reads values: a view or what makes a tensor does not."""
    name = operation.overloadpacket.__name__
    return not (
        operation.is_view or name.startswith("new_") or name.endswith("_like")
    ) and any(
        "Tensor" in str(a.type) and not a.is_out for a in operation._schema.arguments
    )


def _is_marked(operation: OpOverload) -> bool:
    """Return whether torch marks any form of it as one that multiplies nothing."""
    space = getattr(torch.ops, operation.namespace)
    name = operation.overloadpacket.__name__
    packets = [getattr(space, name)]
    if hasattr(space, name.removesuffix("_")):
        packets.append(getattr(space, name.removesuffix("_")))
    return any(
        _MARKS.intersection(getattr(packet, overload).tags)
        for packet in packets
        for overload in packet.overloads()
    )


# A reduction takes sums or extremes along a side.
_MARKS = {torch.Tag.pointwise, torch.Tag.view_copy, torch.Tag.reduction}


def _by_torchs_counter(
    flops: Callable[..., int], args: tuple, kwargs: dict, y: Tensor
) -> int:
    return flops(*args, **kwargs, out_val=y) // 2


def _product(first: int) -> Rule:
    """Return the rule of a product of matrices or vectors, after so many arguments."""

    def count(args: tuple, kwargs: dict, y: Tensor) -> int:
        a, b = args[first : first + 2]
        columns = b.shape[-1] if b.ndim > 1 else 1
        # A product of complex numbers is four of real ones.
        return a.numel() * columns * (4 if a.is_complex() else 1)

    return count


def _convolution(args: tuple, kwargs: dict, y: Tensor) -> int:
    # Each output reads as many inputs as a kernel has weights; if it is transposed,
    # each input goes to as many outputs.
    x, weight, transposed = args[0], args[1], args[6]
    return (x if transposed else y).numel() * math.prod(weight.shape[1:])


def _convolution_in_time(args: tuple, kwargs: dict, y: Tensor) -> int:
    return y.numel() * math.prod(args[1].shape[:2])  # width, inputs, outputs


def _deformed_convolution(args: tuple, kwargs: dict, y: Tensor) -> int:
    return y.numel() * math.prod(args[1].shape[1:])  # where it reads is interpolated


def _affine_grid(args: tuple, kwargs: dict, y: Tensor) -> int:
    return y.numel() * args[0].shape[-1]  # a matrix times each position


def _weighted_bags(args: tuple, kwargs: dict, y: Tensor) -> int:
    table, indices, weights = args[0], args[1], [*args, *[None] * 9][6]
    return 0 if weights is None else indices.numel() * table.shape[1]


def _trilinear(args: tuple, kwargs: dict, y: Tensor) -> int:
    """Count as torch computes: the first two are multiplied, then that and the third.

    Each misses some of the sides, its `absent` ones. The sides of `summed` are summed
    over: in the first product those that the third tensor does not have.
    """
    factors, absent, summed = args[:3], args[3:6], args[6]
    present = [
        set(range(x.ndim + len(gone))) - set(gone)
        for x, gone in zip(factors, absent, strict=True)
    ]
    sides = {
        side: length
        for x, there in zip(factors, present, strict=True)
        for side, length in zip(sorted(there), x.shape, strict=True)
    }
    first = present[0] | present[1]
    second = first - (set(summed) - present[2]) | present[2]
    return sum(
        math.prod(sides[side] for side in product) for product in (first, second)
    )


_RULES: dict[str, Rule] = {
    **dict.fromkeys(["mm", "bmm", "mv", "dot", "vdot", "int_mm"], _product(0)),
    **dict.fromkeys(["addmm", "baddbmm", "addmv", "addbmm"], _product(1)),
    "addmm_activation": _product(1),
    "addr": lambda args, kwargs, y: y.numel(),  # a column times a row
    "affine_grid_generator": _affine_grid,
    "conv_tbc": _convolution_in_time,
    "convolution": _convolution,
    "embedding_bag": _weighted_bags,
    "embedding_bag_forward_only": _weighted_bags,
    "torchvision.deform_conv2d": _deformed_convolution,
    "trilinear": _trilinear,
}
