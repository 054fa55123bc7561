"""Models: shapes, sizes, padding, seeds, and gradients of many at once."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad, stack_module_state, vmap

from tasks.models.image import (
    CNN,
    MLP,
    AllConvolutional,
    ThreeConvThreeDense,
    TwoConvTwoDense,
    VisionTransformer,
    resnet18,
)
from tasks.models.segmentation import UNet
from tasks.models.text import (
    GRU,
    LSTM,
    Bag,
    TextCNN,
    Transformer,
    WordPresence,
    gru_states,
    hashed_ngrams,
    masked_mean,
    rows,
)

TEXT = [Bag, GRU, LSTM, TextCNN, Transformer]
SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32)]


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def tokens(count: int = 4, length: int = 12) -> torch.Tensor:
    """Texts of lengths 1, 2, 5 and 12 (and so on), padded with zeros."""
    ids = torch.randint(1, 50, (count, length), generator=torch.Generator().manual_seed(0))
    for row, used in zip(ids, (1, 2, 5, length), strict=False):
        row[used:] = 0
    return ids


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("build", [MLP, CNN, VisionTransformer, resnet18])
def test_images_become_logits(build, shape: tuple[int, int, int]) -> None:
    assert build(shape, 7)(torch.zeros(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize("build", TEXT)
def test_tokens_become_logits(build) -> None:
    assert build(50, 12, 7)(tokens()).shape == (4, 7)


def test_a_transformers_embeddings_start_at_their_scale_and_as_torchs_by_default() -> None:
    models = []
    for std in (1.0, 0.02):
        torch.manual_seed(0)
        models.append(Transformer(50, 12, 7, embedding_std=std).embedding.weight)
    torch.manual_seed(0)
    usual, small = models
    assert usual.equal(nn.Embedding(50, 64).weight) and small.requires_grad
    torch.testing.assert_close(small, 0.02 * usual)


def test_parameter_counts_by_closed_form() -> None:
    assert parameters(MLP((1, 8, 8), 10)) == 64 * 64 + 64 + 64 * 10 + 10
    assert parameters(MLP((1, 8, 8), 10, hidden=())) == 64 * 10 + 10
    assert parameters(MLP((3, 4, 4), 5, hidden=(6, 7))) == 48 * 6 + 6 + 6 * 7 + 7 + 7 * 5 + 5
    convolutions = (1 * 9 * 16 + 16) + (16 * 9 * 32 + 32)
    assert parameters(CNN((1, 28, 28), 10)) == convolutions + (32 * 49 * 64 + 64) + (64 * 10 + 10)
    assert parameters(Bag(256, 48, 24, buckets=100, dim=8)) == 100 * 8 + 8 * 24 + 24
    gates = 3 * 64 * (32 + 64 + 2)  # input and state weights, two biases
    assert parameters(GRU(256, 48, 24)) == 256 * 32 + gates + 64 * 24 + 24
    assert parameters(LSTM(256, 48, 24)) == 256 * 32 + gates * 4 // 3 + 64 * 24 + 24
    convolutions = sum(width * 32 * 64 + 64 for width in (3, 4, 5))
    assert parameters(TextCNN(256, 48, 24)) == 256 * 32 + convolutions + 3 * 64 * 24 + 24
    layer = 4 * (64 * 64 + 64) + (64 * 256 + 256) + (256 * 64 + 64) + 4 * 64
    outer = 256 * 64 + 48 * 64 + 2 * 64 + 64 * 24 + 24
    assert parameters(Transformer(256, 48, 24)) == 2 * layer + outer


def test_which_words_occur_decides_and_how_often_does_not() -> None:
    torch.manual_seed(0)
    model = WordPresence(50, 12, 7, words=30).eval()
    assert parameters(model) == 30 * 7 + 7
    texts = torch.tensor([[4, 9, 0, 0], [9, 4, 4, 9], [9, 31, 4, 49]])  # 31 and 49: too rare
    columns = model.output.weight[:, [3, 8]].sum(1) + model.output.bias
    torch.testing.assert_close(model(texts), columns.expand(3, -1))
    assert WordPresence(50, 12, 7).words == 49


def test_dropout_of_hidden_units_and_of_words_is_for_training_only() -> None:
    torch.manual_seed(0)
    for model, batch in (
        (MLP((1, 8, 8), 10, hidden=(32, 32), dropout=0.5), torch.randn(4, 1, 8, 8)),
        (WordPresence(50, 12, 7), tokens()),
    ):
        assert not torch.equal(model(batch), model(batch))
        model.eval()
        assert torch.equal(model(batch), model(batch))
    assert len(MLP((1, 8, 8), 10, hidden=(32, 32), dropout=0.5).layers) == 8


def test_all_cnn_c_has_its_published_size() -> None:
    model = AllConvolutional((3, 32, 32), 10)
    assert parameters(model) == 1_369_738  # "about 1.4 M" (arXiv:1412.6806, table 4)
    model.eval()
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert model.layers[:-6](torch.zeros(2, 3, 32, 32)).shape == (2, 192, 8, 8)
    with pytest.raises(ValueError, match="needs 9 x 9 at least"):
        AllConvolutional((1, 8, 8), 10)


def test_a_vision_transformer_sees_patches_in_their_places() -> None:
    torch.manual_seed(0)
    model = VisionTransformer((1, 8, 8), 3, patch=4, dim=8, heads=2, layers=1)
    layer = 4 * (8 * 8 + 8) + (8 * 32 + 32) + (32 * 8 + 8) + 4 * 8
    assert parameters(model) == (16 * 8 + 8) + 4 * 8 + layer + 2 * 8 + (8 * 3 + 3)
    image = torch.randn(1, 1, 8, 8)
    swapped = torch.cat([image[..., 4:], image[..., :4]], dim=-1)
    assert not torch.allclose(model(image), model(swapped))
    with torch.no_grad():
        model.positions.weight.zero_()  # without places, patches are a set
    torch.testing.assert_close(model(image), model(swapped))
    with pytest.raises(ValueError, match="patch: 3 does not divide images of 8 x 8"):
        VisionTransformer((1, 8, 8), 3, patch=3)


def test_deepobs_models_have_their_published_sizes_and_start_values() -> None:
    """Sizes by DeepOBS's layers: 7x7x64 and 3x3x128 numbers reach the fully connected ones."""
    two, three = TwoConvTwoDense((1, 28, 28), 10), ThreeConvThreeDense((3, 32, 32), 10)
    kernels = (25 * 32 + 32) + (32 * 25 * 64 + 64)
    assert parameters(two) == kernels + (49 * 64 * 1024 + 1024) + (1024 * 10 + 10) == 3_274_634
    kernels = (75 * 64 + 64) + (64 * 9 * 96 + 96) + (96 * 9 * 128 + 128)
    dense = (9 * 128 * 512 + 512) + (512 * 256 + 256) + (256 * 10 + 10)
    assert parameters(three) == kernels + dense == 895_210
    truncated = 0.05 * 0.8796  # standard deviation of a normal cut off at two of them
    for name, parameter in two.named_parameters():
        if name.endswith("bias"):
            assert (parameter == 0.05).all()
        elif parameter.numel() > 10_000:
            assert parameter.abs().max() <= 0.1
            assert parameter.std().item() == pytest.approx(truncated, rel=0.02)
    weights = dict(three.named_parameters())
    fans = 9 * (64 + 96)  # of the second convolution, in and out
    assert weights["layers.3.weight"].std().item() == pytest.approx((2 / fans) ** 0.5, rel=0.03)
    bound = (6 / (9 * 128 + 512)) ** 0.5  # of the first fully connected layer
    assert weights["layers.10.weight"].abs().max().item() == pytest.approx(bound, rel=1e-3)
    assert not weights["layers.10.bias"].any()


