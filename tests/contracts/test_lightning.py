"""Assumptions about Lightning beyond its documented interface, one test each."""

import ast
import logging
import os
import signal
import sys
import warnings
from collections import Counter
from pathlib import Path

import pytest
import torch

from bench.runtime.lightning import LightningEnvironment, pl

STEPS = 10


class Module(pl.LightningModule):
    """A linear model in manual optimization; ``update`` is called in each step."""

    def __init__(self, optimizer=torch.optim.SGD, update=lambda module, loss: None):
        super().__init__()
        self.automatic_optimization = False
        self.layer = torch.nn.Linear(2, 1)
        self.make, self.update = optimizer, update

    def configure_optimizers(self):
        return self.make(self.layer.parameters(), lr=0.1)

    def training_step(self, batch, _):
        self.update(self, self.layer(batch).sum())


class Batches:
    """An iterable of ``STEPS`` batches with a length, and no DataLoader."""

    def __len__(self):
        return STEPS

    def __iter__(self):
        return iter([torch.ones(4, 2)] * STEPS)


def make_trainer(*callbacks, progress=False):
    return pl.Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=1,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        enable_progress_bar=progress,
        callbacks=list(callbacks),
        num_sanity_val_steps=0,
    )


@pytest.fixture
def signals():
    """Lightning's handlers go with the test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def fit(module, *callbacks):
    trainer = make_trainer(*callbacks)
    trainer.fit(module, Batches())
    return trainer


def test_only_the_name_of_the_hook_is_set_on_a_module_in_each_step():
    """``LeanModule.__setattr__`` takes a shortcut for this name."""
    names = Counter()

    class Counting(Module):
        def __setattr__(self, name, value):
            names[name] += 1
            super().__setattr__(name, value)

    fit(Counting())
    assert [name for name, count in names.items() if count >= STEPS] == ["_current_fx_name"]
    assert names["_current_fx_name"] >= 2 * STEPS


def test_a_callback_can_be_appended_to_a_trainer():
    class Counter(pl.Callback):
        steps = 0

        def on_train_batch_end(self, *_):
            self.steps += 1

    counter, trainer = Counter(), make_trainer()
    trainer.callbacks.append(counter)
    trainer.fit(Module(), Batches())
    assert counter.steps == STEPS


def test_a_trainer_knows_its_device_before_it_trains():
    assert make_trainer().strategy.root_device == torch.device("cpu")


def test_precision_is_a_context_of_the_plugin():
    trainer = pl.Trainer(accelerator="cpu", precision="bf16-mixed", logger=False)
    with trainer.precision_plugin.forward_context():
        assert torch.is_autocast_enabled("cpu")


def test_training_ends_after_the_step_that_asks_for_it():
    class Stop(pl.Callback):
        seen: tuple[int, ...] = ()

        def on_train_batch_end(self, trainer, module, outputs, batch, index):
            self.seen += (index,)
            trainer.should_stop = index == 1

    stop = Stop()
    fit(Module(), stop)
    assert stop.seen == (0, 1)


def test_the_end_of_training_comes_before_the_model_leaves_the_device(monkeypatch):
    order = []

    class End(pl.Callback):
        def on_train_end(self, *_):
            order.append("end")

    trainer = make_trainer(End())
    teardown = trainer.strategy.teardown
    monkeypatch.setattr(trainer.strategy, "teardown", lambda: (order.append("gone"), teardown()))
    trainer.fit(Module(), Batches())
    assert order == ["end", "gone"]


def test_each_step_of_an_optimizer_gets_a_closure():
    """``bench.trial.module`` drops it for optimizers that take none."""
    closures = []

    class Recording(torch.optim.SGD):
        def step(self, closure=None):
            closures.append(closure)

    fit(Module(Recording, lambda module, loss: module.optimizers().step()))
    assert len(closures) == STEPS
    assert all(callable(closure) for closure in closures)


def test_a_closure_reaches_the_optimizer_and_its_loss_comes_back():
    values = []

    def update(module, loss):
        values.append(module.optimizers().step(lambda: loss.detach() * 0 + 7.0))

    fit(Module(update=update))
    assert [float(value) for value in values] == [7.0] * STEPS


def test_a_backward_pass_takes_create_graph():
    def update(module, loss):
        module.manual_backward(loss**2, create_graph=True)
        assert module.layer.weight.grad.requires_grad
        module.zero_grad()

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*create_graph=True.*")
        fit(Module(update=update))


def test_a_module_is_trained_by_one_trainer_after_another():
    """The costs of a step are measured in rounds."""
    module = Module(update=lambda module, loss: module.optimizers().step())
    for _ in range(2):
        assert fit(module).state.finished


def test_ctrl_c_becomes_an_exit_with_the_interrupt_as_its_context(signals):
    def interrupt(module, loss):
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as end:
        fit(Module(update=interrupt))
    assert isinstance(end.value.__context__, KeyboardInterrupt)


def test_sigterm_becomes_an_exception_of_lightning(signals):
    signal.signal(signal.SIGTERM, lambda *_: None)
    with pytest.raises(pl.utilities.exceptions.SIGTERMException):
        fit(Module(update=lambda *_: os.kill(os.getpid(), signal.SIGTERM)))


def test_an_exception_of_a_step_is_told_to_callbacks_and_raised():
    told = []

    class Listen(pl.Callback):
        def on_exception(self, trainer, module, exception):
            told.append(exception)

    def fail(module, loss):
        raise ArithmeticError("mine")

    with pytest.raises(ArithmeticError, match="mine"):
        fit(Module(update=fail), Listen())
    assert [str(one) for one in told] == ["mine"]


def test_the_progress_bar_has_a_description(capsys):
    class Bar(pl.callbacks.TQDMProgressBar):
        def on_train_epoch_start(self, trainer, *_):
            super().on_train_epoch_start(trainer)
            self.train_progress_bar.set_description("adam on digits")

    make_trainer(Bar(refresh_rate=1), progress=True).fit(Module(), Batches())
    assert "adam on digits" in capsys.readouterr().out


def test_of_torchmetrics_two_classes_are_imported():
    """``bench.runtime.lightning`` stands in for the package with these two."""
    names = set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.split(".")[0] in ("pytorch_lightning", "lightning_fabric"):
            for node in ast.parse(Path(file).read_text("utf-8")).body:
                if isinstance(node, ast.ImportFrom) and node.module == "torchmetrics":
                    names |= {alias.name for alias in node.names}
    assert names == {"Metric", "MetricCollection"}


def test_notes_on_devices_and_tips_come_from_two_loggers(caplog):
    """``bench.trial.trainer`` silences them by these names."""
    for name in ("pytorch_lightning", "lightning_fabric"):
        caplog.set_level(logging.ERROR, logger=name)
    caplog.set_level(logging.INFO)
    fit(Module())
    assert [record.name for record in caplog.records] == []


def test_a_rank_is_started_outside_where_its_variables_are_set(monkeypatch):
    assert not LightningEnvironment().creates_processes_externally
    variables = {"LOCAL_RANK": "1", "NODE_RANK": "0", "MASTER_ADDR": "host", "MASTER_PORT": "4321"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    environment = LightningEnvironment()
    assert environment.creates_processes_externally
    assert (environment.local_rank(), environment.node_rank()) == (1, 0)
    assert (environment.main_address, environment.main_port) == ("host", 4321)


def test_ddp_takes_the_environment_and_its_rank(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "1")
    before = pl.utilities.rank_zero_only.rank
    try:
        trainer = pl.Trainer(
            accelerator="cpu",
            devices=2,
            strategy="ddp",
            plugins=[LightningEnvironment()],
            logger=False,
            enable_checkpointing=False,
        )
        assert (trainer.global_rank, trainer.world_size) == (1, 2)
        assert trainer.strategy.cluster_environment.creates_processes_externally
    finally:
        pl.utilities.rank_zero_only.rank = before


def test_a_mean_over_one_device_is_the_value():
    losses = torch.arange(3.0)
    assert torch.equal(make_trainer().strategy.reduce(losses, reduce_op="mean"), losses)
