"""What compiling gave before, on disk: whatever lies there, and whatever cannot be written."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest

from pytest_kernelfalcon.judge.compiled import Compiled

ROWS = [{"kernel": "add", "target": "sm_90", "status": "ok"}]


def test_rows_are_found_by_another_process(tmp_path: Path) -> None:
    Compiled(tmp_path / "compiled").put("key", ROWS)
    assert Compiled(tmp_path / "compiled").get("key") == ROWS
    assert [path.name for path in (tmp_path / "compiled").iterdir()] == ["key.json"]


@pytest.mark.parametrize("text", [b"", b"[{", b"\xff", b"{}", b"[1]", b'[{"target": "sm_90"}]', b"[" * 100_000])
def test_a_file_that_holds_no_rows_is_none(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "key.json").write_bytes(text)
    assert Compiled(tmp_path).get("key") is None
    Compiled(tmp_path).put("key", ROWS)
    assert Compiled(tmp_path).get("key") == ROWS


def test_a_folder_in_its_place_is_none(tmp_path: Path) -> None:
    (tmp_path / "key.json").mkdir()
    assert Compiled(tmp_path).get("key") is None


def test_what_does_not_fit_on_the_disk_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(OSError, match=r"File too large: '.*key\.json'"):
            Compiled(tmp_path).put("key", ROWS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []
