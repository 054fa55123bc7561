"""Byte-pair encoding (arXiv:1508.07909) trained on the training split, by Hugging Face's library.

Byte-level as in GPT-2: every text has ids, and none is unknown. A trained tokenizer is kept under
``data_dir/cache``, named by the texts and the size that it was made from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from tasks.data.dataset import MissingData
from tasks.data.tokens import BYTES

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PAD = "<pad>"  # token 0


def tokenizer(texts: Sequence[str], size: int, cache: Path) -> Tokenizer:
    """The tokenizer of these texts with at most ``size`` ids, padding and 256 bytes among them.

    Raises:
        MissingData: the library is not installed, or there is no room for the bytes.
    """
    try:
        import tokenizers
    except ImportError as error:
        raise MissingData(
            "data.tokenizer=bpe: needs Hugging Face tokenizers: pip install 'optbench[bpe]'"
        ) from error
    if size <= BYTES:
        raise MissingData(f"data.vocabulary={size}: bpe needs more than {BYTES}, one a byte")
    sha = hashlib.sha256(f"{tokenizers.__version__} {size}".encode())
    for text in texts:
        sha.update(text.encode() + b"\0")
    kept = cache / f"bpe-{sha.hexdigest()[:16]}.json"
    if kept.exists():
        return tokenizers.Tokenizer.from_file(str(kept))
    trained = _trained(texts, size)
    cache.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=cache, suffix=".json", delete=False) as file:
        file.write(trained.to_str().encode())
    Path(file.name).replace(kept)  # whole or not at all: other processes may look for it now
    return trained


def _trained(texts: Sequence[str], size: int) -> Tokenizer:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

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


def ids(trained: Tokenizer, texts: Sequence[str], max_length: int) -> list[list[int]]:
    """Token ids of each text's first ``max_length`` tokens."""
    return [one.ids[:max_length] for one in trained.encode_batch(list(texts))]
