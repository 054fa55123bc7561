"""A user's own texts: what is read of good files, and where and why bad ones are refused."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import tracking
from tasks.data import text_file
from tasks.data.dataset import Dataset, MissingData

ROWS = [("Good, good film!", "pos"), ("A bad\nfilm", "neg"), ('so "bad"', "neg"), ("fine", "pos")]


def load(train: Path, **options: object) -> Dataset:
    options = {"text": "text", "label": "label", **options}
    return text_file.load(data_dir="", download=False, train=str(train), **options)  # type: ignore[arg-type]


def many(count: int = 40) -> pd.DataFrame:
    """Rows whose one word tells the label: two classes, three to one."""
    return pd.DataFrame(
        {
            "text": [f"w{n % 4} again" for n in range(count)],
            "label": [n % 4 == 0 for n in range(count)],
        }
    )


def write(folder: Path, ending: str, table: pd.DataFrame) -> Path:
    """The table as pandas, not we, writes it."""
    path = folder / f"rows{ending}"
    if ending == ".parquet":
        table.to_parquet(path)
    elif ending == ".jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_csv(path, index=False, sep="\t" if ending == ".tsv" else ",")
    return path


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet", ".csv.gz", ".tsv"])
def test_every_kind_of_file_gives_the_same_data(tmp_path: Path, ending: str) -> None:
    rows = [row for row in ROWS if ending != ".tsv" or not set('\n"') & set(row[0])]
    table = pd.DataFrame(rows, columns=["text", "label"])
    path = write(tmp_path, ending, table)
    read = text_file.read(str(path), "train", "text", "label")
    assert [(one.example, one.label) for one in read] == rows
    assert read[-1].place.startswith(f"data.train={path}: row {len(rows)}")


def test_a_place_names_the_line_where_fields_span_lines(tmp_path: Path) -> None:
    path = write(tmp_path, ".csv", pd.DataFrame(ROWS, columns=["text", "label"]))
    places = [one.place for one in text_file.read(str(path), "train", "text", "label")]
    assert [place.partition("row ")[2] for place in places] == [
        *("1 (line 2)", "2 (line 3)", "3 (line 5)", "4 (line 6)"),
    ]


def test_words_are_ids_by_frequency_in_the_training_split(tmp_path: Path) -> None:
    """The quote, bad, film and good: 2 each, so 2 to 5 by spelling; the others once, so 1."""
    train = write(tmp_path, ".csv", pd.DataFrame(ROWS[:3], columns=["text", "label"]))
    (tmp_path / "test.jsonl").write_text('{"text": "FILM unseen", "label": "pos"}\n')
    test = str(tmp_path / "test.jsonl")
    data = load(train, validation=test, test=test)
    assert data.train.inputs.tolist() == [[5, 1, 5, 4, 1], [1, 3, 4, 0, 0], [1, 2, 3, 2, 0]]
    assert data.train.targets.tolist() == [1, 0, 0] and data.classes == ("neg", "pos")
    assert data.test.inputs.tolist() == [[4, 1, 0, 0, 0]]
    assert data.vocabulary_size == 6


def test_bytes_are_utf8_cut_at_the_longest_text_that_is_kept(tmp_path: Path) -> None:
    table = pd.DataFrame({"text": ["é", "abcdef"], "label": [1, 0]})
    path = write(tmp_path, ".csv", table)
    data = load(path, validation=str(path), test=str(path), tokenizer="bytes", max_length=4)
    assert data.train.inputs.tolist() == [[0xC3, 0xA9, 0, 0], [97, 98, 99, 100]]
    assert data.vocabulary_size == 256


def test_splits_that_are_not_given_are_drawn_stratified_and_always_the_same(tmp_path: Path) -> None:
    path = write(tmp_path, ".csv", many(400))
    data = load(path)
    assert [len(s.targets) for s in (data.train, data.val, data.test)] == [320, 40, 40]
    assert [np.bincount(s.targets).tolist() for s in (data.val, data.test)] == [[30, 10]] * 2
    assert data.fingerprint == load(path).fingerprint
    given = load(path, test=str(path))
    assert [len(s.targets) for s in (given.train, given.val, given.test)] == [360, 40, 400]


def test_numbers_as_labels_stand_in_their_order(tmp_path: Path) -> None:
    table = pd.DataFrame({"text": ["a"] * 60, "label": [10, 9, -1] * 20})
    assert load(write(tmp_path, ".parquet", table)).classes == ("-1", "9", "10")


FINE = "text,label\ngood,1\nbad,0\n"
BAD = {  # file, its content, options; what the refusal says
    "no file": ("x.csv", None, {}, ["x.csv: no such file", "did you mean", "xx.csv"]),
    "a folder": (".", None, {}, ["unknown kind of file", ".parquet"]),
    "another kind": ("x.xlsx", FINE, {}, ["unknown kind .xlsx", ".csv"]),
    "an empty file": ("x.csv", "", {}, ["empty", "names the columns"]),
    "no rows": ("x.csv", "text,label\n", {}, ["no rows"]),
    "no column": ("x.csv", FINE, {"text": "txt"}, ["no column 'txt'", "did you mean 'text'"]),
    "no key": ("x.jsonl", '{"text": "a", "lbl": 1}\n', {}, ["row 1 (line 1): no column 'label'"]),
    "one class": ("x.csv", "text,label\na,1\nb,1\n", {}, ["every label is '1'", "two classes"]),
    "an empty text": ("x.csv", "text,label\na,1\n  ,0\n", {}, ["row 2 (line 3): text: empty text"]),
    "a null": ("x.jsonl", '{"text": null, "label": 1}', {}, ["row 1 (line 1): text: None is no"]),
    "half a character": (
        "x.jsonl",
        '{"text": "a\\ud83d", "label": 1}',
        {},
        ["row 1 (line 1): text: holds half a character"],
    ),
    "NaN for a text": ("x.jsonl", '{"text": NaN, "label": 1}', {}, ["text: nan is no text"]),
    "an empty label": ("x.csv", "text,label\na,\n", {}, ["row 1 (line 2): label: empty label"]),
    "no class": ("x.jsonl", '{"text": "a", "label": 0.5}', {}, ["label: 0.5 is no class"]),
    "latin-1": (
        "x.csv",
        "text,label\na,1\nschön,0\n".encode("latin1"),
        {},
        ["line 3: not UTF-8", "iconv"],
    ),
    "a comma": (
        "x.csv",
        "text,label\nwell, yes,1\n",
        {},
        ["row 1 (line 2): 3 fields", "header has 2"],
    ),
    "an open quote": (
        "x.csv",
        'text,label\na,1\n"b,0\nc,1\n',
        {},
        ["row 2 (line 3)", "unexpected end"],
    ),
    "a tab": ("x.tsv", "text\tlabel\na\tb\t1\n", {}, ["row 1 (line 2): 3 fields", "no tab"]),
    "no JSON": ("x.jsonl", '{"text": "a", "label": 1}\n{text}\n', {}, ["row 2 (line 2): no JSON"]),
    "a list": ("x.jsonl", "[1]\n", {}, ["row 1 (line 1): no object"]),
    "no Parquet": ("x.parquet", "PAR1", {}, ["no readable Parquet"]),
    "no gzip": ("x.csv.gz", FINE, {}, ["not readable", "gzip"]),
    "too few rows": (
        "x.csv",
        FINE,
        {},
        ["2 examples of 2 classes are too few", "give the splits yourself"],
    ),
    "a tokenizer": (
        "x.csv",
        FINE,
        {"tokenizer": "wrds"},
        ["data.tokenizer=wrds", "auto, words, characters, bytes, bpe"],
    ),
    "a label of test": (
        "x.csv",
        FINE,
        {"test": "text,label\na,0\na,2\n"},
        ["data.test=", "row 2 (line 3): label '2' is in no training example"],
    ),
    "no test rows": ("x.csv", FINE, {"test": "text,label\n"}, ["data.test=", "no rows"]),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_refused_with_its_place_and_remedy(tmp_path: Path, what: str) -> None:
    file, content, options, said = BAD[what]
    (tmp_path / "xx.csv").write_text(FINE)
    if content is not None:
        raw = content.encode() if isinstance(content, str) else content
        (tmp_path / file).write_bytes(raw)
    if "test" in options:
        (tmp_path / "test.csv").write_text(options["test"])
        options = {"test": str(tmp_path / "test.csv"), "validation": str(tmp_path / "xx.csv")}
    with pytest.raises(MissingData) as refused:
        load(tmp_path / file, **options)
    message = str(refused.value)
    assert message.startswith("data."), message
    for part in said:
        assert part in message, message
    assert "\n" not in message


@pytest.mark.parametrize("ending", [".tsv", ".parquet", ".jsonl"])
def test_one_command_trains_on_it(ending, optbench, uri, tmp_path):
    path = write(tmp_path, ending, many().rename(columns={"text": "review", "label": "liked"}))
    words = [f"data.train={path.name}", "data.text=review", "data.label=liked", "budget.steps=60"]
    ended = optbench("task=text_file", *words, "optimizer.lr=0.01", "study=own")
    assert ended.code == 0, ended.err
    (record,) = tracking.read(uri, "own")
    assert record.result.final_value("test/accuracy") == 1.0  # one word tells the label
    assert path.name not in json.dumps(record.config)  # the fingerprint stands for the file
    moved = path.rename(tmp_path / f"moved{ending}")
    words[0] = f"data.train={moved}"
    ended = optbench("task=text_file", *words, "optimizer.lr=0.01", "study=own")
    assert "from the record" in ended.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["task=text_file", "data.train=x.csv"], "row 2 (line 3): text: empty text"),
        (["task=text_file", "data.trian=x.csv"], "did you mean 'train'"),
        (["task=text_file"], "give data.train=FILE"),
        (["task=digits", "data.train=x.csv"], "task=text_file does"),
    ],
)
def test_at_the_command_line_it_is_exit_code_2_and_nothing_trains(
    words, said, optbench, uri, tmp_path
):
    (tmp_path / "x.csv").write_text("text,label\na,1\n,0\n")
    ended = optbench(*words)
    assert ended.code == 2
    assert said in ended.err and len(ended.err.strip().splitlines()) == 1
    assert tracking.list_studies(uri) == [] or not any(
        tracking.read(uri, s) for s in tracking.list_studies(uri)
    )


def test_a_yaml_of_ones_own_gives_it_a_name(optbench, uri, tmp_path):
    """``defaults: [text_file, _self_]``: the records then say ``reviews``."""
    write(tmp_path, ".csv", many())
    folder = tmp_path / "my_conf" / "task"
    folder.mkdir(parents=True)
    text = "# @package _global_\ndefaults: [text_file, _self_]\ndata: {train: rows.csv}\n"
    (folder / "reviews.yaml").write_text(text)
    words = ["task=reviews", "budget.steps=2", "study=own"]
    ended = optbench("--config-dir", str(tmp_path / "my_conf"), *words)
    assert ended.code == 0, ended.err
    assert [r.config["task"]["name"] for r in tracking.read(uri, "own")] == ["reviews"]


def test_gzip_is_of_text_only(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.gz"
    path.write_bytes(gzip.compress(FINE.encode())[:-9])
    with pytest.raises(MissingData, match="not readable"):
        load(path)
