"""GoogLeNet: the auxiliary heads, torchvision's and those of the paper."""

import pytest
import torch
import torchvision
from torch import nn

from cnnbook import models
from cnnbook.models import googlenet

from .counting import count_parameters


def test_googlenets_own_heads_load_too():
    theirs = torchvision.models.googlenet(init_weights=False, aux_logits=True)
    ours = googlenet.GoogLeNet(auxiliary_heads=True)
    ours.load_state_dict(theirs.state_dict(), strict=True)
    assert count_parameters(ours) == 13_004_888
    images = torch.randn(2, 3, 224, 224)
    ours.train(), theirs.train()
    for network in (ours, theirs):
        for layer in network.modules():
            if isinstance(layer, nn.Dropout):
                layer.p = 0.0
    with torch.no_grad():
        expected = theirs(images)
        got = ours.all_scores(images)
    for mine, its in zip(
        got, (expected.logits, expected.aux_logits1, expected.aux_logits2), strict=True
    ):
        torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-5)
    printed = googlenet.GoogLeNet(as_printed=True, auxiliary_heads=True)
    assert count_parameters(printed) == 13_378_280
    with pytest.raises(ValueError, match="auxiliary_heads=True"):
        models.build("googlenet").all_scores(images)
