"""What a loader leaves out, cuts or cannot represent: counted, said in one line, or refused."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from bench.check import __main__ as check
from tasks.data import image_folder, text_file, text_lm
from tasks.data.dataset import SPLITS, Dataset, InvalidData, MissingData
from tests.helpers.data_files import png_header

CLASSES = ("a", "b")


def load_images(root: Path, **options: object) -> Dataset:
    options = {"size": 8, **options}
    return image_folder.load(data_dir="", download=False, path=str(root), **options)  # type: ignore[arg-type]


def write_images(root: Path, count: int = 10, ending: str = ".png") -> Path:
    """Noise, all different, in two classes."""
    numbers = np.random.default_rng(len(root.name))
    for label in CLASSES:
        (root / label).mkdir(parents=True)
        for number in range(count):
            pixels = numbers.integers(0, 256, (8, 8, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(root / label / f"{number:03}{ending}")
    return root


def load_texts(train: Path, **options: object) -> Dataset:
    options = {"text": "text", "label": "label", **options}
    return text_file.load(data_dir="", download=False, train=str(train), **options)  # type: ignore[arg-type]


def write_texts(path: Path, texts: list[str]) -> Path:
    rows = [{"text": text, "label": n % 2} for n, text in enumerate(texts)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def distinct(count: int, length: int = 5) -> list[str]:
    """Different texts of ``length`` frequent words."""
    numbers = np.random.default_rng(0)
    return [
        " ".join([*(f"w{x}" for x in numbers.integers(0, 9, length - 1)), f"n{n}"])
        for n in range(count)
    ]


def only(data: Dataset) -> str:
    (note,) = data.notes
    assert "\n" not in note
    return note


# images: transparency


def draw(label: str, mode: str, ink: int, number: int) -> Image.Image:
    """A disc or a cross; the colour is the same everywhere, the shape lies in the alpha channel."""
    alpha = Image.new("L", (16, 16), 0)
    pen, at = ImageDraw.Draw(alpha), number % 3
    if label == "a":
        pen.ellipse((2 + at, 2, 12, 12), fill=255)
    else:
        pen.line((at, 0, 15, 15), fill=255, width=2)
    image = Image.new(mode[:-1], (16, 16), ink if mode == "LA" else (ink,) * 3)
    image.putalpha(alpha)
    return image


def palette(image: Image.Image) -> Image.Image:
    alpha = image.getchannel("A")
    made = Image.new("P", image.size, 0)
    made.putpalette([0, 0, 0] * 256)
    made.paste(1, mask=alpha)
    made.info["transparency"] = bytes([0, 255])
    return made


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
@pytest.mark.parametrize("ink", [0, 255])
@pytest.mark.parametrize("colour", [True, False])
def test_a_shape_in_the_alpha_channel_is_visible(
    tmp_path: Path, mode: str, ink: int, colour: bool
) -> None:
    if mode == "P" and ink:
        pytest.skip("the palette is black")
    for label in CLASSES:
        (tmp_path / "x" / label).mkdir(parents=True)
        for number in range(10):
            image = draw(label, "RGBA" if mode == "P" else mode, ink, number)
            image = palette(image) if mode == "P" else image
            image.save(tmp_path / "x" / label / f"{number}.png")
    data = load_images(tmp_path / "x", size=16, colour=colour)
    for split in SPLITS:
        images = getattr(data, split).inputs
        assert images.shape[1] == (3 if colour else 1)
        assert all(len(np.unique(image)) > 1 for image in images)
    ground = "black" if ink else "white"
    assert any(f"all 20 images are transparent: laid on {ground}" in x for x in data.notes)


def test_what_is_behind_is_white_and_opaque_pixels_stay(tmp_path: Path) -> None:
    root = write_images(tmp_path / "x")
    before = load_images(root)
    for file in root.rglob("*.png"):
        with Image.open(file) as image:
            opaque = image.convert("RGBA")
        opaque.save(file)
    assert load_images(root).fingerprint == before.fingerprint
    one = next(root.rglob("*.png"))
    with Image.open(one) as image:
        pixels = np.asarray(image).copy()
    pixels[:4, :, 3] = 0
    Image.fromarray(pixels, "RGBA").save(one)
    data = load_images(root)
    assert any("1 of 20 images is transparent: laid on white" in note for note in data.notes)


# images: files that are left out


def add(root: Path, **kinds: int) -> None:
    for ending, count in kinds.items():
        for number in range(count):
            (root / CLASSES[number % 2] / f"x{number}.{ending}").write_bytes(b"")


def test_files_of_other_kinds_are_counted(tmp_path: Path) -> None:
    root = write_images(tmp_path / "x", 30)
    add(root, heic=25, gif=15)
    data = load_images(root)
    assert only(data).endswith("40 of 100 files were skipped: 25 .heic, 15 .gif")
    assert only(data).startswith(f"data.path={root}: ")
    assert only(load_images(root)) == only(data)  # from the cache


def test_what_lies_beside_the_classes_or_has_no_ending_is_counted(tmp_path: Path) -> None:
    root = write_images(tmp_path / "x")
    (root / "labels.csv").write_text("")
    (root / "LICENSE").write_text("")
    (root / "a" / "Photo.JFIF").write_text("")
    (root / "a" / ".DS_Store").write_text("")
    (root / "b" / "._000.png").write_text("")
    assert only(load_images(root)).endswith(
        "5 of 25 files were skipped: 2 hidden, 1 .csv, 1 .jfif, 1 without an ending"
    )


def test_of_many_kinds_the_most_frequent_are_named(tmp_path: Path) -> None:
    root = write_images(tmp_path / "x")
    add(root, gif=3, heic=2, aa=1, bb=1, cc=1, dd=1, ee=1)
    assert only(load_images(root)).endswith(
        "10 of 30 files were skipped: 3 .gif, 2 .heic, 1 .aa, 1 .bb, 3 others"
    )


def test_hidden_folders_at_any_depth_are_left_out(tmp_path: Path) -> None:
    """A checkpoint of a notebook would bring test images into training."""
    root = write_images(tmp_path / "x")
    before = load_images(root)
    deep = root / "a" / "more" / ".ipynb_checkpoints" / "deeper"
    deep.mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(deep / "0.png")
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("")
    (root / "b" / "__MACOSX").mkdir()
    (root / "b" / "__MACOSX" / "1.png").write_text("")
    data = load_images(root)
    assert data.fingerprint == before.fingerprint
    assert only(data).endswith(
        "3 of 23 files were skipped: 1 in .git, 1 in .ipynb_checkpoints, 1 in __MACOSX"
    )


def test_folders_beside_the_splits_are_counted(tmp_path: Path) -> None:
    root = tmp_path / "x"
    for split, count in (("Train", 10), ("test", 3)):
        write_images(root / split, count)
    write_images(root / "unlabelled", 2)
    data = load_images(root)
    assert data.classes == CLASSES and len(data.test.targets) == 6
    assert only(data).endswith("4 of 30 files were skipped: 4 in unlabelled")


def test_two_folders_for_one_split_and_splits_without_training_are_refused(tmp_path: Path) -> None:
    root = tmp_path / "x"
    for split in ("train", "val", "valid"):
        write_images(root / split)
    with pytest.raises(MissingData, match=r"val and valid are one split; keep one of them"):
        load_images(root)
    (root / "train").rename(tmp_path / "elsewhere")
    (root / "valid").rename(root / "test")
    with pytest.raises(MissingData, match=r"test, val and no train; add it"):
        load_images(root)


def test_linked_folders_and_files_are_followed(tmp_path: Path) -> None:
    plain = write_images(tmp_path / "x")
    root = tmp_path / "linked"
    (root / "b").mkdir(parents=True)
    (root / "a").symlink_to(plain / "a")
    (root / "b" / "deep").symlink_to(plain / "b")
    data = load_images(root)
    assert data.fingerprint == load_images(plain).fingerprint
    assert not data.notes


@pytest.mark.parametrize("place", ["a/again", "a/deep/again", "again"])
def test_a_loop_of_links_is_refused(tmp_path: Path, place: str) -> None:
    root = write_images(tmp_path / "x")
    (root / place).parent.mkdir(exist_ok=True)
    (root / place).symlink_to(root, target_is_directory=True)
    with pytest.raises(MissingData, match=rf"{place} is a link to a folder that it lies in; rem"):
        load_images(root)


@pytest.mark.parametrize("place", ["a/gone.png", "a/gone.txt", "c", "b/deep"])
def test_links_to_nothing_are_refused(tmp_path: Path, place: str) -> None:
    """Nobody knows what they were: an image, or a whole class."""
    root = write_images(tmp_path / "x")
    (root / place).symlink_to(tmp_path / "nowhere")
    with pytest.raises(MissingData, match=rf"{place}: a link to nothing; mend or remove it"):
        load_images(root)
    (root / place).unlink()
    (root / place).symlink_to(root / place)
    with pytest.raises(MissingData, match=rf"{place}: a link to nothing"):
        load_images(root)


def test_what_is_no_file_is_counted(tmp_path: Path) -> None:
    root = write_images(tmp_path / "x")
    os.mkfifo(root / "a" / "pipe.png")
    (root / "a" / ".#lock").symlink_to("somebody@somewhere")
    assert only(load_images(root)).endswith("2 of 22 files were skipped: 1 hidden, 1 no file")


def test_images_that_are_no_squares_are_counted(tmp_path: Path) -> None:
    root = write_images(tmp_path / "x")
    numbers = np.random.default_rng(0)
    for n in range(3):
        pixels = numbers.integers(0, 256, (8, 12 + n, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(root / "a" / f"{n:03}.png")
    assert only(load_images(root)).endswith(
        "3 of 20 images are not square: the middle square is used"
    )


def test_a_class_of_skipped_files_alone_is_refused_with_their_kinds(tmp_path: Path) -> None:
    root = write_images(tmp_path / "x")
    (root / "c").mkdir()
    (root / "c" / "1.heic").write_text("")
    with pytest.raises(MissingData, match=r"c holds no image .*1 \.heic"):
        load_images(root)


def test_further_pictures_of_a_file_are_counted(tmp_path: Path) -> None:
    root = write_images(tmp_path / "x", ending=".tiff")
    pages = [Image.new("RGB", (8, 8), (n, n, n)) for n in range(3)]
    pages[0].save(root / "a" / "000.tiff", save_all=True, append_images=pages[1:])
    assert only(load_images(root)).endswith(
        "1 of 20 images has further frames or pages: the first is used"
    )


# images: what cannot be learnt from, formats, bombs


def test_images_that_are_all_one_colour_are_refused(tmp_path: Path) -> None:
    for label in CLASSES:
        (tmp_path / "x" / label).mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (8, 8), (9, 9, 9)).save(tmp_path / "x" / label / f"{number}.png")
    with pytest.raises(MissingData, match=r"all training images are the same.*data.size") as said:
        load_images(tmp_path / "x")
    assert str(said.value).startswith(f"data.path={tmp_path / 'x'}")


@pytest.mark.parametrize("kind", ["GIF", "TGA", "EPS", "PCX", "ICO", "PDF", "SGI"])
def test_only_declared_formats_are_opened_whatever_a_file_is_called(
    tmp_path: Path, kind: str
) -> None:
    root = write_images(tmp_path / "x")
    Image.new("RGB", (16, 16)).save(root / "a" / "000.png", format=kind)
    with pytest.raises(MissingData, match=r"a/000.png: no readable image") as refused:
        load_images(root)
    assert "JPEG, PNG, PPM, BMP, TIFF, WEBP" in str(refused.value)


def load_beside(root: Path, size: tuple[int, int]) -> str:
    """The refusal of a folder with an image whose header gives this size; warnings are errors."""
    (write_images(root) / "b" / "007.png").write_bytes(png_header(*size))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(MissingData, match=r"b/007.png: ") as refused:
            load_images(root)
    return str(refused.value)


@pytest.mark.parametrize("size", [(30_000, 30_000), (13_400, 13_400), (2**31 - 1, 2**31 - 1)])
def test_a_decompression_bomb_is_refused_in_a_line(
    tmp_path: Path, size: tuple[int, int], capfd: pytest.CaptureFixture[str]
) -> None:
    message = load_beside(tmp_path / "x", size)
    assert message.endswith("too many pixels; the limit is 178,956,970; make it smaller")
    assert "\n" not in message and capfd.readouterr() == ("", "")


def test_half_of_the_limit_is_no_warning(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert "no readable image" in load_beside(tmp_path / "x", (12_000, 10_000))
    assert capfd.readouterr() == ("", "")


# texts


CHINESE, JAPANESE, THAI = "今天天气很好我们去公园", "きょうはいい天気ですね", "วันนี้อากาศดีมากเลย"


@pytest.mark.parametrize(
    "script", [CHINESE, JAPANESE, THAI, "ມື້ນີ້ອາກາດດີ", "ថ្ងៃនេះអាកាសធាតុល្អ", "ဒီနေ့ရာသီဥတု"]
)
def test_a_script_without_spaces_is_read_by_its_characters(tmp_path: Path, script: str) -> None:
    numbers = np.random.default_rng(0)
    texts = ["".join(numbers.permutation(list(script))) for _ in range(60)]
    data = load_texts(write_texts(tmp_path / "x.jsonl", texts))
    assert data.vocabulary_size == len(set(script)) + 2
    assert (data.test.inputs != 1).all() and data.train.inputs.shape[1] == len(script)
    assert any("data.tokenizer=auto: characters, for 100 % of the letters" in x for x in data.notes)
    named = load_texts(tmp_path / "x.jsonl", tokenizer="characters")
    assert named.fingerprint == data.fingerprint
    assert not any("tokenizer" in note for note in named.notes)


@pytest.mark.parametrize(
    "text",
    [
        "the film was good",
        "фильм был хорош",
        "영화가 정말 좋았다",
        "यह फिल्म अच्छी थी",
        "الفيلم كان جيدا",
    ],
)
def test_a_script_with_spaces_is_read_by_its_words(tmp_path: Path, text: str) -> None:
    numbers = np.random.default_rng(0)
    texts = [" ".join(numbers.choice(text.split(), 9)) for _ in range(60)]
    data = load_texts(write_texts(tmp_path / "x.jsonl", texts))
    words = load_texts(tmp_path / "x.jsonl", tokenizer="words")
    assert data.fingerprint == words.fingerprint
    assert not any("tokenizer" in note for note in data.notes)


def test_a_vocabulary_of_unknown_words_is_refused(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "x.jsonl", [f"once{n}" for n in range(40)])
    with pytest.raises(MissingData, match=r"no word occurs 2 times.*data.min_count=1") as refused:
        load_texts(path)
    assert str(refused.value).startswith(f"data.train={path}")
    assert load_texts(path, min_count=1).vocabulary_size == 34
    chinese = write_texts(tmp_path / "c.jsonl", [CHINESE[n % 8 :] + f"{n}" for n in range(40)])
    with pytest.raises(MissingData, match="no word occurs 60 times"):
        load_texts(chinese, tokenizer="words", min_count=60)


def test_texts_without_a_known_word_are_counted(tmp_path: Path) -> None:
    texts = [*distinct(36), "alone0", "alone1", "alone2", "alone3"]
    data = load_texts(write_texts(tmp_path / "x.jsonl", texts))
    assert any(
        "4 of 40 texts hold no known word: data.min_count=1, or data.tokenizer=bytes" in note
        for note in data.notes
    )


def test_cut_texts_are_counted_with_the_remedy(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "x.jsonl", distinct(400, 100))
    data = load_texts(path, max_length=64)
    assert (
        only(data) == "all 400 texts were cut at 64 tokens: data.max_length=100 keeps all of them"
    )
    assert data.train.inputs.shape[1] == 64
    assert not load_texts(path, max_length=100).notes


def test_the_length_follows_from_the_data(tmp_path: Path) -> None:
    """All of it up to 64 tokens; then what 95 % of the texts have."""
    assert (
        load_texts(write_texts(tmp_path / "a.jsonl", distinct(60, 50))).train.inputs.shape[1] == 50
    )
    long = load_texts(write_texts(tmp_path / "b.jsonl", distinct(60, 300)))
    assert long.train.inputs.shape[1] == 300 and not long.notes
    some = [*distinct(390, 80), *(f"{text} {n}" for n, text in enumerate(distinct(10, 700)))]
    data = load_texts(write_texts(tmp_path / "c.jsonl", some), max_length="auto")
    assert data.train.inputs.shape[1] == 80
    assert any(
        " texts were cut at " in note and "data.max_length=701" in note for note in data.notes
    )


@pytest.mark.parametrize("tokenizer", ["words", "characters", "bytes", "bpe"])
def test_every_tokenizer_counts_what_it_cuts(tmp_path: Path, tokenizer: str) -> None:
    path = write_texts(tmp_path / "x.jsonl", distinct(60, 30))
    data = load_texts(path, tokenizer=tokenizer, max_length=10, vocabulary=300)
    assert only(data).startswith("all 60 texts were cut at 10 tokens: data.max_length=")


@pytest.mark.parametrize("wrong", [0, -3, "abc", "", 2.5, True, None])
def test_a_length_that_is_none_is_refused(tmp_path: Path, wrong: object) -> None:
    path = write_texts(tmp_path / "x.jsonl", distinct(60))
    with pytest.raises(
        MissingData, match=r"data.max_length=.*: write auto, or a whole number from"
    ):
        load_texts(path, max_length=wrong)


def test_exact_duplicates_across_splits_are_counted(tmp_path: Path) -> None:
    texts = distinct(60)
    train = write_texts(tmp_path / "train.jsonl", texts[:40])
    val = write_texts(tmp_path / "val.jsonl", [*texts[40:48], *texts[:2]])
    test = write_texts(tmp_path / "test.jsonl", [*texts[48:58], texts[3], *texts[40:42]])
    data = load_texts(train, validation=str(val), test=str(test))
    assert only(data) == (
        "2 of 10 validation and 3 of 13 test texts occur in an earlier split too: remove them"
    )


def test_duplicate_images_across_splits_are_counted(tmp_path: Path) -> None:
    root = tmp_path / "x"
    write_images(root / "train")
    write_images(root / "vali")
    (root / "vali").rename(root / "test")
    with Image.open(root / "train" / "a" / "000.png") as image:
        image.save(root / "test" / "a" / "copy.bmp")  # the same pixels
    assert only(load_images(root)).endswith(
        "1 of 21 test images occurs in an earlier split too: remove it"
    )


BAD: dict[str, tuple[str, str, str]] = {
    "a column twice": (
        "x.csv",
        "text,label,text\na,1,b\n",
        "line 1: the column 'text' stands 2 times; rename or remove the others",
    ),
    "a label twice": (
        "x.tsv",
        "label\ttext\tlabel\n1\ta\t2\n",
        "line 1: the column 'label' stands",
    ),
    "a key twice": (
        "x.jsonl",
        '{"text": "a", "label": 1}\n{"text": "a", "label": 1, "text": "b"}\n',
        "row 2 (line 2): the key 'text' stands 2 times; rename or remove the others",
    ),
    "deep JSON": ("x.jsonl", '{"text": ' + "[" * 200_000, "row 1 (line 1): no JSON"),
}


@pytest.mark.parametrize("what", BAD)
def test_duplicate_columns_and_keys_are_refused(tmp_path: Path, what: str) -> None:
    file, content, said = BAD[what]
    (tmp_path / file).write_text(content)
    with pytest.raises(MissingData) as refused:
        load_texts(tmp_path / file)
    message = str(refused.value)
    assert message.startswith(f"data.train={tmp_path / file}: ") and said in message
    assert "\n" not in message and len(message) < 400


def test_a_parquet_column_twice_is_refused(tmp_path: Path) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    columns = [pa.array(["a", "b"]), pa.array([1, 2]), pa.array(["c", "d"])]
    parquet.write_table(pa.table(columns, names=["text", "label", "text"]), tmp_path / "x.parquet")
    with pytest.raises(MissingData, match="the column 'text' stands 2 times"):
        load_texts(tmp_path / "x.parquet")


def test_columns_that_are_not_read_may_repeat(tmp_path: Path) -> None:
    """As spreadsheets export empty columns."""
    rows = "".join(f"w{n % 3} x,{n % 2},,\n" for n in range(40))
    (tmp_path / "x.csv").write_text("text,label,,\n" + rows)
    assert load_texts(tmp_path / "x.csv").classes == ("0", "1")


def test_labels_that_are_one_number_are_named(tmp_path: Path) -> None:
    rows = "".join(f"{text},{'0' * (n % 3)}1\n" for n, text in enumerate(distinct(60)))
    (tmp_path / "x.csv").write_text("text,label\n" + rows)
    assert only(load_texts(tmp_path / "x.csv")) == (
        "the labels '001', '01', '1' are one number and 3 classes: write one of them throughout"
    )


# text_lm


def load_bytes(path: Path, **options: object) -> Dataset:
    options = {"length": 8, "validation": 1 << 20, **options}
    return text_lm.load(data_dir="", download=False, path=str(path), **options)  # type: ignore[arg-type]


def write_bytes(path: Path, count: int = 4_000) -> Path:
    path.write_bytes(np.random.default_rng(0).integers(0, 256, count).astype(np.uint8).tobytes())
    return path


def test_a_packed_text_is_unpacked_as_text_file_does(tmp_path: Path) -> None:
    plain = write_bytes(tmp_path / "x.txt")
    packed = tmp_path / "x.TXT.GZ"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    data = load_bytes(packed)
    assert data.fingerprint == load_bytes(plain).fingerprint
    assert data.fingerprint == load_bytes(packed).fingerprint  # from the cache
    packed.write_bytes(plain.read_bytes())
    with pytest.raises(MissingData, match=r"x.TXT.GZ.* cannot be read .*gzip"):
        load_bytes(packed)


PACKED = {
    "zip": b"PK\3\4",
    "bzip2": b"BZh9",
    "xz": b"\xfd7zXZ\0",
    "zstd": b"\x28\xb5\x2f\xfd",
    "gzip": b"\x1f\x8b\x08",
    "7z": b"7z\xbc\xaf\x27\x1c",
}


@pytest.mark.parametrize("kind", PACKED)
def test_another_packed_file_is_said_to_be_one(tmp_path: Path, kind: str) -> None:
    path = write_bytes(tmp_path / "x.bin")
    path.write_bytes(PACKED[kind] + path.read_bytes())
    note = only(load_bytes(path))
    assert note == f"data.path={path}: a packed file ({kind}), read as it is: unpack it"


def test_validation_bytes_that_are_not_evaluated_are_counted(tmp_path: Path) -> None:
    path = write_bytes(tmp_path / "x.txt")
    assert only(load_bytes(path, validation=64)) == (
        "64 of 192 validation bytes are evaluated: data.validation=192 takes all of them"
    )


def test_windows_that_repeat_across_splits_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    text = write_bytes(path).read_bytes()
    path.write_bytes(text[:-8] + text[:8])  # the last window of test is the first of training
    assert not load_bytes(path).notes  # it is cut elsewhere
    path.write_bytes(b"abcdefgh" * 500)
    assert "windows occur in an earlier split too" in only(load_bytes(path))


def test_a_text_of_one_byte_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"a" * 4_000)
    with pytest.raises(InvalidData, match=r"every byte is 97, .*give another text"):
        load_bytes(tmp_path / "x.txt")


# where it is said


def test_it_is_said_once_a_process(optbench, tmp_path: Path) -> None:
    root = write_images(tmp_path / "x", 30)
    add(root, heic=25, gif=15)
    words = ["task=image_folder", "data.path=x", "data.size=8", "model=mlp", "budget.steps=2"]
    ended = optbench(*words, "study=one")
    assert ended.code == 0, ended.err
    line = "image_folder: data.path=x: 40 of 100 files were skipped: 25 .heic, 15 .gif"
    assert ended.err.splitlines().count(line) == 1 and line not in ended.out
    ended = optbench("-m", *words, "data.colour=true", "seed=1,2,3", "study=two")
    assert ended.code == 0, ended.err
    assert line not in ended.err.splitlines()  # it was said


def test_a_sweep_in_processes_says_it_once(tmp_path: Path, uri: str) -> None:
    root = write_images(tmp_path / "x", 30)
    add(root, heic=25, gif=15)
    words = ["-m", "task=image_folder", "data.path=x", "data.size=8", "model=mlp", "budget.steps=2"]
    launched = ["hydra/launcher=joblib", "seed=1,2,3,4", f"tracking.uri={uri}", "study=one"]
    done = subprocess.run(
        [sys.executable, "-m", "bench", *words, *launched],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).count("40 of 100 files were skipped") == 1


def test_names_of_files_are_shown_escaped(optbench, tmp_path: Path) -> None:
    root = write_images(tmp_path / "odd", 30)
    (root / "a" / "b.\x1b[31mred").write_text("")
    words = ["task=image_folder", "data.path=odd", "data.size=8", "model=mlp", "budget.steps=2"]
    ended = optbench(*words, "study=one")
    assert ended.code == 0 and "1 of 61 files was skipped" in ended.err and "\x1b" not in ended.err


def test_the_check_of_a_task_shows_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    root = write_images(tmp_path / "x", 30)
    add(root, heic=25, gif=15)
    with pytest.raises(SystemExit):
        check.main(["task=image_folder", "data.path=x", "data.size=8", "model=mlp"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "40 of 100 files were skipped: 25 .heic, 15 .gif" in shown
    assert "no input is in two splits" in shown


def test_the_default_keys_are_automatic(optbench, tmp_path: Path) -> None:
    write_texts(tmp_path / "x.jsonl", distinct(60, 100))
    ended = optbench("task=text_file", "data.train=x.jsonl", "budget.steps=2", "study=one")
    assert ended.code == 0, ended.err
    assert "cut" not in ended.err
