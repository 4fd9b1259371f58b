"""docs/ci.md: the workflows are YAML, and their commands are ours and do what the page says."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path
from string import Template
from typing import Any

import pytest

from pytest_kernelfalcon.options import TABLE

PAGE = (Path(__file__).parents[2] / "docs" / "ci.md").read_text(encoding="utf-8")
yaml = pytest.importorskip("yaml", reason="PyYAML comes with pre-commit, one of the dev dependencies")


def workflows() -> list[dict[Any, Any]]:
    return [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)]


def commands(steps: list[Any], environment: dict[str, str]) -> list[list[str]]:
    """The words of the pytest commands."""
    texts = [
        step["run"] if isinstance(step, dict) else step for step in steps if isinstance(step, str) or "run" in step
    ]
    lines = [Template(text).safe_substitute(environment) for text in texts]
    return [shlex.split(line) for line in lines if "--kernelfalcon" in line]


def test_every_option_of_the_page_is_one_of_ours() -> None:
    named = set(re.findall(r"--kernelfalcon-[a-z]+", PAGE))
    assert named
    assert named <= {option.flag for option in TABLE}


def test_the_workflow_of_github() -> None:
    github, _ = workflows()
    jobs = github["jobs"]
    assert set(github[True]) == {"pull_request", "schedule"}, "YAML takes `on` for true"
    checkout, *_ = jobs["changed"]["steps"]
    assert checkout["with"]["fetch-depth"] == 0
    assert jobs["changed"]["strategy"]["matrix"]["shard"] == list(range(1, 5))
    assert jobs["kernels"]["needs"] == "changed"
    assert github["env"]["PYTHONSAFEPATH"] == 1
    for job in ("changed", "nightly"):
        (words,) = commands(jobs[job]["steps"], github["env"])
        assert {"--noconftest", "--kernelfalcon-frozen", "--rootdir=."} <= set(words)
        assert words[words.index("-c") + 1] == os.devnull


def test_the_job_of_gitlab() -> None:
    _, gitlab = workflows()
    job = gitlab["kernels"]
    assert job["variables"]["GIT_DEPTH"] == 0
    (words,) = commands(job["script"], {"CI_NODE_INDEX": "2", "CI_NODE_TOTAL": str(job["parallel"])})
    assert "--kernelfalcon-shard=2/4" in words
    assert {"--noconftest", "--kernelfalcon-frozen"} <= set(words)
