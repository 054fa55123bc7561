"""A user's own folder of images: what is read of it, what is kept, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder

from bench import tracking
from tasks.data import image_folder
from tasks.data.dataset import Dataset, MissingData
from tasks.data.io import images

SHADES = {"dark": 30, "light": 220}


def write(root: Path, per_class: int = 10, ending: str = ".png", size: int = 8) -> Path:
    """A folder a class; images of one shade each, a little noise, all different."""
    numbers = np.random.default_rng(0)
    for label, shade in SHADES.items():
        (root / label).mkdir(parents=True)
        for number in range(per_class):
            pixels = shade + numbers.integers(-20, 20, (size, size, 3))
            Image.fromarray(pixels.astype(np.uint8)).save(root / label / f"{number:03}{ending}")
    return root


def load(root: Path, **options: object) -> Dataset:
    data_dir = str(root.parent / "data")
    options = {"size": 8, **options}
    return image_folder.load(data_dir=data_dir, download=False, path=str(root), **options)  # type: ignore[arg-type]


def test_it_holds_what_torchvision_reads(tmp_path: Path) -> None:
    root = write(tmp_path / "shades")
    theirs = ImageFolder(str(root))
    data = load(root)
    assert data.classes == tuple(theirs.classes)
    assert [len(s.targets) for s in (data.train, data.val, data.test)] == [16, 2, 2]
    assert [s.targets.tolist() for s in (data.val, data.test)] == [[0, 1]] * 2
    expected = {(np.asarray(image).transpose(2, 0, 1).tobytes(), label) for image, label in theirs}
    found = {
        (image.tobytes(), int(label))
        for split in (data.train, data.val, data.test)
        for image, label in zip(*split, strict=True)
    }
    assert found == expected


def test_given_splits_are_kept(tmp_path: Path) -> None:
    root = tmp_path / "shades"
    for split, count in (("train", 20), ("valid", 3), ("test", 2)):
        write(root / split, count)
    data = load(root)
    assert [len(s.targets) for s in (data.train, data.val, data.test)] == [40, 6, 4]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    root = write(tmp_path / "things")
    (root / "dark").rename(root / "train")
    assert load(root).classes == ("light", "train")


def test_the_middle_square_is_resized_upright_and_grey_where_asked(tmp_path: Path) -> None:
    """Left to right black, white, black: the middle third is white, whichever side is up."""
    root = tmp_path / "things"
    for label in ("a", "b"):
        (root / label).mkdir(parents=True)
        wide = Image.new("L", (12, 4), 0)
        wide.paste(255, (4, 0, 8, 4))
        wide.paste(100, (4, 0, 8, 1))  # the upper row of the middle
        exif = Image.Exif()
        exif[0x0112] = 3  # upside down
        for number in range(10):
            wide.save(root / label / f"{number}.png", exif=exif if label == "b" else Image.Exif())
    data = load(root, size=4, colour=False)
    assert data.train.inputs.shape[1:] == (1, 4, 4)
    upright, turned = (data.val.inputs[data.val.targets == label][0, 0] for label in (0, 1))
    assert upright.tolist() == [[100] * 4] + [[255] * 4] * 3
    assert turned.tolist() == [[255] * 4] * 3 + [[100] * 4]


def test_resized_once_and_again_after_a_change(tmp_path, monkeypatch) -> None:
    root = write(tmp_path / "shades")
    first = load(root)
    with monkeypatch.context() as without:
        without.setattr(images, "read_image", None)  # nothing is decoded
        assert load(root).fingerprint == first.fingerprint
    Image.new("RGB", (8, 8)).save(root / "dark" / "003.png")
    assert load(root).fingerprint != first.fingerprint
    assert len(list((tmp_path / "cache").iterdir())) == 2


def broken(root: Path) -> None:
    (root / "light" / "005.png").write_bytes((root / "light" / "005.png").read_bytes()[:90])


def no_image(root: Path) -> None:
    (root / "light" / "005.png").write_text("not an image")


def deep(root: Path) -> None:
    Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(root / "dark" / "000.png")


def empty_class(root: Path) -> None:
    (root / "grey").mkdir()
    (root / "grey" / "notes.txt").write_text("")


def one_class(root: Path) -> None:
    for file in (root / "light").iterdir():
        file.unlink()
    (root / "light").rmdir()


def flat(root: Path) -> None:
    for folder in list(root.iterdir()):
        for file in folder.iterdir():
            file.rename(root / f"{folder.name}{file.name}")
        folder.rmdir()


def unseen(root: Path) -> None:
    folders = list(root.iterdir())
    (root / "train").mkdir()
    for folder in folders:
        folder.rename(root / "train" / folder.name)
    write(root / "test", 1)
    (root / "test" / "dark").rename(root / "test" / "black")


BAD: dict[str, tuple[Callable[[Path], None], list[str]]] = {
    "a cut image": (broken, ["light/005.png: no readable image", "remove it"]),
    "no image": (no_image, ["light/005.png: no readable image"]),
    "16 bits": (deep, ["dark/000.png: more than 8 bits a channel", "convert"]),
    "an empty class": (empty_class, ["grey holds no image (.jpg", "remove it"]),
    "one class": (one_class, ["every label is 'dark'", "two classes"]),
    "no folders": (flat, ["no images in", "a folder of its own"]),
    "an unseen class": (unseen, ["test/black/000.png", "label 'black' is in no training example"]),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_folder_is_refused_by_name(tmp_path: Path, what: str) -> None:
    root = write(tmp_path / "shades")
    spoil, said = BAD[what]
    spoil(root)
    with pytest.raises(MissingData) as refused:
        load(root)
    message = str(refused.value)
    assert message.startswith(f"data.path={root}") and "\n" not in message
    for part in said:
        assert part in message
    assert not list(tmp_path.rglob("*.npy"))


def test_no_such_folder_and_no_size(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match=r"nowhere: no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(MissingData, match=r"data.size=0"):
        load(write(tmp_path / "shades"), size=0)


def test_one_command_trains_on_a_folder_of_jpegs(optbench, uri, tmp_path):
    write(tmp_path / "shades", 20, ".jpg", size=40)
    words = ["task=image_folder", "data.path=shades", "model=mlp", "budget.steps=20", "study=own"]
    ended = optbench(*words)
    assert ended.code == 0, ended.err
    (record,) = tracking.read(uri, "own")
    assert record.result.final_value("test/accuracy") == 1.0
    (tmp_path / "shades" / "dark" / "000.jpg").write_bytes(b"")
    ended = optbench(*words, "data.size=16")  # another than this process has read
    assert ended.code == 2 and "dark/000.jpg: no readable image" in ended.err
