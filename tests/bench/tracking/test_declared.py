"""Plans of a study: each stays, whatever follows."""

import json
import threading

import pytest

from bench import tracking
from bench.tracking.declared import PREFIX
from bench.tracking.opening import open_store


def content(reference, **more):
    return {"reference": reference, "entrants": [], **more}


def declared(uri):
    return [one.content for one in tracking.read_plans(uri, "s").plans]


def test_every_plan_stays_and_equal_ones_are_one(uri):
    for reference in ("adam", "adam", "sgd"):
        tracking.declare_plan(uri, "s", content(reference), 1)
    assert declared(uri) == [content("adam"), content("sgd")]
    tracking.declare_plan(uri, "s", content("adam"), 4)  # again, and so the latest once more
    plans, unreadable = tracking.read_plans(uri, "s")
    assert [(one.reference, one.number, one.generation) for one in plans] == [
        ("sgd", 2, 1),
        ("adam", 3, 4),
    ]
    assert plans[1].at >= plans[0].at > 1e9
    assert unreadable == ""


def test_there_is_none_without_a_study_and_nothing_is_made(uri):
    assert tracking.read_plans(uri, "s") == ((), "")
    assert tracking.list_studies(uri) == []


def test_plans_of_two_commands_at_once_both_stay(uri):
    tracking.prepare(uri, "s")
    names = [f"o{at}" for at in range(8)]
    threads = [
        threading.Thread(target=tracking.declare_plan, args=(uri, "s", content(name), 1))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one["reference"] for one in declared(uri)) == names


def test_the_plan_of_an_older_version_is_the_first(uri):
    old = {"tuning_seeds": 1, "repeats": 1, "reporting_seeds": 10, "entrants": []}
    tracking.attach_text(uri, "s", "plan.json", json.dumps(old))
    tracking.declare_plan(uri, "s", content("sgd"), 1)
    plans, _ = tracking.read_plans(uri, "s")
    assert [(one.number, one.reference) for one in plans] == [(0, ""), (1, "sgd")]


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"entrants": 3}', '{"reference": 1}'])
def test_a_broken_plan_is_counted_and_the_others_stand(uri, text):
    for reference in ("adam", "sgd"):
        tracking.declare_plan(uri, "s", content(reference), 1)
    store = open_store(uri, writes=True)
    study = store.find_study("s")
    broken = next(
        tag for tag, said in study.tags.items() if tag.startswith(PREFIX) and ": 1" in said
    )
    file = f"declared.{broken.removeprefix(PREFIX)}.json"
    store.put_text(store.find_summary(study.id), file, text)
    plans, unreadable = tracking.read_plans(uri, "s")
    assert len(plans) == 1
    assert unreadable.startswith(f"1 unreadable record: {file}")


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"number": 1}', '{"number": 1, "generation": 1, "at": NaN}']
)
def test_a_broken_tag_is_counted_and_the_next_plan_is_kept(uri, text):
    tracking.declare_plan(uri, "s", content("adam"), 1)
    store = open_store(uri, writes=True)
    study = store.find_study("s")
    (tag,) = [tag for tag in study.tags if tag.startswith(PREFIX)]
    store.tag_study(study.id, {tag: text})
    assert tracking.read_plans(uri, "s").unreadable.startswith("1 unreadable record: declared.")
    tracking.declare_plan(uri, "s", content("adam"), 1)  # the same command writes it anew
    assert tracking.read_plans(uri, "s").unreadable == ""
    assert declared(uri) == [content("adam")]
