"""What an optimizer needs beyond a gradient, under Lightning, against loops written by hand."""

import dataclasses
import math
import warnings

import pytest
import torch
from pytorch_optimizer import SAM, AdaHessian, ScheduleFreeAdamW, SophiaH
from torch.nn.functional import cross_entropy

from bench.build import components
from bench.optimizers.combined import Combined
from bench.spec import Component, OptimizerSpec, RefusedInput, Status
from bench.trial.batches import Batches
from bench.trial.evaluation import evaluate
from bench.trial.run import run_trial
from bench.trial.update import clip_gradients, update, use_evaluation_parameters
from tests.helpers.specs import trial_spec

STEPS = 25
SGD = {"_target_": "torch.optim.SGD", "_partial_": True, "momentum": 0.9}


def spec_of(target, *, steps=STEPS, **optimizer):
    arguments = optimizer.pop("arguments", {})
    entrant = OptimizerSpec("entrant", target, arguments, **optimizer)
    return dataclasses.replace(trial_spec(steps=steps, eval_every=10), optimizer=entrant)


@pytest.fixture
def trained(monkeypatch):
    """Run a spec in the harness; returns its result and the model that it left."""

    def run(spec):
        models = []
        build_model = components.build_model

        def keep(*args):
            models.append(build_model(*args))
            return models[-1]

        monkeypatch.setattr(components, "build_model", keep)
        result = run_trial(spec)
        monkeypatch.undo()
        assert result.status is Status.FINISHED, result.traceback
        return result, models[-1]

    return run


class ByHand:
    """The task, first weights and batches of a spec, without the harness's training step."""

    def __init__(self, spec):
        torch.set_flush_denormal(True)
        data = components.load_dataset(
            spec.task.name, spec.task.data, spec.context.data_dir, spec.context.download
        )
        self.task = components.build_task(spec.task, data)
        torch.manual_seed(spec.seed)
        self.model = components.build_model(spec.model, self.task)
        torch.manual_seed(spec.seed)
        inputs, targets = self.task.tensors("train", torch.device("cpu"))
        self.batches = Batches(inputs, targets, spec.batch_size, spec.budget.steps, spec.seed)

    def loss(self, batch):
        return cross_entropy(self.model(batch[0]), batch[1])

    def backward(self, batch, **options):
        self.model.zero_grad()
        loss = self.loss(batch)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*create_graph=True.*")
            loss.backward(**options)
        return loss


def assert_same_weights(ours, by_hand):
    for (name, left), right in zip(ours.named_parameters(), by_hand.parameters(), strict=True):
        assert torch.equal(left, right), name


def test_sam_takes_its_second_gradient_at_the_perturbed_point(trained):
    arguments = {"base_optimizer": SGD, "lr": 0.05, "rho": 0.05}
    spec = spec_of("pytorch_optimizer.SAM", arguments=arguments, needs=("two_gradients",))
    result, model = trained(spec)
    hand = ByHand(spec)
    optimizer = SAM(hand.model.parameters(), torch.optim.SGD, rho=0.05, lr=0.05, momentum=0.9)
    for batch in hand.batches:
        hand.backward(batch)
        optimizer.first_step()
        hand.backward(batch)
        optimizer.second_step()
    assert_same_weights(model, hand.model)
    assert result.summary["gradients"] == 2 * STEPS


def test_lbfgs_evaluates_as_often_as_it_likes_and_is_counted(trained):
    arguments = {"lr": 0.5, "max_iter": 4, "line_search_fn": "strong_wolfe"}
    spec = spec_of("torch.optim.LBFGS", arguments=arguments, needs=("closure",))
    result, model = trained(spec)
    hand, calls = ByHand(spec), 0
    optimizer = torch.optim.LBFGS(hand.model.parameters(), **arguments)
    for batch in hand.batches:

        def closure(batch=batch):
            nonlocal calls
            calls += 1
            return hand.backward(batch)

        optimizer.step(closure)
    assert_same_weights(model, hand.model)
    assert result.summary["gradients"] == calls > 2 * STEPS