def test_3c3d_refuses_images_of_which_nothing_would_be_left() -> None:
    assert ThreeConvThreeDense((1, 16, 16), 3)(torch.zeros(2, 1, 16, 16)).shape == (2, 3)
    with pytest.raises(ValueError, match="images of 8 x 8; 3c3d needs 16 x 16"):
        ThreeConvThreeDense((1, 8, 8), 3)


@pytest.mark.parametrize("shape", SHAPES)
def test_2c2d_takes_other_shapes(shape: tuple[int, int, int]) -> None:
    assert TwoConvTwoDense(shape, 7)(torch.zeros(2, *shape)).shape == (2, 7)


def test_unet_gives_logits_for_each_pixel() -> None:
    assert UNet((3, 16, 24), 5, channels=(4, 8))(torch.zeros(2, 3, 16, 24)).shape == (2, 5, 16, 24)


def test_resnet18_has_the_published_size() -> None:
    """11 689 512 in torchvision for ImageNet; another stem and another last layer."""
    imagenet = 11_689_512
    stem, head = 64 * 3 * (9 - 49), 512 * 10 + 10 - (512 * 1000 + 1000)
    assert parameters(resnet18((3, 32, 32), 10)) == imagenet + stem + head


@pytest.mark.parametrize("build", TEXT)
@pytest.mark.parametrize("training", [True, False])
def test_further_padding_changes_nothing(build, training: bool) -> None:
    torch.manual_seed(0)
    model = build(50, 20, 7).train(training)
    short = tokens()
    with torch.no_grad():
        torch.testing.assert_close(model(F.pad(short, (0, 8))), model(short))
        torch.testing.assert_close(model(short[1:2, :2]), model(short)[1:2])


