"""Precisions that a device has not, and which Lightning would replace by another one."""

from __future__ import annotations

from bench.spec import RefusedInput

FLOAT16_MIXED = ("16-mixed", "16")


def refuse_missing_precision(precision: str, device: str) -> None:
    """Refuse mixed precision in float16 on a CPU: Lightning would take bfloat16, unrecorded."""
    if device == "cpu" and precision in FLOAT16_MIXED:
        raise RefusedInput(
            f"trainer.precision={precision}: a CPU has no mixed precision in float16. "
            "Use trainer.precision=bf16-mixed."
        )
