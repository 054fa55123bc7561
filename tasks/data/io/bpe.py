"""Byte-pair encoding (arXiv:1508.07909) trained on the training split, by Hugging Face's library.

Byte-level as in GPT-2: every text has ids, and none is unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tasks.data.dataset import MissingData
from tasks.data.io.tokens import BYTES

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD = "<pad>"  # token 0


def train_tokenizer(texts: Sequence[str], size: int) -> Tokenizer:
    """The tokenizer of these texts with at most ``size`` ids, padding and 256 bytes among them.

    Raises:
        MissingData: the library is not installed, or there is no room for the bytes.
    """
    try:  # an extra
        from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    except ImportError as error:
        raise MissingData(
            "data.tokenizer=bpe: needs Hugging Face tokenizers: pip install 'optbench[bpe]'"
        ) from error
    if size <= BYTES:
        raise MissingData(f"data.vocabulary={size}: bpe needs more than {BYTES}, one a byte")
    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=[PAD],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    found.train_from_iterator(texts, trainer)
    return found


def encode(trained: Tokenizer, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text."""
    return [one.ids for one in trained.encode_batch(list(texts))]
