"""GoogLeNet with its auxiliary heads: the paper's loss, and the book's weights."""

import pytest
import torch
import torch.nn.functional as F

from cnnbook import models
from cnnbook.training import auxiliary


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return auxiliary.build("googlenet-2014", num_classes=7, in_channels=1)


IMAGES, LABELS = torch.randn(2, 1, 64, 64), torch.tensor([6, 0])


def test_the_loss_is_the_papers_sum_of_three(network):
    network.train()
    torch.manual_seed(1)  # of dropout
    loss = auxiliary.loss_of_all_heads(network(IMAGES), LABELS)
    torch.manual_seed(1)
    main, first, second = (
        F.cross_entropy(scores, LABELS) for scores in network.all_scores(IMAGES)
    )
    torch.testing.assert_close(loss, main + 0.3 * (first + second))


def test_in_eval_mode_the_main_head_speaks_alone(network):
    network.eval()
    alone = models.build("googlenet-2014", num_classes=7, in_channels=1).eval()
    alone.load_state_dict(network.state_dict())
    with torch.no_grad():
        scores = alone(IMAGES)
        loss = auxiliary.loss_of_all_heads(network(IMAGES), LABELS)
        torch.testing.assert_close(network(IMAGES).exp(), scores.softmax(dim=1))
    torch.testing.assert_close(loss, F.cross_entropy(scores, LABELS))


@pytest.mark.parametrize("name", ["googlenet", "googlenet-2014"])
def test_it_is_the_books_network_with_two_more_heads(name):
    with torch.device("meta"):
        network = auxiliary.build(name, num_classes=1000, in_channels=3)
    heads = {"aux1", "aux2"}
    names = {key for key in network.state_dict() if key.split(".")[0] not in heads}
    assert names == models.build(name, device="meta").state_dict().keys()
    assert network.aux2 is not None
