"""Files and words that nobody should write: each refused with file, key, value and remedy."""

import re

import pytest

from bench import tracking
from bench.spec import RefusedInput, check_study

SGD = "_target_: torch.optim.SGD\nlr: 0.1\n"
BLOCKS = {
    "a need in a list of lists": (
        "{needs: [[closure]]}",
        "bench.needs: ['closure'] is unknown",
    ),
    "a key that is no name": ("{1: 2}", "unknown key bench.1; Valid: clip_norm"),
    "a list": ("[1]", "bench: [1] is no mapping; write bench: {KEY: VALUE}"),
    "a word": ("hello", "bench: 'hello' is no mapping"),
    "a norm in words": ("{clip_norm: big}", "bench.clip_norm: 'big' is of the wrong kind"),
    "an endless norm": ("{clip_norm: .inf}", "bench.clip_norm: inf is not a positive norm"),
    "a limit in a list": ("{limit: [1]}", "bench.limit: [1] is of the wrong kind; write limit: {"),
    "a misspelt limit": ("{limit: {whn: {}}}", "bench.limit: {'whn': {}}; write limit: {when: "),
    "a word for a list": ("{schedules: constant}", "write schedules: [constant]"),
    "no schedule": ("{schedules: [constnt]}", "'constnt' is no schedule; did you mean 'constant'"),
    "a need in a word": ("{needs: closure}", "write needs: [closure]"),
    "a switch in words": ("{stacks: maybe}", "bench.stacks: 'maybe' is of the wrong kind"),
    "a space in a list": ("{search_space: [lr]}", "write search_space: {lr: {log:"),
    "a range backwards": ("{search_space: {lr: {log: [1, 0.1]}}}", "LOW has to be less than HIGH"),
    "a misspelt scale": ("{search_space: {lr: {lgo: [0.1, 1]}}}", "'lgo' is no scale; use log"),
    "a rest by name": (
        "{param_groups: matrices, rest: adam}",
        "bench.rest: 'adam' is of the wrong",
    ),
    "groups of what is built from names": (
        "{param_groups: no_decay_1d, needs: [named_parameters]}",
        "no_decay_1d does nothing for an optimizer that is constructed from its named_parameters",
    ),
    "a rest of nothing": ("{param_groups: matrices, rest: {lr: 1}}", "bench.rest: no _target_"),
}
FILES = {
    "nothing": ("", "no _target_; write _target_: PACKAGE.NAME"),
    "a list": ("- 1\n- 2\n", "list is not a subclass of Dict"),
    "no target": ("lr: 0.1\n", "no _target_; write _target_: PACKAGE.NAME"),
    "a number for it": ("_target_: 3\n", "_target_: 3; write _target_: PACKAGE.NAME"),
    "another encoding": ((SGD + "# \xfc\n").encode("latin1"), "line 3: not UTF-8"),
    "no text": (bytes(range(256)), "not UTF-8"),
    "a tab": ("_target_: a.B\nlr:\t1\n", "line 2, column 4"),
    "a key twice": (SGD + "lr: 0.2\n", "duplicate key lr"),
    "Python's own": ("_target_: builtins.print\n", "builtins is Python's own library"),
    "no optimizer": (
        "_target_: torch.nn.Sequential\nbench: {needs: [model]}\n",
        "gives a Sequential without step() and param_groups",
    ),
    "not a number": ("_target_: torch.optim.SGD\nlr: .nan\n", "optimizer.lr: nan is no value"),
    "a misspelt name": ("_target_: torch.optim.Adm\n", "has no 'Adm'; did you mean 'Adam'?"),
    "a missing package": ("_target_: nowhere.Adm\n", "pip install nowhere"),
    "no defaults": (SGD + "defaults:\n", "defaults must be a list"),
    "defaults of itself": (SGD + "defaults: [mine]\n", "cannot be composed: RecursionError"),
    "odd defaults": (SGD + "defaults: [1: 2]\n", "mine.yaml: cannot be composed: AssertionError"),
    "a key of nothing": (SGD + "null: 1\n", "Incompatible key type 'NoneType'"),
    "such a key within": (SGD + "x: {null: 1}\n", "mine.yaml: x: Incompatible key type"),
    "a set": ("_target_: torch.optim.SGD\nlr: !!set {a}\n", "mine.yaml: lr: Value 'set' is not"),
    "bytes": ("_target_: torch.optim.SGD\nlr: !!binary aGk=\n", "cannot be recorded (Object of"),
    "half a character": (SGD + 'nesterov: "\\ud800"\n', "surrogates not allowed); write text"),
    "keys of two kinds": (SGD + "x: {a: 1, 2: b}\n", "mappings with names for keys"),
    "a value left open": ("_target_: torch.optim.SGD\nlr: ???\n", "give optimizer.lr=VALUE"),
} | {f"a block: {name}": (f"{SGD}bench: {text}\n", said) for name, (text, said) in BLOCKS.items()}

