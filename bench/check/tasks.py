"""The checks of a task: what data, model and loss must do before optimizers are compared on them.

Everything runs on the first ``EXAMPLES`` of each split, with the task's own model and batch size.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from bench.build import components
from bench.check.findings import Check, Failed, Measurement
from bench.config.refusal import escape_unprintable
from bench.runtime.lightning import pl
from bench.spec import NotApplicable, TrialSpec
from bench.spec.names import ALLOWED, is_key
from bench.stack.stackable import explain_unstackable
from bench.trial.batches import Batches
from bench.trial.evaluation import add_sums, evaluate, measure_split
from tasks.base import Task
from tasks.data.dataset import Dataset, InvalidData, Split
from tasks.data.io import left_out
from tasks.data.io.mapped import is_large

CPU = torch.device("cpu")
EXAMPLES = 256
UNEVEN = 37
"""Examples of a part whose sums have to add up to those of the whole."""
FEW, STEPS, RATES = 8, 300, (1e-3, 1e-2)
"""A batch that any model can learn by heart: examples, updates of Adam, its learning rates."""
LEARNT, LESS = 0.1, 0.5
"""Share of the first loss below which a batch counts as learnt by heart; the second where the loss
is no cross-entropy and may have a floor."""
UNDECIDED = 0.5
"""A model before training is this share of the uniform guess's loss away from it at most."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A task to be checked.

    Attributes:
        spec: a trial of it.
        data: all of it.
        task: over the first ``EXAMPLES`` of each split; labels that training smooths are not
            smoothed, for nothing that is measured has it.
    """

    spec: TrialSpec
    data: Dataset
    task: Task

    @classmethod
    def of(cls, spec: TrialSpec) -> Subject:
        """Raises RefusedInput: the data is not there, or task or model cannot be built."""
        name, component, files = spec.task.name, spec.task.data, spec.task.files
        data = components.load_dataset(
            name, component, spec.context.data_dir, spec.context.download, files
        )
        splits = (data.train, data.val, data.test)
        train, val, test = (Split(*(array[:EXAMPLES] for array in split)) for split in splits)
        exact = {name: v for name, v in spec.task.arguments.items() if name != "label_smoothing"}
        few = replace(data, train=train, val=val, test=test)
        task = components.build_task(replace(spec.task, arguments=exact), few)
        components.build_model(spec.model, task)
        return cls(spec, data, task)

    def model(self, seed: int = 0) -> nn.Module:
        """Freshly made from a seed, as a trial makes it."""
        pl.seed_everything(seed, verbose=False)
        return components.build_model(self.spec.model, self.task)

    def batch(self, split: str = "train", count: int = EXAMPLES) -> tuple[Tensor, Tensor]:
        """The first examples of a split, as the model takes them."""
        inputs, targets = self.task.tensors(split, CPU)
        return inputs[:count], targets[:count]

    def sums(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> dict[str, Tensor]:
        """The task's sums, float64."""
        with torch.no_grad():
            found = self.task.sums(model(inputs), targets)
        return {name: value.double() for name, value in found.items()}


def check_splits(subject: Subject) -> str:
    """Number of examples of each split; a fingerprint that says the same again."""
    data = subject.data
    sizes = [len(getattr(data, name).targets) for name in ("train", "val", "test")]
    if subject.spec.batch_size > sizes[0]:
        raise Failed(f"batch_size {subject.spec.batch_size} exceeds {sizes[0]} training examples")
    classes = f", {len(data.classes)} classes" if data.classes else ""
    return f"{' + '.join(map(str, sizes))} examples{classes}"


def check_labels(subject: Subject) -> str:
    """A label that names no class is refused before anything trains."""
    data = subject.task.dataset
    if not data.classes:
        raise NotApplicable("targets are no classes")
    wrong = data.val.targets.copy()
    wrong.flat[0] = next(label for label in range(len(data.classes), 257) if label != data.ignored)
    try:
        replace(data, val=Split(data.val.inputs, wrong))
    except InvalidData:
        return ""
    raise Failed(f"label {wrong.flat[0]} of {len(data.classes)} classes is accepted")


def check_target(subject: Subject) -> str:
    """The target metric is one that the task measures, and can be reached."""
    wanted = subject.spec.task.target_metric
    measured = evaluate(subject.task, subject.model().eval(), "val", CPU)
    found = {name.removeprefix("val/"): value for name, value in measured.items()}
    for name in found:
        if not is_key(name):
            raise Failed(f"{name!r} is not a valid name of a metric. {ALLOWED}")
    if wanted.metric not in found:
        raise Failed(f"{wanted.metric} is not measured, only {', '.join(sorted(found))}")
    if wanted.value is None:
        return f"{wanted.metric}, no target"
    if wanted.reached(found[wanted.metric]):
        raise Failed(
            f"{wanted.metric} is {found[wanted.metric]:.4g} before training: at the target"
        )
    return f"{wanted.metric} {wanted.value}"