@pytest.mark.parametrize(
    ("entrant", "arguments"),
    [(SophiaH, {"lr": 0.01, "update_period": 5}), (AdaHessian, {"lr": 0.05})],
)
def test_second_derivatives_are_there_to_be_taken(entrant, arguments, trained):
    target = f"pytorch_optimizer.{entrant.__name__}"
    _, model = trained(spec_of(target, arguments=arguments, needs=("create_graph",)))
    hand = ByHand(spec_of(target))
    optimizer = entrant(hand.model.parameters(), **arguments)
    for batch in hand.batches:
        hand.backward(batch, create_graph=True)
        optimizer.step()
    assert_same_weights(model, hand.model)


def test_muon_updates_hidden_matrices_and_adamw_the_rest(trained):
    rest = Component("rest", "torch.optim.AdamW", {"lr": 2e-3, "weight_decay": 0.0})
    arguments = {"lr": 0.02, "momentum": 0.9}
    spec = spec_of("torch.optim.Muon", arguments=arguments, param_groups="matrices", rest=rest)
    schedule = Component("linear", "bench.schedules.linear")
    _, model = trained(dataclasses.replace(spec, schedule=schedule))
    hand = ByHand(spec)
    first, second = (layer for layer in hand.model.modules() if isinstance(layer, torch.nn.Linear))
    muon = torch.optim.Muon([first.weight], **arguments)
    others = [first.bias, second.weight, second.bias]
    adamw = torch.optim.AdamW(others, lr=2e-3, weight_decay=0.0)
    for step, batch in enumerate(hand.batches):
        muon.param_groups[0]["lr"] = 0.02 * (1 - step / STEPS)
        adamw.param_groups[0]["lr"] = 2e-3 * (1 - step / STEPS)
        hand.backward(batch)
        muon.step()
        adamw.step()
    assert_same_weights(model, hand.model)


def test_schedule_free_is_evaluated_and_tested_at_its_average(trained):
    spec = spec_of(
        "pytorch_optimizer.ScheduleFreeAdamW", arguments={"lr": 0.01}, needs=("eval_mode",)
    )
    result, model = trained(spec)
    hand = ByHand(spec)
    optimizer = ScheduleFreeAdamW(hand.model.parameters(), lr=0.01)
    # the average x_t of Defazio et al. 2024, from its definition: y = (1 - b) z + b x
    for batch in hand.batches:
        hand.backward(batch)
        optimizer.step()
    training_point = {name: p.clone() for name, p in hand.model.named_parameters()}
    with torch.no_grad():
        for p in hand.model.parameters():
            z = optimizer.state[p]["z"]
            p.copy_((p - (1 - 0.9) * z) / 0.9)
    cpu = torch.device("cpu")
    at_average = evaluate(hand.task, hand.model, "test", cpu)
    last = result.final
    assert last["test/accuracy"] == at_average["test/accuracy"]
    assert last["test/loss"] == pytest.approx(at_average["test/loss"], rel=1e-5)
    hand.model.load_state_dict(training_point)
    assert evaluate(hand.task, hand.model, "test", cpu)["test/loss"] != pytest.approx(
        last["test/loss"], rel=1e-3
    )
    # the harness's train() and eval() at evaluations move the weights by rounding only
    for (name, ours), by_hand in zip(
        model.named_parameters(), training_point.values(), strict=True
    ):
        torch.testing.assert_close(ours.detach(), by_hand, rtol=1e-4, atol=1e-6, msg=name)


def test_the_gradient_is_clipped_before_the_update(trained):
    spec = spec_of("torch.optim.SGD", arguments={"lr": 1.0}, clip_norm=0.1)
    _, model = trained(spec)
    hand = ByHand(spec)
    for batch in hand.batches:
        hand.backward(batch)
        gradients = [p.grad for p in hand.model.parameters()]
        norm = math.sqrt(sum(float(g.double().square().sum()) for g in gradients))
        with torch.no_grad():
            for p in hand.model.parameters():
                p.sub_(min(1.0, 0.1 / norm) * p.grad)
    for left, right in zip(model.parameters(), hand.model.parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=1e-4, atol=1e-6)


