"""Every operation of the installed torch is counted, free by convention, or refused."""

import functools
import re

import torch
import torchvision  # noqa: F401  brings operations of its own

from cnnbook import _products


@functools.cache
def operations():
    """Return every operation that torch may hand over, with its place and name."""
    found = []
    for name in torch._C._dispatch_get_all_op_names():
        space, _, rest = name.partition("::")
        packet, _, overload = rest.partition(".")
        forms = getattr(getattr(torch.ops, space), packet)
        operation = getattr(forms, overload or "default")
        if not _products.is_composed(operation):
            found.append((space, packet.strip("_"), operation))
    return found


def is_known(operation):
    try:
        return _products.look_up(operation)
    except _products.UnknownOperationError:
        return None


# What is refused: products that nobody has counted here, what a network does not run on
# the way forward, and what needs other devices or formats.
REFUSED = r"""
    .*backward.* foreach_.* fused_(ada|sgd|dropout|moving).* amp_.* .*sparse.*
    (cudnn|miopen|mkldnn|mps|nested|quantized|nnpack|cslt|triton|sample|test)_.*
    .*_(cudnn|miopen|mps|nested|jagged).* .*jagged.* .*_jvp .*mkldnn .*nested.*
    linalg_.* cholesky.* fft_.* .*(cdist|pdist|euclidean_dist).* lu_unpack ormqr geqrf
    triangular_solve compute_linear_combination spsolve hspmm sspaddmm spdiags
    linear conv_depthwise[23]d slow_conv.* .*grouped_mm.* scaled_mm_v2
    scaled_dot_product_.* lstm_mps thnn_fused_.* transformer_encoder_layer_fwd
    native_multi_head_attention transform_bias_rescale_qkv mixed_dtypes_linear
    dyn_quant_.* weight_int[48]pack_mm.* convert_.* ctc_loss multi.*margin_loss.*
    batch_norm_(e|gather|stats|update).* grid_sampler_2d_cpu_fallback
    q_.* qscheme quantize_.* dequantize int_repr make_per_.* embedding_renorm
    allclose hash_tensor histogram.* linspace logspace irshift index_put_impl
    coalesced? is_coalesced dense_dim dim[IV] nnz empty_.*quantized chunk_cat
    masked_scale copy_from copy_from_and_resize lazy_clone resize_output record_stream
    functional_(assert|sym).* dirichlet_grad standard_gamma_grad foobar
    fill_mem_eff_dropout_mask rrelu_with_noise_functional unsafe_masked_index_put.*
    unique_dim_consecutive pack_padded_sequence to_padded_tensor to_dense
    new_zeros_with_same_feature_meta linalg_check_errors validate_compressed.*
    sparse_.*
""".split()


def test_each_operation_of_torch_is_counted_or_free_or_refused_on_purpose():
    refused = re.compile("|".join(REFUSED))
    unknown = {
        name
        for space, name, operation in operations()
        if space == "aten" and not is_known(operation) and not refused.fullmatch(name)
    }
    assert not unknown, "say in _products what they multiply, or here that nobody knows"


# Words that mean a product. An operation of such a name is never free by its name.
WORDS = "|".join(
    [
        r".*(mm|mv|dot|matmul|attention|lstm|gru|rnn)",
        r".*(linear|conv(ol|_|\d)|fft_|linalg).*",
    ]
)
FREE = r"linalg_(vector_norm|_powsum)|upsample_(bilinear2d(_aa)?|linear1d|trilinear3d)"


def test_what_is_called_a_product_is_not_free():
    free = {
        name
        for _, name, operation in operations()
        if re.fullmatch(WORDS, name)
        and not re.fullmatch(FREE, name)
        and (known := is_known(operation))
        and known.reads
        and known.macs is None
    }
    assert not free


def test_each_free_operation_is_one_of_the_installed_torch():
    there = {
        name if space == "aten" else f"{space}.{name}"
        for space, name, _ in operations()
    }
    assert there >= _products._FREE
