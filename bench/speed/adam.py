"""How fast our Adam is, beside torch's and beside the memory: ``python -m bench.speed.adam``.

Everything is a ratio of medians, taken side by side (``bench.speed.timing``).
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence

import torch

from bench.optimizers.adam import Adam
from bench.speed.timing import ratio, take_turns

Shape = tuple[int, ...]

SMALL_CNN: list[Shape] = [
    *[(16, 1, 3, 3), (16,), (32, 16, 3, 3), (32,)],
    *[(64, 1568), (64,), (10, 64), (10,)],
]
DIGITS_MLP: list[Shape] = [(64, 64), (64,), (10, 64), (10,)]
K = 64
BYTES_PER_PARAMETER = 28  # θ, m and v read and written, g read: seven float32 numbers
SWITCHES: dict[str, dict[str, object]] = {
    "Adam": {},
    "AMSGrad": {"amsgrad": True},
    "L2 decay": {"weight_decay": 0.01},
    "AdamW": {"weight_decay": 0.01, "decoupled_weight_decay": True},
    "AdamW + AMSGrad": {"weight_decay": 0.01, "decoupled_weight_decay": True, "amsgrad": True},
}
OURS: dict[str, dict[str, object]] = {
    "": {},
    ", no bias correction": {"bias_correction": False},
    ", eps_inside_root": {"eps_inside_root": True},
}


def list_resnet18_shapes() -> list[Shape]:
    """Shapes of ResNet-18's 62 parameters: 11.2 million numbers with its 10-class head."""
    from torchvision.models import resnet18  # slow to import: only for its shapes

    return [tuple(p.shape) for p in resnet18(num_classes=10).parameters()]


def make_parameters(
    shapes: Sequence[Shape], device: str, stack: Shape = ()
) -> list[torch.nn.Parameter]:
    """Fresh parameters with gradients; ``stack`` is put before every shape."""
    made = [torch.nn.Parameter(torch.randn(*stack, *shape, device=device)) for shape in shapes]
    for p in made:
        p.grad = torch.randn_like(p)
    return made


def compare_with_torch(name: str, shapes: Sequence[Shape], rounds: int, device: str) -> None:
    """Prints time(ours) / time(torch, fused) for every switch.

    All update the very same tensors: where in memory a tensor happens to lie can matter more than
    what is compared.
    """
    for switch, kwargs in SWITCHES.items():
        params = make_parameters(shapes, device)
        theirs = torch.optim.Adam(params, fused=True, **kwargs)  # type: ignore[arg-type]
        theirs.step()
        ours = [Adam(params, **kwargs, **extra) for extra in OURS.values()]  # type: ignore[arg-type]
        for optimizer in ours:  # t is its own: where it lies depends on the switches
            optimizer.state.update(
                {p: {**own, "step": own["step"].clone()} for p, own in theirs.state.items()}
            )
        base, *others = take_turns([theirs.step, *[o.step for o in ours]], rounds)
        for extra, times in zip(OURS, others, strict=True):
            label, middle = f"{name}: {switch}{extra}", statistics.median(times) * 1e3
            print(f"{label:58s} {middle:8.3f} ms   ours / torch fused {ratio(times, base):6.3f}")


def compare_with_memory(shapes: Sequence[Shape], rounds: int, device: str) -> None:
    """Prints time(ours) over the time that 28 bytes a parameter take at the memory's speed.

    A copy is the usual measure of that. It understates it: a processor reads the lines that a
    copy will overwrite, so that three bytes move for the two that count. Adam, and ``x += 1``,
    overwrite only what they have read.
    """
    source = torch.randn(48 * 1024 * 1024, device=device)  # far more than any cache
    target, one = torch.empty_like(source), torch.ones((), device=device)
    params = make_parameters(shapes, device)
    count = sum(p.numel() for p in params)
    ours = Adam(params)
    contestants = [lambda: target.copy_(source), lambda: target.add_(one), ours.step]
    *moving, step = take_turns(contestants, rounds)
    counted = 2 * source.numel() * source.element_size()
    share = BYTES_PER_PARAMETER * count / counted
    for name, times in zip(["copy", "x += 1"], moving, strict=True):
        print(
            f"ResNet-18, {count / 1e6:.1f} M parameters: {statistics.median(step) * 1e3:.3f} ms, "
            f"{name} at {counted / statistics.median(times) / 1e9:.1f} GB/s   "
            f"ours / floor {ratio(step, times) / share:.3f}"
        )


def compare_stacked(rounds: int, device: str) -> None:
    """Prints time(K separate torch Adams) / time(one Adam with K learning rates)."""
    separate = [torch.optim.Adam(make_parameters(DIGITS_MLP, device), fused=True) for _ in range(K)]
    spread = torch.logspace(-4, -1, K)
    betas = (torch.linspace(0.5, 0.95, K), torch.linspace(0.9, 0.9999, K))
    rates = Adam(make_parameters(DIGITS_MLP, device, (K,)), spread)
    every = Adam(make_parameters(DIGITS_MLP, device, (K,)), spread, betas, spread * 1e-6, spread)

    def one_by_one() -> None:
        for optimizer in separate:
            optimizer.step()

    apart, *together = take_turns([one_by_one, rates.step, every.step], rounds)
    middle = statistics.median(apart) * 1e3
    for name, times in zip(["K lr", "K lr, betas, eps, weight_decay"], together, strict=True):
        print(
            f"K = {K} digits MLPs, {name}: {statistics.median(times) * 1e3:.3f} ms, "
            f"{K} torch fused {middle:.3f} ms   torch / ours {ratio(apart, times):.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=101)
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.set_flush_denormal(True)
    device, threads = arguments.device, f"{arguments.threads} threads"
    on = torch.cuda.get_device_name() if device == "cuda" else threads
    print(f"torch {torch.__version__}, {on}, {arguments.rounds} rounds")
    shapes = list_resnet18_shapes()
    compare_with_torch("ResNet-18, 62 tensors", shapes, arguments.rounds, device)
    compare_with_torch("small CNN, 8 tensors", SMALL_CNN, 10 * arguments.rounds, device)
    compare_with_memory(shapes, arguments.rounds, device)
    compare_stacked(arguments.rounds, device)


if __name__ == "__main__":
    main()
