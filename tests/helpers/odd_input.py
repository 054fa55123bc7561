"""Files and command lines as nobody should write them: strategies for hypothesis."""

# ruff: noqa: RUF005 (long lists in short lines)

from __future__ import annotations

import yaml
from hypothesis import strategies as st

WORDS = st.sampled_from(
    ["", " ", "lr", "log", "adam", "nan", "true", "null", "~", "???", "${lr}", "${seed}", "${", "}"]
    + ["[/red]", "[bold]x", "\\[/x]", "größe", "日本", "\x1b[31m", "\x7f", "\t", "a\nb", "\x85"]
    + ["\u2028", "\ufeff", "\U0001f600", "'", '"', "a: b", "a=b", "a,b", "%s", "{}", "../x", "/"]
    + ["${oc.env:NOT_THERE}", "${now:%d}", "${nowhere.at.all}", "$", "\\", "-1", "1e400", "0x10"]
)
TEXTS = WORDS | st.text(max_size=6)
NUMBERS = st.sampled_from(
    [0, 1, -1, 2, 3, 0.5, -0.0, 1e-3, 1e300, -1e300, 1e-320, 10**18, 10**30, -(10**30)]
    + [float("inf"), float("-inf"), float("nan")]
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS | st.integers(-1, 2) | st.none() | st.booleans(), inner, max_size=3)
    ),
    max_leaves=5,
)
"""Whatever a YAML can hold."""

TARGETS = st.sampled_from(
    ["torch.optim.SGD", "torch.optim.Adam", "torch.optim.LBFGS", "torch.optim.SparseAdam"]
    + ["torch.optim.Optimizer", "torch.optim", "torch", "torch.optim.SGD.step", "torch.nn.Linear"]
    + ["builtins.print", "os.getcwd", "sys.exit", "nowhere.X", "nowhere", "torch.optim.", ".SGD"]
    + ["torch..SGD", "torch.optim.Sgd", "torch.tensor", "torch.Size", "torch.pi", "torch.float32"]
    + ["numpy.zeros", "numpy.float64", "bench", "bench.optimizers.adam", "tasks.base.Task", "a b"]
    + ["tests.helpers.faulty.AnyLR", "tests.helpers.faulty.FromModel", "tests.helpers.faulty.Ends"]
    + ["tests.helpers.faulty.Raises", "bench.optimizers.adam.Adam", "größe.X", "__main__.main"]
    + ["torch.optim.lr_scheduler.LambdaLR", "torch.nn.Module", "bench.spec.RefusedInput", "..", ""]
)
COMPONENTS = st.fixed_dictionaries(
    {"_target_": TARGETS | VALUES}, optional={"lr": VALUES, "_partial_": VALUES, "_args_": VALUES}
)
RANGES = st.fixed_dictionaries(
    {},
    optional={
        key: st.lists(NUMBERS, max_size=3) | VALUES
        for key in ("log", "linear", "choices", "int", "lgo", "log_one_minus")
    },
)
NAMES = st.sampled_from(["lr", "betas", "momentum", "eps", "weight_decay", "nested.lr", "rest.lr"])
SPACES = st.dictionaries(NAMES | TEXTS, RANGES | VALUES, max_size=2)
LISTS = {
    "needs": ["closure", "create_graph", "eval_mode", "model", "sparse_gradients", "clsure"],
    "schedules": ["constant", "cosine", "constnt"],
}
BLOCKS = st.fixed_dictionaries(
    {},
    optional={
        "search_space": SPACES | VALUES,
        "param_groups": st.sampled_from(["all", "no_decay_1d", "matrices", "matrics"]) | VALUES,
        "rest": COMPONENTS | VALUES,
        **{
            key: st.lists(st.sampled_from(words), max_size=2) | VALUES
            for key, words in LISTS.items()
        },
        "clip_norm": NUMBERS | VALUES,
        "stacks": VALUES,
        "limit": st.fixed_dictionaries({"when": VALUES, "equals": COMPONENTS}) | VALUES,
        "reference": VALUES,
        "name": VALUES,
        "package": VALUES,
        "clip_nrm": VALUES,
    },
)
GOOD = st.sampled_from(["torch.optim.SGD", "torch.optim.Adam", "bench.optimizers.adam.Adam"])
ARGUMENTS = st.dictionaries(
    st.sampled_from(["lr", "momentum", "betas", "eps", "weight_decay", "params", "self", "foreach"])
    | TEXTS,
    VALUES | COMPONENTS,
    max_size=2,
)


