"""What came of the candidates: a line each, and the table of docs/accuracy.md."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.accuracy.judging import Result

RIGHT = ("accepted", "specialised")


def read(file: Path) -> list[Result]:
    return [json.loads(text) for text in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def misjudged(result: Result) -> bool:
    return bool(result["honest"] != (result["outcome"] in RIGHT))


def line(result: Result) -> str:
    kind = "honest" if result["honest"] else "dishonest"
    mark = "WRONG " if misjudged(result) else ""
    words = result["message"] if result["cause"] else f"{_ratio(result)} {' '.join(result['flags'])}"
    return f"{mark}{result['family']:<16} {result['name']:<30} {kind:<10} {result['outcome']:<10} {words}"


def _ratio(result: Result) -> str:
    worst = result["worst"] or {}
    ratio = worst.get("error_over_eager")
    return f"{ratio:.2g}" if isinstance(ratio, float | int) else "–"


def table(columns: Sequence[Sequence[Result]]) -> Iterator[str]:
    """Markdown: a row for each candidate of the first file."""
    found = [{(r["family"], r["name"]): r for r in results} for results in columns]
    heads = [f"{results[0]['platform']} ({results[0]['device']})" for results in columns]
    yield f"| problem | candidate | honest | {' | '.join(heads)} |"
    yield f"|---|---|---|{'---|' * len(heads)}"
    for key in sorted(found[0]):
        cells = [_cell(results[key]) if key in results else "not judged" for results in found]
        yield f"| {key[0]} | {key[1]} | {'yes' if found[0][key]['honest'] else 'no'} | {' | '.join(cells)} |"


def _cell(result: Result) -> str:
    if result["cause"]:
        case = result["case"] or {}
        kinds = [
            case[key] for key in ("values", "dtypes", "strides") if case.get(key) not in (None, "drawn", "declared")
        ]
        return ", ".join([result["cause"], f"{_ratio(result)}×", *kinds])
    return ", ".join([result["outcome"], f"{_ratio(result)}×", *result["flags"]])
