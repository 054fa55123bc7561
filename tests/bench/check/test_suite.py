"""A good optimizer passes everything; one with a fault is named by that fault and no other."""

import pytest

from bench.check import suite
from bench.check.checks import CHECKS
from bench.check.findings import Check, Failed, Grade, Measurement
from bench.check.problems import Network
from bench.check.runner import Runner, identical
from bench.check.suite import examine, judge
from bench.runtime.guard import watch_interrupts
from bench.spec import NotApplicable, RefusedInput
from tests.helpers.checks import HEAVY_BALL, faults, report, spec

ADAM = {"lr": 1e-3, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.0, "amsgrad": False}
OURS = {"bias_correction": True, "decoupled_weight_decay": False, "eps_inside_root": False}
GOOD = {
    "torch's Adam": ("torch.optim.Adam", {**ADAM, "fused": True}),
    "our Adam": ("bench.optimizers.adam.Adam", {**ADAM, **OURS}),
    "a small one": ("Good", HEAVY_BALL),
}
BROKEN = {
    "IgnoresWeightDecay": ("hyperparameters", "weight_decay changes nothing"),
    "ForgetsOnLoad": ("state_dict", "of their way apart"),
    "MovesWithoutGradients": ("no_gradient", "spare.weight moves by"),
    "SharesState": ("own_state", "are the same memory"),
    "HidesNaN": ("nan_gradient", "finite and train on"),
    "AcceptsAnything": ("bad_values", "accepts lr=-1, momentum=-1, weight_decay=-1"),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_optimizer_passes_everything(name):
    found = report(*GOOD[name])
    assert faults(found) == {}
    assert [finding.check for finding in found.findings] == list(CHECKS)
    assert found.value("gradients") == 1
    assert found.value("state_bytes") == pytest.approx(1 if name == "a small one" else 2, rel=1e-3)
    assert found.value("step_time") > 0
    assert found.warnings == ()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_is_named_by_its_fault_and_passes_the_rest(name):
    check, words = BROKEN[name]
    found = faults(report(name))
    assert list(found) == [check]
    assert words in found[check]


def test_a_swallowed_hyperparameter():
    found = report("SwallowsKeywords", {**HEAVY_BALL, "nesterov": False, "dampening": 0.0})
    assert faults(found) == {
        "hyperparameters": "nesterov changes nothing, dampening changes nothing"
    }


def test_weight_decay_by_default_is_named_and_no_fault():
    found = report("DecaysByDefault", {"lr": 0.1, "momentum": 0.9})
    assert faults(found) == {}
    (rests,) = [one for one in found.findings if one.check.name == "zero_gradient"]
    assert rests.detail == (
        "where weight_decay is 0; by default it is 0.01: list it in the YAML to set and tune it"
    )


def test_weight_decay_that_no_argument_sets_is_named_as_well():
    found = faults(report("DecaysInSecret", {"lr": 0.1, "momentum": 0.9}))
    assert "with weight_decay: 0.01" in found["zero_gradient"]


def test_switches_that_only_talk_are_no_idle_hyperparameters():
    found = report("Logs", {**HEAVY_BALL, "verbose": False, "log_every": 0})
    assert faults(found) == {}
    (heeds,) = [one for one in found.findings if one.check.name == "hyperparameters"]
    assert heeds.detail == "3 of them; what is printed depends on verbose, log_every"
    assert "Please check your arguments" in found.printed


def test_what_is_only_announced_is_swallowed():
    found = faults(report("Announces", {**HEAVY_BALL, "nesterov": False}))
    assert found == {"hyperparameters": "nesterov changes nothing"}


@pytest.mark.parametrize("target", ["torch.optim.Adam", "torch.optim.SGD"])
def test_pairs_of_name_and_parameter(target):
    ours, usual = (
        Runner(spec(target, {"lr": 0.1}, needs=needs), Network()).run(5)
        for needs in (("named_parameters",), ())
    )
    assert ours.optimizer.param_groups[0]["param_names"][0] == "embedding.weight"
    assert identical(ours.values(), usual.values())


def test_a_check_that_takes_too_long_is_unfinished_and_the_others_go_on(monkeypatch):
    few = [one for one in CHECKS if one.name in ("takes_steps", "learning_rates", "step_time")]
    monkeypatch.setattr(suite, "CHECKS", few)
    found = examine(spec("Compiles"), seconds=4.0)
    assert [finding.grade for finding in found.findings] == [
        Grade.PASSED,
        Grade.UNFINISHED,
        Grade.MEASURED,
    ]
    assert "longer than 4 s" in found.unfinished[0].detail
    assert "--limit SECONDS" in found.unfinished[0].detail
    assert found.failed == []
    assert not found.clean


def test_what_raises_at_its_first_step_is_tried_no_further():
    found = report("Raises")
    assert len(found.findings) == 1
    assert faults(found)["takes_steps"].startswith(
        "ZeroDivisionError: by design (broken_optimizers.py:"
    )
    assert found.failed[0].raised
    assert found.score == "0/1"


def test_what_takes_too_long_at_its_first_step_is_tried_no_further():
    found = examine(spec("Compiles", param_groups="no_decay_1d"), seconds=0.5)
    assert [(one.check.name, one.grade) for one in found.findings] == [
        ("takes_steps", Grade.UNFINISHED)
    ]


def test_what_a_bias_meets_is_answered_with_the_line_to_write():
    found = faults(report("MatricesOnly"))
    assert found["takes_steps"].startswith(
        "AssertionError: assert p.ndim >= 2 (broken_optimizers.py:"
    )
    assert found["takes_steps"].endswith("If so, bench: {param_groups: matrices} in its YAML")
    alone = [one for one in CHECKS if one.name == "takes_steps"]
    assert (
        suite.judge(alone[0], spec("MatricesOnly", param_groups="matrices")).grade is Grade.PASSED
    )


def test_what_cannot_be_built_is_refused():
    with pytest.raises(RefusedInput, match="unexpected keyword argument 'lrr'"):
        examine(spec("Good", {"lrr": 0.1}))


def test_a_rate_of_null_is_the_librarys_own():
    found = report("at_its_own_rate", {**HEAVY_BALL, "lr": None})
    assert faults(found) == {}
    assert found.findings[0].detail == "at lr=0.05"


@pytest.mark.parametrize(
    ("raised", "verdict", "detail"),
    [
        (Failed("so"), Grade.FAILED, "so"),
        (NotApplicable("so"), Grade.NOT_APPLICABLE, "so"),
        (KeyError("so"), Grade.FAILED, "KeyError: 'so' (test_suite.py:"),
        (AssertionError(), Grade.FAILED, "AssertionError (test_suite.py:"),
    ],
)
def test_verdicts(raised, verdict, detail):
    def run(_):
        raise raised

    finding = judge(Check("name", "title", "fault", "meaning", run), spec("Good"))
    assert finding.grade is verdict
    assert finding.detail.startswith(detail)
    assert finding.raised == (type(raised) in (KeyError, AssertionError))


def test_a_measurement_is_no_verdict():
    check = Check("name", "title", "", "", lambda _: Measurement(2.0, "two"))
    finding = judge(check, spec("Good"))
    assert (finding.grade, finding.detail, finding.value) == (Grade.MEASURED, "two", 2.0)


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, StopIteration, GeneratorExit])
def test_what_code_raises_itself_is_a_failure_whatever_it_is(kind):
    def run(_):
        raise kind

    with watch_interrupts():
        finding = judge(Check("name", "title", "fault", "meaning", run), spec("Good"))
    assert finding.grade is Grade.FAILED
    assert finding.detail.startswith(kind.__name__)


def test_an_interrupt_is_no_verdict():
    def run(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        judge(Check("name", "title", "fault", "meaning", run), spec("Good"))


def test_every_check_says_what_it_means():
    assert len({check.name for check in CHECKS}) == len(CHECKS)
    for check in CHECKS[:-3]:
        assert check.meaning.endswith(".")
        assert check.fault
