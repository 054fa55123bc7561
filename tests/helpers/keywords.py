"""An optimizer that takes any further keyword, for values that refer to others."""

from __future__ import annotations

import torch


class Sgd(torch.optim.SGD):
    """Gradient descent; what else it is given changes nothing."""

    def __init__(self, params, lr=0.1, momentum=0.0, **_):
        super().__init__(params, lr=lr, momentum=momentum)