WORDS = {
    "no number of epochs": (["budget.epochs=nan"], "budget.epochs: nan"),
    "endless epochs": (["budget.epochs=inf"], "budget.epochs: inf"),
    "years of epochs": (["budget.epochs=1e300"], "not a positive number of steps up to 1e+09"),
    "a thread for each grain of sand": (["trainer.threads=100000"], "trainer.threads: 100000"),
    "no target": (["task.target=nan"], "task.target: nan"),
    "no such metric": (["task.metric=acc"], "task.metric: 'acc' is not measured"),
    "a deletion": (["~data_dir"], "~data_dir: a trial needs it; leave this deletion out"),
    "a deleted choice": (["~optimizer"], "~optimizer: a trial needs it"),
    "a deletion in a sweep": (["-m", "~batch_size"], "~batch_size: a trial needs it"),
    "a precision of a package": (["trainer.precision=transformer-engine"], "transformer_engine"),
    "a flag alone": (["--resolve"], "--resolve flag can only be used"),
    "no key": (["+=[1,[2]]"], "what was given: cannot be composed: AssertionError"),
    "odd letters": (
        ["study=\u00df\u00fc"],
        "cannot be read; write KEY=VALUE, odd characters in quotes",
    ),
    "a terminal's own": (["study='\x1b[31m'"], "study=\\x1b[31m: no name of a study"),
    "no such inputs": (
        ["task.inputs=image"],
        "conf/task/digits.yaml: task.inputs: 'image' is what no model takes; did you mean 'images'",
    ),
    "no optimizer": (["optimizer=null"], "write GROUP=NAME"),
    "a loader of nothing": (["task.data._target_=builtins.dict"], "Python's own library"),
    "no stack": (["-m", "hydra/launcher=stacked", "stack.size=0"], "stack.size=0"),
    "no worker": (["-m", "hydra/launcher=joblib", "hydra.launcher.n_jobs=x"], "n_jobs=x"),
    "a store in memory": (["tracking.uri=sqlite://"], "what is kept in memory is lost"),
    "a store without a name": (["tracking.uri=sqlite:///"], "use sqlite:///PATH.db"),
}


def refused(ended, said):
    """One line that says so, and no traceback."""
    assert ended.code == 2, ended
    assert said in ended.err
    assert re.fullmatch(r"(refused: .*\n)+", ended.err)
    assert len(ended.err.splitlines()) == 1


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "my_conf" / "optimizer" / "mine.yaml"
    path.parent.mkdir(parents=True)
    return path


@pytest.mark.parametrize("what", FILES)
def test_a_yaml_that_describes_no_optimizer(what, mine, optbench, uri):
    text, said = FILES[what]
    mine.write_bytes(text if isinstance(text, bytes) else text.encode())
    refused(optbench("--config-dir", "my_conf", "optimizer=mine", "budget.steps=2"), said)
    assert [name for name in tracking.list_studies(uri) if tracking.read(uri, name)] == []


@pytest.mark.parametrize("what", WORDS)
def test_words_that_mean_nothing(what, optbench, uri):
    words, said = WORDS[what]
    store = None if any("tracking" in word for word in words) else uri
    refused(
        optbench(*words, "budget.steps=2"[: 20 * ("epochs" not in what)] or "seed=0", store=store),
        said,
    )
    assert [name for name in tracking.list_studies(uri) if tracking.read(uri, name)] == []


def test_everything_that_is_wrong_is_said_at_once(optbench):
    ended = optbench("study=..", "optimizer.lr=abc", "trainer.threads=0", "batch_size=5000")
    assert ended.code == 2
    assert [line.partition(":")[2].strip()[:12] for line in ended.err.splitlines()] == [
        "study=..: no",
        "optimizer.lr",
        "trainer.thre",
        "batch_size: ",
    ]


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../../esc", "/tmp/x", "a/b", "Default", "a" * 101]
)
def test_a_study_has_a_name_that_is_a_folder_and_a_word(name, optbench, tmp_path):
    ended = optbench(f"study={name}", "budget.steps=2")
    assert ended.code == 2
    assert f"study={name}: no name of a study; use up to 100 letters" in ended.err
    assert not (tmp_path.parent / "esc").exists()


@pytest.mark.parametrize("name", ["a", "my_sweep", "2026-11.b", "größe", "a+b", "a" * 100])
def test_other_names_are_as_they_were(name):
    check_study(name)


def test_the_rule_is_said_where_specs_are_made():
    with pytest.raises(RefusedInput, match="the first a letter"):
        check_study("-m")


@pytest.fixture
def foreign(tmp_path):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(tmp_path / "foreign.db")) as store, store:
        store.execute("CREATE TABLE birds (name TEXT)")
    (tmp_path / "text.db").write_text("hello")
    (tmp_path / "folder.db").mkdir()
    whole = (tmp_path / "foreign.db").read_bytes()
    (tmp_path / "damaged.db").write_bytes(whole[:100] + bytes(len(whole) - 100))
    return tmp_path


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("foreign", "holds somebody else's tables (birds)"),
        ("text", "is no SQLite file"),
        ("folder", "is a folder"),
        ("damaged", "is damaged"),
    ],
)
def test_a_file_that_is_no_store_is_left_as_it_is(file, said, foreign, optbench):
    path = foreign / f"{file}.db"
    before = path.is_file() and path.read_bytes()
    refused(optbench("budget.steps=2", store=f"sqlite:///{path}"), said)
    assert (path.is_file() and path.read_bytes()) == before


def test_a_deleted_study_is_refused_with_the_way_back(optbench, uri):
    from mlflow.tracking import MlflowClient

    made = tracking.prepare(uri, "gone")
    MlflowClient(tracking_uri=uri).delete_experiment(made)
    refused(optbench("study=gone", "budget.steps=2"), "mlflow experiments restore")


def test_a_run_of_somebody_else_is_left_alone(optbench, uri):
    from mlflow.tracking import MlflowClient

    made = tracking.prepare(uri, "mixed")
    MlflowClient(tracking_uri=uri).create_run(made, tags={"kind": "trial"})
    assert optbench("study=mixed", "budget.steps=2").code == 0
    assert len(tracking.read(uri, "mixed")) == 1


def test_one_value_of_what_a_swept_choice_brings(optbench, uri):
    words = ["optimizer=momentum,nesterov", "optimizer.momentum=0.8", "budget.steps=2"]
    assert optbench("-m", *words, "report=false").code == 0
    points = [record.config["optimizer"]["arguments"] for record in tracking.read(uri, "scratch")]
    assert [point["momentum"] for point in points] == [0.8, 0.8]
