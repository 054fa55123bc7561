"""reports/pages/packages.py: the row of an optimizer, from what the commands print."""

from __future__ import annotations

import pytest

from reports.pages import packages
from reports.pages.packages import PackageOptimizer, Sandbox

FINISHED = "digits their_lion 0: finished, test/accuracy 0.9731 after 40 steps"
REFUSED = "refused: optimizer=their_lion it needs a closure | add needs: [closure]"
CHECK = ["same as alone      passed", "continues as a copy  failed", "learns  unfinished"]


class FakeSandbox(Sandbox):
    """Commands print what the test gives them."""

    def __init__(self, folder, trials, check, sweep) -> None:
        super().__init__(folder)
        self.trials, self.check, self.sweep = iter(trials), check, sweep
        self.commands: list[tuple[str, ...]] = []

    def find_version(self, package):
        return "1.2"

    def run(self, *words):
        self.commands.append(words)
        if words[0] == "optbench-check":
            return self.check
        return self.sweep if "-m" in words else next(self.trials)


LION = PackageOptimizer("lion-pytorch", "lion_pytorch.Lion", "{lr: 1.0e-3}")
CLOSURE = PackageOptimizer("ncg", "ncg.Lion", "{lr: 1.0, a: 2}", "{needs: [closure]}")


def split(row: str) -> list[str]:
    return [cell.strip() for cell in row.split("|")[1:-1]]


def test_an_optimizer_that_runs_alone_needs_no_block(tmp_path) -> None:
    sweep = [f" {i}/4 x: finished, test/accuracy 0.9" for i in (1, 2, 3)] + ["a: one by one now"]
    sandbox = FakeSandbox(tmp_path, [(0, [FINISHED])], (1, [*CHECK, "1/3 passed"]), (0, sweep))
    cells = split(packages.build_row(sandbox, LION))
    assert cells == [
        *("lion-pytorch 1.2", "`lion_pytorch.Lion`", "0.9731", "", "0.9731"),
        "1/3; not: continues as a copy; too slow: learns",
        *["3 of 4, one by one now"] * 2,
    ]
    yaml = (tmp_path / "my_conf" / "optimizer" / "their_lion.yaml").read_text()
    assert yaml == "_target_: lion_pytorch.Lion\nlr: 1.0e-3\n"


def test_an_optimizer_that_is_refused_runs_with_its_block(tmp_path) -> None:
    sandbox = FakeSandbox(
        tmp_path, [(2, ["", REFUSED]), (0, [FINISHED])], (124, []), (1, ["no line", ""])
    )
    cells = split(packages.build_row(sandbox, CLOSURE))
    assert cells[2:] == [
        *("it needs a closure   add needs: [closure]", "`{needs: [closure]}`", "0.9731"),
        *("no end in 300 s", "no line", "no line"),
    ]
    yaml = (tmp_path / "my_conf" / "optimizer" / "their_lion.yaml").read_text()
    assert yaml == "_target_: ncg.Lion\nlr: 1.0\na: 2\nbench: {needs: [closure]}\n"
    launchers = [words for words in sandbox.commands if "-m" in words]
    assert [words[-2] for words in launchers] == ["hydra/launcher=stacked", "hydra/launcher=basic"]


@pytest.mark.parametrize("one", packages.OPTIMIZERS, ids=lambda one: one.target)
def test_each_has_a_row_on_the_page(one) -> None:
    row = next(
        split(line)
        for line in packages.PAGE.read_text("utf-8").splitlines()
        if f"| `{one.target}` |" in line
    )
    assert row[0].startswith(f"{one.package} ")
    assert row[3] == (f"`{one.bench}`" if one.bench else "")
