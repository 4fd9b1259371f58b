"""Triton's dtypes by name. PYTEST_DONT_REWRITE"""

from __future__ import annotations

from typing import Any

import triton.language as tl

TL_DTYPES: dict[str, Any] = {value.name: value for value in vars(tl).values() if isinstance(value, tl.dtype)}
