"""Whatever people write ends with exit code 0, 1 or 2, and never with a traceback."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from bench.runtime import capture
from tests.helpers import odd_input
from tests.helpers.services.mlflow_runs import runs_of

FEW, MANY = 30, 500
"""Cases of each of the two properties, in the suite and in ``make slow``."""

SHORT = ["budget.steps=2", "trainer.max_seconds=5", "report=false"]
GOOD = b"_target_: torch.optim.SGD\nlr: 0.1\nbench: {search_space: {lr: {log: [0.1, 1]}}}\n"

pytestmark = pytest.mark.filterwarnings("ignore")  # here it is the end that counts


def cases(count):
    """So many, the same ones each time; what fails is shown as it was drawn."""
    return settings(
        max_examples=count,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def ends_well(optbench, uri, tmp_path, monkeypatch):
    """Runs the command with bytes for ``optimizer/mine.yaml``, and looks at how it ends."""
    file = tmp_path / "my_conf" / "optimizer" / "mine.yaml"
    file.parent.mkdir(parents=True)

    def run(words, content):
        file.write_bytes(content)
        monkeypatch.chdir(tmp_path)  # hydra.job.chdir is one of the words
        monkeypatch.setattr(capture.LimitedStream, "lines_left", capture.MAX_LINES)
        first = [word for word in words if word.startswith("-")]
        others = [word for word in words if not word.startswith("-")]
        ended = optbench(
            "--config-dir", "my_conf", *first, f"tracking.uri={uri}", *others, store=None
        )
        assert ended.code in (0, 1, 2)
        assert "Traceback" not in ended.out + ended.err
        if ended.code == 2 and not ended.err.startswith("usage: "):
            assert re.fullmatch(r"(refused: .+\n)+", ended.err)
        running = [run for run in runs_of(uri, "scratch") if run.info.status == "RUNNING"]
        assert running == []

    return run


def of_a_file(ends_well, content):
    ends_well([*SHORT, "optimizer=mine"], content)


def of_words(ends_well, flags, words):
    ends_well([*flags, *SHORT, *words], GOOD)


@cases(FEW)
@given(content=odd_input.FILES)
def test_any_file(ends_well, content):
    of_a_file(ends_well, content)


@cases(FEW)
@given(flags=odd_input.FLAGS, words=st.lists(odd_input.OVERRIDES, min_size=1, max_size=2))
def test_any_words(ends_well, flags, words):
    of_words(ends_well, flags, words)


@pytest.mark.slow
@cases(MANY)
@given(content=odd_input.FILES)
def test_any_file_of_many(ends_well, content):
    of_a_file(ends_well, content)


@pytest.mark.slow
@cases(MANY)
@given(flags=odd_input.FLAGS, words=st.lists(odd_input.OVERRIDES, min_size=1, max_size=2))
def test_any_words_of_many(ends_well, flags, words):
    of_words(ends_well, flags, words)