def check_initial_loss(subject: Subject) -> str:
    """A model that has seen nothing is as unsure as a uniform guess."""
    inputs, targets = subject.batch()
    guess = subject.task.guess(len(targets))
    if guess is None:
        raise NotApplicable("outputs are no logits of classes")
    uniform = float(subject.task.loss(torch.zeros_like(guess), targets))
    model = subject.model()
    with torch.no_grad():
        loss = float(subject.task.loss(model(inputs), targets))
    said = f"{loss:.3g} nats, uniform {uniform:.3g}"
    if not abs(loss - uniform) <= UNDECIDED * uniform:
        raise Failed(said)
    return said


def check_exact_sums(subject: Subject) -> str:
    """Parts of any size, the last one smaller, add up to the metrics of the whole split."""
    model = subject.model().eval()
    inputs, targets = subject.batch("val")
    whole = subject.task.metrics(subject.sums(model, inputs, targets), len(targets))
    parts = zip(inputs.split(UNEVEN), targets.split(UNEVEN), strict=True)
    totals = add_sums(subject.sums(model, x, y) for x, y in parts)
    for name, value in subject.task.metrics(totals, len(targets)).items():
        if not math.isclose(float(value), float(whole[name]), rel_tol=1e-5, abs_tol=1e-7):
            raise Failed(f"{name}: {float(value):.7g} in parts, {float(whole[name]):.7g} at once")
    return ", ".join(sorted(whole))


def check_loss_is_metric(subject: Subject) -> str:
    """What training minimizes is what is reported as loss, over the same examples."""
    model = subject.model().eval()
    inputs, targets = subject.batch("val")
    metrics = subject.task.metrics(subject.sums(model, inputs, targets), len(targets))
    if "loss" not in metrics:
        raise NotApplicable("no metric is named loss")
    with torch.no_grad():
        trained = float(subject.task.loss(model(inputs), targets))
    if not math.isclose(trained, float(metrics["loss"]), rel_tol=1e-4, abs_tol=1e-6):
        raise Failed(f"loss {trained:.7g}, reported {float(metrics['loss']):.7g}")
    return ""


def check_repeats(subject: Subject) -> str:
    """The same seed computes the same, bit for bit; another does not."""
    once, again, other = (_compute_losses(subject, seed) for seed in (0, 0, 1))
    if once != again:
        raise Failed(f"losses {once} and {again} from one seed")
    if once == other:
        raise Failed("two seeds compute the same")
    return ""


def _compute_losses(subject: Subject, seed: int) -> list[float]:
    """Losses of three updates, as a trial makes them from its seed."""
    model = subject.model(seed)
    pl.seed_everything(seed, verbose=False)
    inputs, targets = subject.task.tensors("train", CPU)
    size = min(subject.spec.batch_size, 32, len(targets))
    batches = Batches(inputs, targets, size, 3, seed)
    return list(_train(subject, model, batches, RATES[0]))


