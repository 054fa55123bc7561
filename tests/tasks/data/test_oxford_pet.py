"""Oxford-IIIT Pet from a few photographs in its published layout."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tasks.data import oxford_pet
from tasks.data.dataset import Dataset, MissingData
from tasks.segmentation import Segmentation
from tests.helpers.data_files import HEIGHT, WIDTH, png_header, write_oxford_pet


def load(root: Path, **options: int) -> Dataset:
    return oxford_pet.load(
        data_dir=str(root), download=False, **{"size": 8, "validation": 2, **options}
    )


def test_each_pixel_has_the_label_at_its_centre(tmp_path: Path) -> None:
    write_oxford_pet(tmp_path)
    data = load(tmp_path)
    assert [len(s.targets) for s in (data.train, data.val, data.test)] == [6, 2, 8]
    assert data.train.inputs.shape == (6, 3, 8, 8) and data.train.inputs.dtype == np.uint8
    assert data.classes == ("pet", "background") and data.ignored == 2
    # pixel i of 8 covers columns 3 i to 3 i + 2 of 24 and has its centre in 3 i + 1
    row = [0, 0, 0, 0, 2, 1, 1, 1]
    for split in (data.train, data.val, data.test):
        assert (split.targets == row).all()
        assert (split.inputs[..., :3] > 200).all()
        assert (split.inputs[..., 5:] < 60).all()


def test_validation_has_each_breed_and_stays(tmp_path: Path) -> None:
    write_oxford_pet(tmp_path)
    first, again = load(tmp_path), load(tmp_path)
    assert first.fingerprint == again.fingerprint
    train, val = ((250 - split.inputs[:, 0, 0, 0]) / 4 for split in (first.train, first.val))
    assert sorted([*train.round(), *val.round()]) == list(range(8))  # each photograph once
    assert sorted(val.round() % 2) == [0, 1]
    with pytest.raises(MissingData, match=r"task\.data\.validation=8: .* has 8 training"):
        load(tmp_path, validation=8)


def test_borders_are_in_no_metric(tmp_path: Path) -> None:
    write_oxford_pet(tmp_path)
    task = Segmentation(load(tmp_path))
    guess = task.guess(1)
    assert guess[0, :, 0, 0].exp().tolist() == pytest.approx([4 / 7, 3 / 7])


def test_the_arrays_are_kept_until_a_file_changes(tmp_path: Path) -> None:
    folder = write_oxford_pet(tmp_path)
    before = load(tmp_path)
    (file,) = (tmp_path / "cache").iterdir()
    made = file.stat().st_mtime_ns
    load(tmp_path)
    assert [one.stat().st_mtime_ns for one in (tmp_path / "cache").iterdir()] == [made]
    Image.new("RGB", (30, 30), (9, 9, 9)).save(folder / "images/Abyssinian_0.jpg")
    assert load(tmp_path).fingerprint != before.fingerprint
    assert load(tmp_path, size=4).train.inputs.shape[2:] == (4, 4)
    assert len(list((tmp_path / "cache").iterdir())) == 3


def test_missing_files_are_named_before_torchvision_is_asked(tmp_path: Path) -> None:
    said = r"task=oxford_pet: no Oxford-IIIT Pet \[images, .*does not exist\); pass data_dir=PATH"
    with pytest.raises(MissingData, match=said):
        load(tmp_path)
    with pytest.raises(MissingData, match=r"task\.data\.size=0"):
        load(tmp_path, size=0)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    folder = write_oxford_pet(tmp_path)
    trimap = folder / "annotations/trimaps/Abyssinian_1.png"
    Image.new("L", (WIDTH, HEIGHT), 7).save(trimap)
    with pytest.raises(MissingData, match=r"trimap of trainval photograph 3 is not of 1, 2 and 3"):
        load(tmp_path)
    trimap.write_bytes(b"no image")
    with pytest.raises(MissingData, match=r"could not be read .*Abyssinian_1\.png.*download=true"):
        load(tmp_path)
    (folder / "annotations/trainval.txt").write_text("Abyssinian_0 1\n")
    with pytest.raises(MissingData, match=r"task=oxford_pet: .* could not be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("images/Abyssinian_1.jpg", kind) for kind in ("TIFF", "BMP", "PPM", "WEBP", "PCX")),
        *(("annotations/trimaps/Abyssinian_1.png", kind) for kind in ("JPEG", "GIF", "TIFF")),
    ],
)
def test_only_the_published_formats_are_opened(tmp_path: Path, name: str, kind: str) -> None:
    file = write_oxford_pet(tmp_path) / name
    Image.new("L", (WIDTH, HEIGHT), 1).save(file, format=kind)
    with pytest.raises(MissingData, match=r"could not be read .*cannot identify .*Abyssinian_1"):
        load(tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "GIF"])
def test_photographs_that_are_published_in_another_format_are_read(
    tmp_path: Path, kind: str
) -> None:
    file = write_oxford_pet(tmp_path) / "images/Abyssinian_1.jpg"
    Image.new("RGB", (WIDTH, HEIGHT), "white").save(file, format=kind)
    data = load(tmp_path)
    read = np.concatenate([split.inputs for split in (data.train, data.val, data.test)])
    assert (read == 255).all((1, 2, 3)).sum() == 1


@pytest.mark.parametrize(
    "name", ["images/Abyssinian_1.jpg", "annotations/trimaps/Abyssinian_1.png"]
)
@pytest.mark.parametrize("side", [13_400, 30_000])
def test_a_decompression_bomb_is_refused(tmp_path: Path, name: str, side: int) -> None:
    (write_oxford_pet(tmp_path) / name).write_bytes(png_header(side, side))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MissingData, match=r"could not be read .*pixels.*decompression bomb"):
            load(tmp_path)


def test_a_download_that_fails_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision.datasets import oxford_iiit_pet

    def offline(*_: object, **__: object) -> None:
        raise OSError("Name or service not known")

    monkeypatch.setattr(oxford_iiit_pet, "download_and_extract_archive", offline)
    with pytest.raises(MissingData, match=r"downloaded \(Name or service not known\); put the"):
        oxford_pet.load(data_dir=str(tmp_path), download=True)
