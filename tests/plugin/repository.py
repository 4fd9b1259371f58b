"""A git repository in a test's folder."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

SETTINGS = {"user.name": "t", "user.email": "t@example.org", "commit.gpgsign": "false", "core.hooksPath": "/dev/null"}


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    settings = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    done = subprocess.run(["git", *settings, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def commit(folder: Path) -> str:
    """Everything that is there, as a commit; its name."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", f"state {time.monotonic_ns()}")
    return git(folder, "rev-parse", "HEAD").strip()
