"""What a constructor is given: values without meaning, and switches that must not matter."""

from __future__ import annotations

from bench.check.effects import SHORT, SWITCHES, Trials
from bench.check.findings import Failed
from bench.check.problems import make_standard
from bench.check.runner import Runner, distance
from bench.check.variants import get_last_name, is_number
from bench.spec import NotApplicable, OptimizerSpec
from bench.spec.hyperparameters import at, hyperparameters

ROUNDING = 1e-3
"""Of the way that parameters went in float32, after a dozen updates."""

BAD = {
    "lr": (-1.0,),
    "weight_decay": (-1.0,),
    "eps": (-1.0,),
    "momentum": (-1.0,),
    "betas.0": (-0.1, 1.0),
    "betas.1": (-0.1, 1.0),
    "betas.2": (-0.1, 1.1),  # a third average may stand still: some libraries allow 1
    "beta1": (-0.1, 1.0),
    "beta2": (-0.1, 1.0),
    "beta3": (-0.1, 1.1),
}
"""Values without meaning, by how a hyperparameter's name ends."""


def check_bad_values(spec: OptimizerSpec) -> str:
    """Each value without meaning raises an exception at construction or at the first update."""
    tried, accepted = 0, []
    for name, value in hyperparameters(spec).items():
        for bad in _list_bad_values(name) if is_number(value) else ():
            if bad == value:  # PNM's second beta is 1
                continue
            tried += 1
            try:
                Runner(at(spec, {name: bad}), make_standard(spec)).run(1)
                accepted.append(f"{name}={bad:g}")
            except Exception:  # of any kind: it was refused
                continue
    if accepted:
        raise Failed(f"accepts {', '.join(accepted)}")
    if not tried:
        raise NotApplicable("its YAML has none of lr, betas, weight_decay, eps and momentum")
    return f"{tried} of them"


def _list_bad_values(name: str) -> tuple[float, ...]:
    """By the whole end of the name first: ``eps`` is one number with most, a list with some."""
    ends = (".".join(name.split(".")[-2:]), get_last_name(name))
    return next((BAD[end] for end in ends if end in BAD), ())


def check_switches(spec: OptimizerSpec) -> str:
    """torch's choices of implementation change nothing but the last digits."""
    own = {k: v for k, v in hyperparameters(spec).items() if get_last_name(k) in SWITCHES}
    tried = {name: value for name, value in own.items() if isinstance(value, bool)}
    if not tried:
        raise NotApplicable("its YAML has none")
    trials, said = Trials(spec), []
    usual = trials.run({}, SHORT).values()
    way = distance(usual, Runner(spec, make_standard(spec)).values())
    for name, value in tried.items():
        other = trials.result({name: not value}, SHORT)
        if isinstance(other, str):
            said.append(f"{name}={not value} is refused here: {other}")
        elif not distance(usual, other) <= ROUNDING * way:
            share = distance(usual, other) / way
            raise Failed(f"{name}={not value} ends {share:.1e} of the way elsewhere")
    return "; ".join(said)
