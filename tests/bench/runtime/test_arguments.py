"""Words of ``key=value``: two spellings, lists, switches, and refusals that say what to write."""

import pytest

from bench.runtime.arguments import parse_arguments, parse_list, parse_switch
from bench.spec import RefusedInput

KEYS = ("study", "compare", "costs")


@pytest.mark.parametrize(
    "words",
    [
        ["study=a", "compare=x=y.json"],
        ["--study", "a", "--compare", "x=y.json"],
        ["--compare=x=y.json", "--study=a"],
        ["study=a", "--compare", "x=y.json"],
    ],
)
def test_every_spelling_says_the_same(words):
    assert parse_arguments(words, KEYS) == {"study": "a", "compare": "x=y.json"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--stud", "a"], "--stud: 'stud' is no key; did you mean 'study'?"),
        (["study=a", "--compare"], "--compare: no value; write compare=VALUE"),
        (["--compare", "study=a"], "--compare: no value; write compare=VALUE"),
        (["study=a", "--study", "b"], "--study: study is given twice"),
        (["compare=b"], "study: no value; write study=NAME"),
        (["study=a", "b"], "b: 'b' is no key"),
    ],
)
def test_refusals(words, said):
    with pytest.raises(RefusedInput) as refused:
        parse_arguments(words, KEYS)
    assert said in str(refused.value)


def test_any_of_the_needed_keys_is_enough():
    assert parse_arguments(["compare=b"], KEYS, needed=("study", "compare")) == {"compare": "b"}


def test_lists_and_switches():
    given = {"study": "a, b,a", "costs": "true", "compare": "x,"}
    assert parse_list(given, "study") == ("a", "b")
    assert parse_list(given, "absent") == ()
    with pytest.raises(RefusedInput, match="compare=x,: an empty value"):
        parse_list(given, "compare")
    assert parse_switch(given, "costs")
    assert not parse_switch({}, "costs")
    with pytest.raises(RefusedInput, match="costs=1: no switch"):
        parse_switch({"costs": "1"}, "costs")