def test_an_optimizer_can_be_built_from_the_model(trained):
    by_model = spec_of("tests.helpers.faulty.FromModel", needs=("model",))
    by_groups = spec_of("torch.optim.SGD", arguments={"lr": 0.1})
    assert trained(by_model)[0].curve[-1].values["val/loss"] == pytest.approx(
        trained(by_groups)[0].curve[-1].values["val/loss"]
    )


def test_a_second_point_is_declared_or_refused():
    model = torch.nn.Linear(2, 2)
    free = "pytorch_optimizer.ScheduleFreeSGD"
    with pytest.raises(RefusedInput, match=r"entrant\.yaml.*add eval_mode"):
        components.build_optimizer(OptimizerSpec("entrant", free), model)
    with pytest.raises(RefusedInput, match="remove eval_mode"):
        components.build_optimizer(
            OptimizerSpec("entrant", "torch.optim.Adam", needs=("eval_mode",)), model
        )


def test_averaged_returns_to_the_training_point_even_after_an_error():
    weight = torch.nn.Parameter(torch.tensor([2.0]))
    optimizer = ScheduleFreeAdamW([weight], lr=0.1)
    for _ in range(3):
        weight.grad = 2 * weight.detach()
        optimizer.step()
    before = weight.item()
    with pytest.raises(ZeroDivisionError), use_evaluation_parameters(optimizer, {"eval_mode"}):
        assert weight.item() != pytest.approx(before)
        raise ZeroDivisionError
    assert weight.item() == pytest.approx(before)


def test_update_returns_the_loss_before_it():
    weight = torch.nn.Parameter(torch.tensor([3.0]))
    optimizer = torch.optim.LBFGS([weight], lr=0.1)

    def gradient():
        optimizer.zero_grad()
        loss = (weight**2).sum()
        loss.backward()
        return loss

    assert update(optimizer, gradient, ("closure",)).item() == 9.0
    assert update(torch.optim.SGD([weight], 0.1), gradient, ()).item() < 9.0


def test_clip_leaves_short_gradients_and_nan_alone():
    weight = torch.nn.Parameter(torch.zeros(2))
    weight.grad = torch.tensor([3.0, 4.0])
    clip_gradients([weight], 10.0)
    assert weight.grad.tolist() == [3.0, 4.0]
    clip_gradients([weight], 1.0)
    torch.testing.assert_close(weight.grad, torch.tensor([0.6, 0.8]))
    weight.grad = torch.tensor([math.nan, 1.0])
    clip_gradients([weight], 1.0)
    assert weight.grad.isnan().all()


def test_combined_is_one_optimizer_that_can_be_saved():
    def make():
        torch.manual_seed(0)
        model = torch.nn.Linear(4, 4)
        parts = [
            torch.optim.Muon([model.weight], lr=0.1),
            torch.optim.AdamW([model.bias], lr=0.1),
        ]
        return model, Combined(parts)

    def train(model, optimizer, steps):
        for _ in range(steps):
            optimizer.zero_grad()
            model(torch.ones(1, 4)).square().sum().backward()
            optimizer.step()

    whole, optimizer = make()
    train(whole, optimizer, 6)
    first, before = make()
    train(first, before, 3)
    second, after = make()
    second.load_state_dict(first.state_dict())
    after.load_state_dict(before.state_dict())
    train(second, after, 3)
    assert_same_weights(whole, second)
    assert len(after.param_groups) == 2
    assert set(after.state) == set(second.parameters())
    with pytest.raises(ValueError, match="more than one"):
        Combined([torch.optim.SGD([whole.weight]), torch.optim.SGD([whole.weight])])
