"""What real GPUs have, by compute capability. PYTEST_DONT_REWRITE"""

from __future__ import annotations

SHARED_BYTES = {75: 65536, 80: 166912, 86: 101376, 89: 101376, 90: 232448, 100: 232448, 120: 101376}
"""Opt-in shared memory per block (CUDA C++ Programming Guide, technical specifications)."""


def shared_bytes(target: int) -> int:
    """As `SHARED_BYTES` has it, or has it for the newest device that is older."""
    return SHARED_BYTES[max(known for known in SHARED_BYTES if known <= max(target, min(SHARED_BYTES)))]
