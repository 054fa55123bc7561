"""Every optimizer that is shipped declares what of it is tuned, in ranges that it accepts."""

from pathlib import Path

import pytest
import torch

import conf
from bench.build import components
from bench.check import choose
from bench.check.problems import make_standard
from bench.spec.hyperparameters import at, hyperparameters
from bench.spec.search_space import dimensions
from reports.pages import spaces

ROOT = Path(conf.__file__).parent.parent
SHIPPED = {one.spec.file: one.spec for one in choose.choose_subjects(["optimizer=all"])}
BY_NAME = "pytorch_optimizer"  # any of a package's list: see docs/spaces.md
TUNED = sorted(SHIPPED.keys() - {BY_NAME})
MOST = 4  # what a small budget of points can cover
UNITS = (0.0, 0.5, 1 - 1e-9)


def test_all_but_the_loader_by_name_declare_a_space():
    assert [name for name in SHIPPED if not SHIPPED[name].search_space] == [BY_NAME]


@pytest.mark.parametrize("name", TUNED)
def test_the_learning_rate_is_searched_around_its_default(name):
    spec = SHIPPED[name]
    space = {one.name: one for one in dimensions(spec.search_space)}
    assert len(space) <= MOST
    assert space["lr"].scale == "log"
    assert 0.1 < space["lr"].unit(spec.arguments["lr"]) < 0.9  # not at an edge


@pytest.mark.parametrize("name", TUNED)
def test_a_positive_default_lies_inside_its_range(name):
    spec = SHIPPED[name]
    default = hyperparameters(spec)
    for one in dimensions(spec.search_space):
        if one.scale != "choice" and default[one.name] != 0:
            assert 0 <= one.unit(default[one.name]) <= 1, one


@pytest.mark.parametrize("name", TUNED)
def test_it_is_built_everywhere_in_its_space(name):
    spec = SHIPPED[name]
    space = dimensions(spec.search_space)
    own = torch.rand(len(space), generator=torch.Generator().manual_seed(0)).tolist()
    for units in ([unit] * len(space) for unit in UNITS):
        _build(spec, space, units)
    _build(spec, space, own)


def _build(spec, space, units):
    point = {one.name: one.value(unit) for one, unit in zip(space, units, strict=True)}
    tuned = at(spec, point)
    made = components.build_optimizer(tuned, make_standard(tuned))
    assert made.param_groups[0]["lr"] == pytest.approx(point["lr"])


def test_the_page_is_what_the_yamls_say():
    assert (ROOT / "docs" / "spaces.md").read_text() == spaces.build_page(), "run: make spaces"


def test_a_range_without_a_source_is_refused(tmp_path):
    line = "    lr: {log: [0.1, 1.0]}"
    yaml = f"_target_: a.B\nlr: 0.1\nbench:\n  search_space:\n{line}SOURCE\n"
    (tmp_path / "mine.yaml").write_text(yaml.replace("SOURCE", "  # a paper"))
    row = "| `mine` | `lr` | 0.1 | 0.1 | 1 | log | a paper |"
    assert spaces.build_page(tmp_path).splitlines()[-1] == row
    (tmp_path / "mine.yaml").write_text(yaml.replace("SOURCE", ""))
    with pytest.raises(SystemExit, match=r"mine.yaml: search_space.lr: no source"):
        spaces.build_page(tmp_path)
