"""Every task and model YAML: its keys, its dotted paths, and that task and model fit."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from omegaconf import OmegaConf

import conf

FOLDER = Path(conf.__file__).parent
TASKS = sorted(path.stem for path in (FOLDER / "task").glob("*.yaml"))
MODELS = sorted(path.stem for path in (FOLDER / "model").glob("*.yaml"))
OWN = ["image_folder", "text_file", "text_lm"]  # on a user's data: paths, and no target
TASK_KEYS = {"_target_", "data", "inputs", "metric", "direction", "target", "version"}


def read(group: str, name: str) -> dict[str, Any]:
    plain = OmegaConf.to_container(OmegaConf.load(FOLDER / group / f"{name}.yaml"))
    assert isinstance(plain, dict)
    return {str(key): value for key, value in plain.items()}


def at(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


def default_model(task: dict[str, Any]) -> str:
    (default,) = task["defaults"]
    return default["override /model"]


def test_the_tasks_and_models_are_these() -> None:
    assert set(TASKS) >= {
        *("cifar10", "cifar100", "digits", "digits_scene", "fashion_mnist", "langid", "mnist"),
        *("ag_news", "land_cover", "oxford_pet"),
        *("imdb", "modular_addition", "sotu", "sst2", "trec", "wordnet", "quadratic"),
        *("beale", "rastrigin", "rosenbrock", "saddle", "valley"),
        *OWN,
    }
    assert set(MODELS) >= {
        *(
            "2c2d",
            "3c3d",
            "allcnnc",
            "vit",
            "bag",
            "bag_of_pairs",
            "bag_of_words",
            "cnn",
            "gpt",
            "gru",
            "lstm",
            "mlp",
        ),
        *("point", "resnet18", "small_transformer", "textcnn", "transformer", "unet"),
    }


@pytest.mark.parametrize("name", TASKS)
def test_task_names_what_exists(name: str) -> None:
    composed = read("task", name)
    task = composed["task"]
    assert set(task) == TASK_KEYS | ({"files"} if name in OWN else set())
    assert at(task["_target_"]).inputs == task["inputs"]
    options = set(task["data"]) - {"_target_"} | {"data_dir", "download", *task.get("files", ())}
    inspect.signature(at(task["data"]["_target_"])).bind(**dict.fromkeys(options))
    assert task["direction"] in ("maximize", "minimize")
    if name in OWN:
        assert task["target"] is None
    elif task["direction"] == "maximize":
        assert 0 < task["target"] < 1  # an accuracy or a mean IoU
    elif task["target"] is not None:
        assert task["target"] > 0  # a loss whose lowest value is 0


@pytest.mark.parametrize("name", TASKS)
def test_tasks_default_model_takes_its_inputs(name: str) -> None:
    composed = read("task", name)
    model = read("model", default_model(composed)) | composed.get("model", {})
    assert model["inputs"] == composed["task"]["inputs"]


@pytest.mark.parametrize("name", MODELS)
def test_model_takes_its_arguments(name: str) -> None:
    model = read("model", name)
    from_data = {
        "images": {"input_shape": (1, 8, 8), "num_classes": 10},
        "pixels": {"input_shape": (1, 64, 64), "num_classes": 11},
        "pixels_and_noise": {"pixels": 784, "latent": 20},
        "bytes": {"vocabulary_size": 256, "max_length": 128},
        "point": {"start": (0.0, 0.0)},
        "tokens": {"vocabulary_size": 256, "max_length": 48, "num_classes": 24},
    }[model.pop("inputs")]
    build = at(model.pop("_target_"))
    inspect.signature(build).bind(**from_data, **model)
    if name in ("bag_of_pairs", "bag_of_words", "mlp_dropout", "point", "small_transformer"):
        return  # other numbers
    for key, value in model.items():  # the YAML shows the class's defaults
        default = inspect.signature(build).parameters[key].default
        assert value == (list(default) if isinstance(default, tuple) else default)
