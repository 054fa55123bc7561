"""What an exception's words suggest to declare, in the words of Python, torch and some packages."""

import pytest

from bench.spec.needs import add_hint

MISSED = {
    "closure": "step() missing 1 required positional argument: 'closure'",
    "create_graph": "element 0 of tensors does not require grad and does not have a grad_fn",
    "model": "'list' object has no attribute 'named_parameters'",
    "named_parameters": "not enough values to unpack (expected 2, got 1)",
    "sparse_gradients": "SparseAdam does not support dense gradients",
}


@pytest.mark.parametrize("need", MISSED)
def test_a_need_that_is_missed_is_suggested_where_it_is_not_declared(need):
    said = add_hint(MISSED[need])
    assert (
        said
        == f"{MISSED[need]}; does it need {need}? If so, bench: {{needs: [{need}]}} in its YAML"
    )
    assert add_hint(MISSED[need], (need,)) == MISSED[need]


def test_a_sentence_goes_on():
    said = add_hint("make sure the option create_graph is set to True.")
    assert said.startswith("make sure the option create_graph is set to True; does it need")


def test_a_model_that_was_not_wanted():
    said = add_hint("'MLP' object is not iterable", ("model",))
    assert "remove model from bench.needs, or write named_parameters" in said
    assert add_hint("'MLP' object is not iterable") == "'MLP' object is not iterable"


@pytest.mark.parametrize("words", ["AssertionError: assert G.ndim >= 2", "supports 2D parameters"])
def test_a_bias_where_matrices_are_wanted(words):
    assert "bench: {param_groups: matrices}" in add_hint(words)
