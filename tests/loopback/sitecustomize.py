"""Imported by every Python process that finds this folder in its PYTHONPATH."""

from __future__ import annotations

import only_loopback

only_loopback.install()
