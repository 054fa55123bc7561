"""Files and words that stand for more than they say are refused while they are read."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from bench import tracking
from bench.config.limits import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_VALUES,
    MAX_WORD,
    check_words,
    check_yaml,
    limit_interpolations,
    to_plain,
)
from bench.spec import RefusedInput

SGD = "_target_: torch.optim.SGD\nlr: 0.1\n"
LOL = "x0: &x0 [lol, lol]\n" + "".join(
    f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]\n" for i in range(1, 10)
)
"""A billion laughs."""
LONG = f"x: &x {'a' * 2000}\n" + f"y: [{', '.join(['*x'] * 3000)}]\n"
"""Two kilobytes three thousand times."""
ECHO = "".join(f"x{i}: '${{optimizer.x{i + 1}}}${{optimizer.x{i + 1}}}'\n" for i in range(40))
NODES = "".join(
    f"x{i}: {{a: '${{optimizer.x{i + 1}}}', b: '${{optimizer.x{i + 1}}}'}}\n" for i in range(40)
)
MANY, LARGE, DEEP = "too many values", "too large", "nested too deeply"
FILES = {
    "aliases of aliases": (SGD + LOL, f"line 7: the file stands for {MANY}"),
    "aliases of merged mappings": (
        SGD
        + "x0: &x0 {a: 1, b: 2}\n"
        + "".join(f"x{i}: &x{i} {{a: *x{i - 1}, b: *x{i - 1}}}\n" for i in range(1, 25)),
        MANY,
    ),
    "aliases of long text": (SGD + LONG, MANY),
    "aliases in a chain": (
        SGD + "x0: &x0 [1]\n" + "".join(f"x{i}: &x{i} [*x{i - 1}]\n" for i in range(1, 100)),
        DEEP,
    ),
    "an alias of itself": (SGD + "x: &x [*x]\n", "line 3: *x contains itself"),
    "an alias of what is around it": (SGD + "x: &x {a: {b: [*x]}}\n", "*x contains itself"),
    "brackets": (SGD + f"x: {'[' * 200_000}{']' * 200_000}\n", LARGE),
    "fewer brackets": (
        SGD + f"x: {'[' * 100_000}{']' * 100_000}\n",
        f"line 3: the values are {DEEP}",
    ),
    "mappings": (SGD + f"x: {'{a: ' * 5000}1{'}' * 5000}\n", DEEP),
    "dashes": (SGD + f"x:\n  {'- ' * 100_000}1\n", DEEP),
    "indents": (SGD + "".join(f"{' ' * i}x:\n" for i in range(500)), DEEP),
    "many values": (SGD + f"x: [{'1, ' * 20_000}]\n", MANY),
    "six megabytes": (SGD + "x: " + "a" * 6_000_000, LARGE),
    "six megabytes of comments": (SGD + "# a comment\n" * 500_000, LARGE),
    "a key twice": (SGD + "lr: 0.2\n", "line 3: duplicate key lr. Keep one of the two lines"),
    "a number twice": (SGD + "x: {1: a, 0x1: b}\n", "duplicate key 0x1"),
    "a truth twice": (SGD + "x: {true: a, Yes: b}\n", "duplicate key Yes"),
    "a deeper key twice": (SGD + "bench:\n  stacks: true\n  stacks: false\n", "line 5: duplicate"),
    "interpolations of interpolations": (SGD + ECHO + "x40: lol\n", "interpolations stand behind"),
    "of mappings": (SGD + NODES + "x40: lol\n", DEEP),
    "of long text": (
        SGD + f"x: {'a' * 2000}\n" + f'y: "{"${optimizer.x}" * 1000}"\n',
        "interpolations make it longer than",
    ),
    "brackets of interpolations": (SGD + f'x: "{"${" * 5000}a{"}" * 5000}"\n', DEEP),
}
WORDS = {
    "brackets": (["optimizer.lr=" + "[" * 4000 + "]" * 4000], DEEP),
    "open brackets": (["optimizer.lr=" + "{a:" * 3000], DEEP),
    "interpolations": (["optimizer.lr=" + "${" * 3000], DEEP),
    "functions": (["-m", "optimizer.lr=" + "sort(" * 1900], DEEP),
    "a long word": (["study=" + "a" * 100_000], "study=aaaa"),
    "a long list": (["optimizer.lr=[" + "1," * 50_000 + "1]"], "the word is too long. Use at most"),
    "many values": (["-m", "seed=range(0,1000000000000)"], "it stands for 1e+12 values"),
    "as many shuffled": (["-m", "seed=shuffle(range(0,1000000000))"], "it stands for 1e+09 values"),
    "endless values": (["-m", "optimizer.lr=range(0.0,1.0,0.0)"], "it stands for inf values"),
    "no values": (["-m", "seed=range(5,0)"], "it stands for 0 values. Use 1 to"),
    "many trials": (
        ["-m", "seed=range(0,1000)", "optimizer.lr=range(0.1,100.0,0.1)"],
        "999000 trials are too many for one sweep",
    ),
    "many of a study": (
        ["-m", "hydra/sweeper=study", "seed=range(0,1000000000000)"],
        "seed: a study draws",
    ),
}


def refused(ended, said):
    assert ended.code == 2, ended
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert ended.err.startswith("refused: ")
    assert len(ended.err) < 400


@pytest.mark.parametrize("what", FILES)
def test_a_file_beyond_the_limits_is_refused_in_one_line(what, my_conf, optbench, uri):
    text, said = FILES[what]
    (my_conf / "optimizer" / "mine.yaml").write_text(text)
    began = time.perf_counter()
    ended = optbench("--config-dir", "my_conf", "optimizer=mine", "budget.steps=2")
    refused(ended, said)
    assert "mine.yaml" in ended.err
    assert time.perf_counter() - began < 30
    assert tracking.list_studies(uri) == []


@pytest.mark.parametrize("what", ["aliases of aliases", "dashes", "six megabytes"])
def test_so_is_an_experiment_that_a_sweep_chooses(what, my_conf, optbench):
    text, said = FILES[what]
    (my_conf / "experiment" / "mine.yaml").write_text(text)
    ended = optbench("--config-dir", "my_conf", "-m", "experiment=mine", "seed=1,2")
    refused(ended, said.rpartition(": ")[2])


@pytest.mark.parametrize("what", WORDS)
def test_words_beyond_the_limits_are_refused_in_one_line(what, optbench, uri):
    words, said = WORDS[what]
    began = time.perf_counter()
    refused(optbench(*words), said)
    assert time.perf_counter() - began < 30
    assert tracking.list_studies(uri) == []


def measure(value):
    """Values, characters and levels of plain data."""
    if not isinstance(value, dict | list):
        return 1, len(str(value)), 1
    inner = [measure(one) for one in (value.values() if isinstance(value, dict) else value)]
    keys = list(value) if isinstance(value, dict) else []
    return (
        1 + len(keys) + sum(one[0] for one in inner),
        sum(map(len, keys)) + sum(one[1] for one in inner),
        1 + max((one[2] for one in inner), default=0),
    )


@settings(deadline=None, derandomize=True, database=None, max_examples=60)
@given(
    width=st.integers(1, 6),
    levels=st.integers(0, 12),
    length=st.integers(1, 300),
    mapping=st.booleans(),
)
def test_what_passes_is_small_and_what_is_small_passes(width, levels, length, mapping):
    lines = [f"x0: &x0 {'a' * length}"]
    for level in range(1, levels + 1):
        ones = [f"*x{level - 1}"] * width
        text = (
            ", ".join(f"k{at}: {one}" for at, one in enumerate(ones))
            if mapping
            else ", ".join(ones)
        )
        lines.append(
            f"x{level}: &x{level} {'{' if mapping else '['}{text}{'}' if mapping else ']'}"
        )
    values = characters = 0
    size = (1, length)
    for level in range(levels + 1):
        if level:
            size = (
                1 + width * (size[0] + mapping),
                width * (size[1] + 2 * mapping),
            )
        values, characters = values + size[0] + 1, characters + size[1] + len(f"x{level}")
    fits = values + 1 <= MAX_VALUES and characters <= MAX_BYTES
    try:
        check_yaml("f", "\n".join(lines).encode())
    except RefusedInput as error:
        assert not fits, error
    else:
        assert fits


@pytest.mark.parametrize("opened", ["[", "{a: "])
def test_the_deepest_file_that_passes_can_be_composed(opened):
    closed = {"[": "]", "{a: ": "}"}[opened]
    text = f"x: {opened * (MAX_DEPTH - 2)}1{closed * (MAX_DEPTH - 2)}"
    check_yaml("f", text.encode())
    plain = to_plain(OmegaConf.create(text), "f")
    assert measure(plain)[2] == MAX_DEPTH
    with pytest.raises(RefusedInput, match="nested too deeply"):
        check_yaml("f", f"x: {opened * MAX_DEPTH}1{closed * MAX_DEPTH}".encode())


@pytest.mark.parametrize("size", [0, 1, 100, MAX_WORD])
def test_words_within_the_limits_pass(size):
    check_words(["a" * size, "optimizer.betas=[0.9,0.99]", "x={a:{b:[1,2]}}", "-m"])


def test_usual_interpolations_are_as_before():
    config = OmegaConf.create({"a": 1, "b": "${a}", "c": {"d": "x${b}", "e": "${.d}"}, "f": [None]})
    with limit_interpolations(together=True) as counter:
        plain = to_plain(config, "config")
    assert plain == OmegaConf.to_container(config, resolve=True)
    assert counter.count > 0