@pytest.mark.parametrize("build", TEXT)
def test_every_token_of_a_text_counts(build) -> None:
    torch.manual_seed(0)
    model = build(50, 12, 7)
    before, changed = tokens(), tokens()
    changed[3, -1] = changed[3, -1] % 49 + 1  # another id, not padding
    with torch.no_grad():
        difference = (model(before) - model(changed)).abs().amax(dim=1)
    assert difference[3] > 0 and difference[:3].max() == 0


@pytest.mark.parametrize(
    ("build", "arguments"),
    [(b, ((1, 8, 8), 10)) for b in (MLP, CNN, resnet18)] + [(b, (50, 12, 7)) for b in TEXT],
)
def test_a_seed_decides_the_initial_weights(build, arguments: tuple) -> None:
    def weights(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return nn.utils.parameters_to_vector(build(*arguments).parameters())

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


def test_rows_of_a_table_are_an_embedding_to_the_last_bit() -> None:
    torch.manual_seed(0)
    table = torch.randn(30, 5, requires_grad=True)
    ids, weight = torch.randint(30, (40, 12)), torch.randn(40, 12, 5)
    expected, found = F.embedding(ids, table), rows(table, ids)
    assert torch.equal(found, expected)
    gradients = [torch.autograd.grad((one * weight).sum(), table)[0] for one in (expected, found)]
    assert torch.equal(*gradients)


def test_masked_mean_by_hand() -> None:
    features = torch.tensor([[[1.0, 10.0], [3.0, 30.0], [100.0, 100.0]]])
    assert masked_mean(features, torch.tensor([[True, True, False]])).tolist() == [[2.0, 20.0]]


def test_textcnn_is_a_loop_over_windows() -> None:
    """Each text alone, window by window, by dot products."""
    torch.manual_seed(0)
    model = TextCNN(50, 12, 7, dim=4, channels=5, widths=(2, 3))
    expected = []
    for ids in tokens():
        embedded = model.embedding.weight[ids[ids != 0]]
        strongest = []
        for layer in model.convolutions:
            (width,) = layer.kernel_size
            around = F.pad(embedded, (0, 0, width - 1, width - 1))
            windows = [around[at : at + width].T for at in range(len(embedded) + width - 1)]
            answers = [(layer.weight * window).sum((1, 2)) + layer.bias for window in windows]
            strongest.append(torch.stack(answers).amax(0).relu())
        expected.append(model.output(torch.cat(strongest)))
    torch.testing.assert_close(model(tokens()), torch.stack(expected))


def test_the_gru_written_out_is_torchs() -> None:
    """States and all gradients, in float64."""
    torch.manual_seed(0)
    layer = nn.GRU(5, 6, batch_first=True, dtype=torch.float64)
    inputs = torch.randn(3, 9, 5, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, 9, 6, dtype=torch.float64)
    expected, ours = layer(inputs)[0], gru_states(layer, inputs)
    torch.testing.assert_close(ours, expected, rtol=1e-12, atol=1e-12)
    leaves = [inputs, *layer.parameters()]
    found = torch.autograd.grad((ours * weight).sum(), leaves)
    for mine, theirs in zip(
        found, torch.autograd.grad((expected * weight).sum(), leaves), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


def test_the_gru_computes_in_few_digits_where_asked() -> None:
    torch.manual_seed(0)
    model, batch = GRU(50, 12, 7), tokens()
    with torch.autocast("cpu", torch.bfloat16):
        coarse = model(batch)
    assert coarse.dtype is torch.bfloat16
    torch.testing.assert_close(coarse.float(), model(batch), atol=2e-2, rtol=0)


def test_an_lstm_is_a_loop_over_each_text() -> None:
    """Each text alone, by the published formulas, from the layer's own weights."""
    torch.manual_seed(0)
    model = LSTM(50, 12, 7, dim=4, hidden=6)
    layer, expected = model.recurrent, []
    for ids in tokens():
        state = cell = torch.zeros(6)
        states = []
        for given in model.embedding.weight[ids[ids != 0]]:
            total = layer.weight_ih_l0 @ given + layer.bias_ih_l0
            total = total + layer.weight_hh_l0 @ state + layer.bias_hh_l0
            add, keep, new, show = total.view(4, 6)
            cell = torch.sigmoid(keep) * cell + torch.sigmoid(add) * torch.tanh(new)
            state = torch.sigmoid(show) * torch.tanh(cell)
            states.append(state)
        expected.append(model.output(torch.stack(states).mean(0)))
    torch.testing.assert_close(model(tokens()), torch.stack(expected))


def test_ngrams_are_counted_without_padding_and_hashed_by_content() -> None:
    """Five tokens have 5 unigrams, 4 bigrams and 3 trigrams; ``ab`` occurs twice in ``abcab``."""
    grams, mask = hashed_ngrams(torch.tensor([[1, 2, 3, 1, 2, 0, 0]]), (1, 2, 3), 2**20)
    assert mask.sum().item() == 5 + 4 + 3
    found = grams[mask].tolist()
    assert len(set(found)) == 3 + 3 + 3  # a b c, ab bc ca, abc bca cab
    assert found[5] == found[8] and min(found) >= 0 and max(found) < 2**20
    reverse, _ = hashed_ngrams(torch.tensor([[2, 1]]), (2,), 2**20)
    assert reverse[0, 0] != found[5]


@pytest.mark.parametrize(
    ("build", "arguments", "inputs"),
    [
        (MLP, ((1, 8, 8), 10), torch.randn(3, 4, 1, 8, 8)),
        (CNN, ((1, 8, 8), 10), torch.randn(3, 4, 1, 8, 8)),
        (Bag, (50, 12, 10), torch.stack([tokens()] * 3)),
        (TextCNN, (50, 12, 10), torch.stack([tokens()] * 3)),
        (GRU, (50, 12, 10), torch.stack([tokens()] * 3)),
        (Transformer, (50, 12, 10), torch.stack([tokens()] * 3)),
        (TwoConvTwoDense, ((1, 8, 8), 10), torch.randn(3, 4, 1, 8, 8)),
        (ThreeConvThreeDense, ((1, 16, 16), 10), torch.randn(3, 4, 1, 16, 16)),
        (VisionTransformer, ((1, 8, 8), 10), torch.randn(3, 4, 1, 8, 8)),
        (AllConvolutional, ((1, 12, 12), 10, False), torch.randn(3, 4, 1, 12, 12)),
    ],
)
def test_gradients_of_stacked_models_are_those_of_each(build, arguments: tuple, inputs) -> None:
    torch.manual_seed(0)
    # In double precision: how a convolution sums depends on the machine, and float32 shows it.
    models = [build(*arguments).double() for _ in range(3)]
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    targets = torch.arange(4)

    def loss(weights: dict[str, torch.Tensor], batch: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(functional_call(models[0], weights, (batch,)), targets)

    stacked = vmap(grad(loss))(stack_module_state(models)[0], inputs)
    for number, model in enumerate(models):
        single = grad(loss)(dict(model.named_parameters()), inputs[number])
        for name, gradient in single.items():
            torch.testing.assert_close(stacked[name][number], gradient, atol=1e-12, rtol=1e-9)
