"""A run as one page of HTML that needs nothing else: made from the run directory alone, during a run or years later.

Everything on it that candidates and problems wrote is escaped by the template or by the highlighter; beside that, the
page's policy allows the one script and the one style sheet that are its own, by their hashes, and nothing from outside.
"""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer

from pytest_kernelfalcon import spending, summary
from pytest_kernelfalcon.judge import verdict_text
from pytest_kernelfalcon.judge.verdict import Verdict
from pytest_kernelfalcon.store import costs, digest, events
from pytest_kernelfalcon.store.rundir import ProblemDir, RunDir, problem_key

TEMPLATES = Path(__file__).parent / "templates"
LIGHT, DARK = "friendly", "github-dark"
JINJA: Any = {"autoescape": True, "undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
OPEN = 8
"""Problems of a run that are shown unfolded."""


def render(run: RunDir) -> str:
    """The page of a run. Raises ValueError naming a line of the record that is broken."""
    record = events.read(run.events)
    report = digest.report(run.run_id, record)
    texts = run.sources() if record else {}
    shown = summary.columns(report)
    environment = Environment(loader=FileSystemLoader(TEMPLATES), **JINJA)
    script, _, _ = environment.loader.get_source(environment, "report.js")  # type: ignore[union-attr]
    style = _style(environment)
    return environment.get_template("report.html").render(
        report=report,
        problems=[_problem(run, problem, record, texts, shown) for problem in report["problems"]],
        columns=[summary.COLUMNS[number] for number in shown],
        spent=report["totals"]["cost"] and spending.words(report["totals"]["cost"]),
        counts={outcome: report["totals"][outcome] for outcome in digest.ENDS if report["totals"][outcome]},
        begun=_date(record),
        open=len(report["problems"]) <= OPEN,
        style=Markup(style),
        script=Markup(script),
        policy=f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; base-uri 'none'",
    )


def _problem(
    run: RunDir,
    problem: dict[str, Any],
    record: Sequence[digest.Event],
    texts: dict[str, str],
    columns: Sequence[int],
) -> dict[str, Any]:
    """What the template needs of a problem beside the report."""
    folder = run.problem(problem_key(problem["path"]))
    own = [event for event in record if event.get("problem") == problem["path"]]
    text, row = texts.get(problem["path"].lstrip("/")), summary.row(problem)
    return problem | {
        "row": [row[number] for number in columns],
        "reason": summary.reason(problem) if summary.without_kernel(problem) else "",
        "source": None if text is None else _code(text, problem["line"]),
        "kernel": _read(folder.composed),
        "details": [_subgraph(folder, subgraph, own) for subgraph in problem["subgraphs"]],
    }


def _subgraph(folder: ProblemDir, subgraph: dict[str, Any], own: Sequence[digest.Event]) -> dict[str, Any]:
    judged = folder.judged(subgraph["id"], (subgraph["verdict"] or {}).get("kernel_sha256", ""))
    verdict, where = subgraph["verdict"], (subgraph["verdict"] or {}).get("where") or {}
    mine = [event for event in own if event.get("subgraph") == subgraph["id"]]
    return subgraph | {
        "winner": summary.winner(subgraph),
        "text": verdict and _text(verdict, subgraph["id"]),
        "refused": None if subgraph["outcome"] in digest.KERNEL else _read(judged, where.get("line")),
        "spent": subgraph["cost"] and spending.words(subgraph["cost"]),
        "seeds": list(_seeds(folder, mine)),
    }


def _seeds(folder: ProblemDir, own: Sequence[digest.Event]) -> Iterator[dict[str, Any]]:
    """What each seed tried, and where a winner of it was refused by the gate *accept*."""
    ends = {event["seed"]: event["state"] for event in own if event["event"] == "seed"}
    tried = [event for event in own if event["event"] == "round" or _refused(event)]
    calls = costs.calls(own)
    for seed in sorted({event["seed"] for event in (*tried, *calls)} | set(ends)):
        mine = [event for event in tried if event["seed"] == seed]
        asked = [call for call in calls if call["seed"] == seed]
        state = "refused" if any(map(_refused, mine)) else ends.get(seed, "not ended")
        rounds = [_round(folder, event, asked) for event in mine]
        yield {"seed": seed, "state": state, "rounds": rounds, "spent": spending.line(costs.total(asked))}


def _refused(event: digest.Event) -> bool:
    """Whether it says that a winner of this run did not stand."""
    return event["event"] == "accept" and event["seed"] is not None and event["outcome"] not in digest.KERNEL


def _round(folder: ProblemDir, event: digest.Event, calls: Sequence[digest.Event]) -> dict[str, Any]:
    """calls: of the seed."""
    candidate = folder.round(event["subgraph"], event["seed"], event["round"]) / "candidate.py"
    where = event["verdict"]["where"] or {}
    asked = [call for call in calls if call["round"] == event["round"] and event["event"] == "round"]
    return event | {
        "spent": spending.line(costs.total(asked)),
        "chip": "accept" if event["event"] == "accept" else str(event["round"]),
        "how": ", ".join(filter(None, (event["author"], event.get("note"), event.get("repeated") and "tried before"))),
        "text": _text(event["verdict"], "candidate.py"),
        "source": _read(candidate, where.get("line")),
    }


def _text(verdict: dict[str, Any], name: str) -> str:
    """Without the figures for compile targets, which have a table, and the line in question, which is marked."""
    return verdict_text.render(replace(Verdict.from_json(verdict), targets={}), "", name)


def _read(path: Path, line: int | None = None) -> Markup | None:
    """A file of the run directory, highlighted; None where it is not there (any more)."""
    return _code(path.read_text(encoding="utf-8"), line) if path.is_file() else None


def _code(text: str, line: int | None) -> Markup:
    formatter = HtmlFormatter(cssclass="code", linenos="inline", hl_lines=[line] if line else [])
    return Markup(highlight(text, PythonLexer(stripnl=False), formatter))  # the formatter has escaped it


def _style(environment: Environment) -> str:
    sheets = {
        name: HtmlFormatter(style=style).get_style_defs(".code") for name, style in (("light", LIGHT), ("dark", DARK))
    }
    return environment.get_template("report.css").render({name: Markup(sheet) for name, sheet in sheets.items()})


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _date(record: Sequence[digest.Event]) -> str:
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(record[0]["time"])) if record else ""
