"""Which optimizer the others are compared with."""

import pytest

from bench.spec import RefusedInput
from bench.spec.reference import check_reference, choose_reference


@pytest.mark.parametrize(
    ("declared", "optimizers", "chosen"),
    [
        ("adamw", ["adam", "adamw", "muon"], "adamw"),
        ("", ["muon", "adam"], "adam"),
        ("", ["adamw", "muon"], ""),
        ("adamw", ["adam", "muon"], "adam"),  # a filter has left adamw out
        ("adamw", ["sgd", "muon"], ""),
    ],
)
def test_the_declared_one_then_adam_then_none(declared, optimizers, chosen):
    assert choose_reference(declared, optimizers) == chosen


def test_a_name_that_takes_no_part_is_refused_with_those_that_do():
    check_reference("", ["adam"])
    check_reference("adam", ["adam"])
    with pytest.raises(RefusedInput) as refused:
        check_reference("adamv", ["muon", "adamw"])
    assert str(refused.value) == (
        "reference=adamv: no optimizer of that name takes part; did you mean 'adamw'? "
        "Valid: adamw, muon"
    )
