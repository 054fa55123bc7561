"""One reference for all trials of a sweep."""

from dataclasses import replace

import pytest

from bench.spec import RefusedInput, TrialOrigin
from bench.sweeps.reference import declare_reference
from tests.helpers.records import make_record
from tests.helpers.specs import trial_spec


def specs(*optimizers, wanted=""):
    base = trial_spec()
    return [
        replace(
            base,
            optimizer=replace(base.optimizer, name=name),
            origin=TrialOrigin(reference=wanted),
        )
        for name in optimizers
    ]


def declared(uri, *optimizers, **options):
    wanted = options.pop("wanted", "")
    found = declare_reference(specs(*optimizers, wanted=wanted), uri, **options)
    (reference,) = {spec.origin.reference for spec in found}
    return reference


def test_the_named_one_then_adam_then_none(uri):
    assert declared(uri, "adamw", "muon", wanted="adamw") == "adamw"
    assert declared(uri, "adam", "muon") == "adam"
    assert declared(uri, "adamw", "muon") == ""


def test_one_of_the_baseline_beside_it_may_be_named(uri):
    beside = [make_record(optimizer="adam"), make_record(optimizer="lion")]
    assert declared(uri, "mine", beside=beside) == "adam"
    assert declared(uri, "mine", beside=beside, wanted="lion") == "lion"


def test_an_ablation_has_its_base(uri):
    assert declared(uri, "muon", "adam", usual="muon") == "muon"
    assert declared(uri, "muon", "adam", usual="muon", wanted="adam") == "adam"


def test_what_takes_no_part_is_refused_with_the_names(uri):
    with pytest.raises(RefusedInput, match=r"reference=adamw: no optimizer .* Valid: muon, sgd"):
        declared(uri, "sgd", "muon", wanted="adamw")


def test_the_hash_does_not_know_of_it(uri):
    (before,) = specs("adam")
    (after,) = declare_reference([before], uri)
    assert before.config_hash == after.config_hash


def test_a_sweep_ends_with_a_report_against_it(optbench, uri, tmp_path):
    words = ["-m", "task=digits", "budget.steps=4", "seed=range(5)", "study=s"]
    ended = optbench(*words, "optimizer=adamw,sgd", "reference=adamw")
    assert ended.code == 0, ended.err
    from bench import tracking
    from reports import Study

    assert {one.reference for one in tracking.read(uri, "s")} == {"adamw"}
    assert Study.load("s", uri).reference == "adamw"
    again = optbench(*words, "optimizer=adamw,sgd", "reference=sgd")  # nothing is missing
    assert "10 trials, 10 recorded, 0 to run" in again.out
    assert Study.load("s", uri).reference == "sgd"
    more = optbench(*words, "optimizer=nadam", "reference=sgd", "report=false")  # of the study
    assert more.code == 0, more.err
    none = optbench(*words, "optimizer=nadam", "reference=lion")
    assert none.code == 2
    assert "reference=lion: no optimizer of that name takes part" in none.err


def test_two_references_and_a_trial_alone_are_refused(optbench):
    words = ["task=digits", "budget.steps=4", "study=s"]
    both = optbench("-m", *words, "optimizer=adamw,sgd", "reference=adamw,sgd")
    assert both.code == 2
    assert "reference=adamw,sgd: a report has one reference. Name one optimizer." in both.err
    alone = optbench(*words, "optimizer=adamw", "reference=adamw")
    assert alone.code == 2
    assert "reference=adamw: `reference=` applies only to sweeps. Add -m." in alone.err