@st.composite
def described(draw: st.DrawFn) -> dict:
    """A mapping that is nearly an optimizer's."""
    values = {"_target_": draw(GOOD | TARGETS), "lr": 0.1, **draw(ARGUMENTS)}
    if draw(st.booleans()):
        values["bench"] = draw(BLOCKS | VALUES)
    if draw(st.integers(0, 9)) == 0:
        values["defaults"] = draw(VALUES | st.just(["adam", "_self_"]) | st.just(["mine"]))
    return values


def dumped(values: object) -> bytes:
    return yaml.safe_dump(values, allow_unicode=True, sort_keys=False).encode("utf-8", "replace")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good file with some bytes put in, cut or changed."""
    text = dumped(draw(described()))
    at, until = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
    return text[:at] + draw(st.binary(max_size=4)) + text[max(at, min(until, at + 4)) :]


SNIPPETS = st.sampled_from(
    [
        "&a [*a]",
        "lr: &a {b: *a}",
        "lr: *a",
        "lr: !!binary aGk=",
        "!!binary aGk=: 1",
        "lr: !!set {a}",
    ]
    + ["lr: 2001-01-01", "2001-01-01: 1", "lr: !!python/object:os.system {}", "!!python/name:x ''"]
    + ["bench: {search_space: {lr: {choice: [2001-01-01, x]}}}", "lr: !!float x", "lr: !!int x"]
    + [
        'nesterov: "\\ud800"',
        'nesterov: "\\0"',
        "nesterov: \u202e",
        "lr: 0.1\nnesterov: [1, {2: x}]",
    ]
    + [
        "lr: 0b",
        "lr: 1_000",
        "lr: 12:30:45",
        "lr: |\n  a\n  b",
        "---\nlr: 1\n---\nlr: 2",
        "%YAML 9.9",
    ]
    + ["# @package _global_", "# @package nowhere", "<<: {lr: 1}", "<<: 3", "lr: {_target_: x}"]
    + ["? [a, b]\n: 1", "? {a: 1}\n: 1", "bench: {? [a]: 1}", "bench: {needs: [[closure]]}"]
).map(lambda text: f"_target_: torch.optim.SGD\n{text}\n".encode())

FILES = (
    described().map(dumped)
    | described().map(dumped)
    | VALUES.map(dumped)
    | damaged()
    | SNIPPETS
    | st.binary(max_size=40)
    | st.text(max_size=40).map(lambda text: text.encode("utf-8", "replace"))
)
"""The bytes of an optimizer's YAML."""