def _train(
    subject: Subject, model: nn.Module, batches: Batches | list[tuple[Tensor, Tensor]], lr: float
) -> Iterator[float]:
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    for inputs, targets in batches:
        loss = subject.task.loss(model(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield float(loss.detach())


def check_overfits(subject: Subject) -> str:
    """A few examples are learnt by heart."""
    inputs, targets = subject.batch(count=FEW)
    share = LESS if subject.task.guess(1) is None else LEARNT
    lowest = []
    for rate in RATES:
        model = subject.model()
        first = best = math.inf
        for step, loss in enumerate(_train(subject, model, [(inputs, targets)] * STEPS, rate)):
            first, best = (loss if step == 0 else first), min(best, loss)
            if best < share * first:
                return f"{first:.3g} to {best:.3g} in {step} updates of Adam, lr {rate:g}"
        lowest.append(f"{first:.3g} to {best:.3g} at lr {rate:g}")
    raise Failed(f"loss of {len(targets)} examples after {STEPS} updates: {', '.join(lowest)}")


def check_evaluation(subject: Subject) -> str:
    """Evaluating changes no parameter, no buffer, no random state and no mode."""
    model = subject.model().train()
    before, drawn = copy.deepcopy(model.state_dict()), torch.get_rng_state()
    evaluate(subject.task, model, "val", CPU)
    changed = [
        name for name, value in model.state_dict().items() if not torch.equal(value, before[name])
    ]
    if changed:
        raise Failed(f"{', '.join(changed)} changed")
    if not torch.equal(drawn, torch.get_rng_state()):
        raise Failed("random numbers are drawn")
    if not model.training:
        raise Failed("the model stays in evaluation mode")
    return ""


def check_stacks(subject: Subject) -> str:
    """Two models compute in a stack what they compute alone."""
    reason = explain_unstackable(subject.spec)
    if reason:
        raise NotApplicable(reason)
    return ""


def measure_constant_guess(subject: Subject) -> Measurement:
    """What the target metric is for whoever only knows how often each class occurs."""
    if subject.task.guess(1) is None:
        raise NotApplicable("outputs are no logits of classes")
    whole = components.build_task(subject.spec.task, subject.data)

    def guess(inputs: Tensor) -> Tensor:
        found = whole.guess(len(inputs))
        assert found is not None
        return found

    return _measure_target(subject, whole, guess, "a constant guess")


def measure_linear_model(subject: Subject) -> Measurement:
    """What the target metric is for a linear model (``bench.check.linear``)."""
    from bench.check.linear import fit_linear  # scikit-learn takes a second to import

    whole = components.build_task(subject.spec.task, subject.data)
    model = fit_linear(whole)
    if model is None:
        raise NotApplicable("no linear model takes its inputs, or gives its outputs")
    return _measure_target(subject, whole, model, "a linear model")


def _measure_target(
    subject: Subject, task: Task, model: Callable[[Tensor], Tensor], name: str
) -> Measurement:
    """The target metric on the test split."""
    metric = subject.spec.task.target_metric.metric
    reached = measure_split(task, model, "test", CPU)[metric]
    return Measurement(reached, f"test/{metric} {reached:.4g} of {name}")


def measure_left_out(subject: Subject) -> Measurement:
    """Count what its loader left out, cut or could not represent."""
    notes = subject.data.notes
    said = "; ".join(map(escape_unprintable, notes)) or "its loader notes nothing"
    return Measurement(len(notes), said)


def measure_shared(subject: Subject) -> Measurement:
    """Count inputs of validation and test that an earlier split has too, to the last bit."""
    data = subject.data
    if not data.classes and data.vocabulary_size is None:
        raise NotApplicable("no classes and no texts")
    splits = {"training": data.train, "validation": data.val, "test": data.test}
    if any(is_large(split.inputs) for split in splits.values()):
        raise NotApplicable("more data than memory takes")
    rows = {name: (row.tobytes() for row in split.inputs) for name, split in splits.items()}
    said, number = left_out.describe_duplicates(rows, "input")
    return Measurement(number, said if number else "no input is in two splits")


def measure_size(subject: Subject) -> Measurement:
    """Parameters of the task's own model."""
    count = sum(p.numel() for p in subject.model().parameters())
    return Measurement(count, f"{count:,} parameters of {subject.spec.model.name}")


TASK_CHECKS = (
    Check(
        "splits", "has three splits", "has no proper splits", "No trial can be run.", check_splits
    ),
    Check(
        "labels",
        "refuses a label without a class",
        "accepts a label without a class",
        "Wrong data would be trained on, or end a trial in the middle.",
        check_labels,
    ),
    Check(
        "target",
        "measures its target metric",
        "does not measure its target metric, or begins at it",
        "Steps to the target would say nothing.",
        check_target,
    ),
    Check(
        "initial_loss",
        "begins as unsure as a uniform guess",
        "begins far from a uniform guess",
        "The first steps undo the initialisation instead of learning.",
        check_initial_loss,
    ),
    Check(
        "exact_sums",
        "adds up over uneven batches",
        "does not add up over uneven batches",
        "A metric would depend on the batch size of evaluation.",
        check_exact_sums,
    ),
    Check(
        "loss_is_metric",
        "reports the loss that it trains on",
        "reports another loss than it trains on",
        "Curves of training and validation loss could not be compared.",
        check_loss_is_metric,
    ),
    Check(
        "repeats",
        "repeats from its seed, bit for bit",
        "does not repeat from its seed",
        "No comparison is paired, and no record can be made again.",
        check_repeats,
    ),
    Check(
        "overfits",
        "learns a few examples by heart",
        "does not learn a few examples by heart",
        "Model, loss and targets do not go together.",
        check_overfits,
    ),
    Check(
        "evaluation",
        "is evaluated without a trace",
        "is changed by its evaluation",
        "How often a trial is evaluated would move its result.",
        check_evaluation,
    ),
    Check(
        "stacks",
        "computes the same in a stack",
        "computes otherwise in a stack",
        "Its trials run one by one.",
        check_stacks,
    ),
    Check("left_out", "what its loader leaves out", "", "", measure_left_out),
    Check("shared", "what splits share", "", "", measure_shared),
    Check("constant", "what a constant guess reaches", "", "", measure_constant_guess),
    Check("linear", "what a linear model reaches", "", "", measure_linear_model),
    Check("parameters", "how large its model is", "", "", measure_size),
)
"""In the order in which they are read; where the first fails, nothing else is tried."""
