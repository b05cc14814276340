"""Files of weights: a network's own names, tensors alone, and told if another's."""

import pytest
import torch
from safetensors import safe_open
from torch import nn

from cnnbook.training import weights


def test_a_file_holds_the_networks_own_names_and_says_what_it_is(tmp_path):
    """Also where a part of the network is compiled."""
    network = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    names = set(network.state_dict())
    network[0] = torch.compile(network[0], backend="eager")
    weights.save(network, tmp_path / "file")
    with safe_open(tmp_path / "file", "pt") as file:
        assert set(file.keys()) == names
        assert file.metadata() == {"format": "pt"}
    plain = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    weights.load(plain, tmp_path / "file")
    weights.load(network, tmp_path / "file")
    assert plain[0].weight.equal(network[0].weight)


def test_weights_of_another_network_are_told(tmp_path):
    weights.save(nn.Linear(2, 2), tmp_path / "file")
    with pytest.raises(ValueError, match="weights of another network, by 'bias'"):
        weights.load(nn.Linear(2, 2, bias=False), tmp_path / "file")
    with pytest.raises(RuntimeError, match="size mismatch"):
        weights.load(nn.Linear(3, 2), tmp_path / "file")


class Remembering(nn.Linear):
    """Keeps something that is no tensor beside its weights."""

    def get_extra_state(self):
        return {"seen": 3}


def test_what_is_no_tensor_is_refused_by_name(tmp_path):
    with pytest.raises(ValueError, match="'_extra_state' in the network's state is no"):
        weights.save(Remembering(2, 2), tmp_path / "file")
    assert not (tmp_path / "file").exists()