KEYS = st.sampled_from(
    ["task", "optimizer", "model", "schedule", "tuning", "suite", "experiment", "study", "seed"]
    + ["optimizer.lr", "optimizer.betas", "optimizer.bench", "optimizer._target_", "optimizer.x"]
    + ["optimizer.bench.clip_norm", "optimizer.bench.search_space", "optimizer.bench.needs"]
    + ["batch_size", "budget", "budget.eval_every", "budget.epochs", "stop_at_target", "download"]
    + ["data", "data.x", "data_dir", "fresh", "report", "compare", "tracking", "trainer"]
    + ["stack.size"]
    + ["trainer.accelerator", "trainer.devices", "trainer.precision", "trainer.threads", "ablate"]
    + ["trainer.max_seconds", "model._target_", "model.hidden", "model.inputs", "model.x", "plan"]
    + ["schedule._target_", "schedule.x", "task.data", "task.data._target_", "task.data.seed"]
    + ["task._target_", "task.metric", "task.target", "task.direction", "task.inputs", "task.files"]
    + ["task.version", "tuning.trials", "reporting.seeds", "hydra.job.name", "hydra.run.dir"]
    + ["hydra.mode", "hydra.verbose", "hydra.job.chdir", "hydra.output_subdir", "hydra.searchpath"]
    + [
        "hydra.launcher.n_jobs",
        "hydra.sweeper.params",
        "hydra.sweep.dir",
        "hydra",
        "hydra/launcher",
    ]
    + [
        "hydra/sweeper",
        "hydra/job_logging",
        "hydra.callbacks",
        "defaults",
        "",
        ".",
        "a.b.c",
        "größe",
    ]
)
LITERALS = st.sampled_from(
    ["", "null", "nan", "inf", "-1", "0", "1e-3", "1e400", "10000000000000000000000", "true", "x"]
    + ["[]", "[1]", "[1,[2]]", "{}", "{a:1}", "{a:{b:[1]}}", "'x'", "'", '"', "[", "}", "???"]
    + ["${seed}", "${nowhere}", "${", "${oc.env:NOT_THERE}", "${hydra:runtime.cwd}", "\\", "a b"]
    + ["größe", "日本", "\x1b", "a\\,b", "..", "../x", "builtins.print", "torch.optim.SGD", "mlp"]
    + ["cosine", "adam", "digits", "quadratic", "[/red]", "%s", "1.5", "glob(*)", "range(0,2)"]
    + [
        "choice(1,2)",
        "interval(0,1)",
        "tag(x,1)",
        "sort(2,1)",
        "shuffle(1,2)",
        "float(x)",
        "int(1)",
    ]
    + ["1,2", "adam,sgd", "digits,langid", "a,", ",", "range(2)", "range(0,1,0)", "range(1,x)"]
    + [
        "extend_list(1)",
        "json_str('{')",
        "choice()",
        "cast(1)",
        "0x",
        "1_0",
        "=",
        "a=b",
        "@",
        "a@b",
    ]
)
PLAUSIBLE = {
    "optimizer.lr": ["0", "-1", "1e300", "1e-320", "inf", "nan", "[1]", "true", "0.1,nan", "1e18"],
    "optimizer.weight_decay": ["-1", "1e300", "0,1", "x", "null", "{a:1}"],
    "optimizer.momentum": ["2", "-1", "range(0,2)", "null", "[]"],
    "optimizer.bench.clip_norm": ["0", "1e-320", "1e300", "null", "[1]", "1,2"],
    "optimizer.bench.search_space": [
        "{}",
        "{lr:{log:[1,0]}}",
        "{lr:{choice:[a,1]}}",
        "null",
        "{x:1}",
    ],
    "optimizer.bench": ["null", "{}", "[]", "{stacks:1}"],
    "optimizer": [
        "adam",
        "mine",
        "lbfgs",
        "sam",
        "sparse_adam",
        "muon,adam",
        "prodigy",
        "a/b",
        "../x",
    ],
    "schedule": ["cosine", "linear,step", "schedule", "constant,cosine", "null"],
    "model": ["bag", "gru", "cnn", "point", "mlp,cnn", "unet", "resnet18", "null"],
    "model.hidden": ["[]", "[0]", "[-1]", "[1]", "[1.5]", "[x]", "8", "null", "[1000000000000]"],
    "task": [
        "quadratic",
        "langid",
        "mnist",
        "text_file",
        "image_folder",
        "digits,quadratic",
        "sst2",
    ],
    "task.metric": ["loss", "accuracy", "error", "''", "[a]"],
    "task.target": ["inf", "-inf", "1e300", "null", "x", "0.5,0.9"],
    "task.direction": ["minimize", "up", "null"],
    "task.version": ["-1", "2", "1e3", "null"],
    "task.inputs": ["tokens", "images", "picture", "null", "''"],
    "task._target_": ["tasks.base.Task", "builtins.print", "torch.nn.Linear", "nowhere", "''"],
    "task.data._target_": ["tasks.data.mnist.load", "torch.tensor", "os.getcwd", "nowhere.x"],
    "batch_size": ["1", "0", "-1", "1257", "100000", "2.5", "null", "32,64", "range(1,3)"],
    "budget.steps": ["1", "2", "0", "-1", "1.5", "null", "1e30", "100000000000", "1,2"],
    "budget.epochs": ["1e-9", "-1", "nan", "inf", "1e300", "null", "1e-320"],
    "budget.eval_every": ["1", "0", "-1", "1000000000000", "null", "1.5"],
    "seed": ["-1", "4294967295", "4294967296", "1e30", "0,0", "range(0,2)", "1.5", "true"],
    "trainer.accelerator": ["gpu", "mps", "tpu", "auto", "x", "null", "''"],
    "trainer.precision": [
        "16-mixed",
        "bf16-mixed",
        "64-true",
        "32",
        "8",
        "null",
        "transformer-engine",
    ],
    "trainer.devices": ["0", "-1", "[0]", "[5]", "[-1]", "[x]", "auto", "null", "1.0", "true"],
    "trainer.threads": ["0", "2", "1025", "1.5", "null"],
    "trainer.max_seconds": ["0", "-1", "nan", "inf", "1e300", "1e-9", "null"],
    "study": ["a+b", "-x", "'a b'", "..", "a/b", "''", "null", "Default", "[a]", "a,b", "1", "nan"],
    "stop_at_target": ["true", "x", "null", "1"],
    "fresh": ["true", "x", "true,false"],
    "stack.size": ["0", "-1", "1", "1.5", "null", "100000000000"],
    "ablate": [
        "[lr]",
        "lr",
        "[x]",
        "[[lr]]",
        "[lr=]",
        "[lr=0.2]",
        "['lr=[']",
        "{lr:1}",
        "[{lr:1}]",
    ],
    "tuning.trials": ["-1", "0", "1", "1.5"],
    "tuning.sampler": ["random", "grid", "x", "null", "tpe"],
    "tuning.rank": ["x", "steps_to_target", "null"],
    "tuning.seed": ["-1", "1e30"],
    "tuning": ["nowhere", "null", "quick", "{trials:1}"],
    "suite": ["embedded", "nowhere", "{digits:[]}", "{digits:[x]}", "null"],
    "experiment": ["nowhere", "null", "''"],
    "reporting.seeds": ["0", "1", "-1", "1000000"],
    "hydra/launcher": ["stacked", "nowhere", "null", "''"],
    "hydra/sweeper": ["study", "ablate", "nowhere", "null"],
    "hydra.mode": ["MULTIRUN", "RUN", "x"],
    "hydra.run.dir": ["x", "''", "/proc/x", "${study}", "null"],
    "hydra.sweeper.max_batch_size": ["0", "-1", "x", "1"],
    "hydra.sweeper.params": ["{seed:1}", "{seed:'0,1'}", "{x:1}", "[1]", "{optimizer.lr:interval}"],
    "hydra.job.chdir": ["true", "null"],
    "hydra.output_subdir": ["x", "null", "''"],
    "hydra.verbose": ["true", "[x]", "x"],
    "hydra.searchpath": ["[]", "[x]", "x", "[file:///nowhere]"],
    "tracking.uri": [
        "sqlite:///x.db",
        "sqlite:///",
        "x",
        "null",
        "sqlite:////proc/x/y.db",
        "file:x",
    ],
    "data_dir": ["nowhere", "''", "null", "/dev/null"],
    "download": ["x", "null"],
    "compare": ["x", "x.json", "null", "''", "laptop"],
    "data": ["{}", "{x:1}", "null", "[1]"],
}
MARKS = st.sampled_from(["", "", "", "", "", "+", "++", "~"])
OVERRIDES = (
    st.sampled_from([f"{key}={value}" for key, values in PLAUSIBLE.items() for value in values])
    | st.sampled_from([f"{key}={value}" for key, values in PLAUSIBLE.items() for value in values])
    | st.tuples(MARKS, KEYS, st.just("="), LITERALS).map("".join)
    | st.tuples(MARKS, KEYS, st.just("="), LITERALS | TEXTS).map("".join)
    | st.tuples(st.just("~"), KEYS).map("".join)
    | st.tuples(KEYS, st.sampled_from(["@", ":", "=="]), LITERALS).map("".join)
    | st.text(max_size=8)
)
FLAGS = st.sampled_from(
    [[], [], [], [], [], [], ["-m"], ["-m"], ["-m"], ["-m"], ["--multirun"], ["--cfg", "job"]]
    + [
        ["--cfg", "x"],
        ["--resolve"],
        ["--info"],
        ["--info", "x"],
        ["-p", "x"],
        ["--help"],
        ["--cfg"],
    ]
    + [["--config-name", "x"], ["--config-dir", "nowhere"], ["--nothing"]]
    + [["-m", "hydra/launcher=stacked"], ["-m", "hydra/sweeper=study", "plan=true"]]
    + [["-m", "hydra/sweeper=ablate", "ablate=[lr]", "plan=true"], ["-m", "optimizer=adam,mine"]]
    + [["-m", "seed=0,1"], ["--cfg", "job", "--resolve"]]
)
