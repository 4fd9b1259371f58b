"""What people and machines see of a run. Nothing is computed here: the report is a digest of the record."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from pytest_kernelfalcon import github, summary
from pytest_kernelfalcon.session import Session, only_shows
from pytest_kernelfalcon.store import digest, events, files
from pytest_kernelfalcon.workers import is_worker


class Reporting:
    """Registered under `--kernelfalcon` only."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.report: dict[str, Any] | None = None

    def pytest_report_header(self, config: pytest.Config) -> str:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_report_header"""
        session = self.session
        start, run = config.invocation_params.dir, session.run.path
        place = run.relative_to(start) if run.is_relative_to(start) else run
        mode = ", frozen" if session.options.frozen else ""
        lacking = [] if only_shows(config) else session.judge.lacking()
        without = f" without {'; '.join(lacking)}" if lacking else ""
        return (
            f"kernelfalcon: author {','.join(session.options.author)}, platform {session.judge.platform}, "
            f"device {session.judge.device}, "
            f"sandbox {session.options.sandbox}{without}{mode}, run {place}"
        )

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_sessionfinish"""
        run, config = self.session.run, session.config
        if is_worker(config) or only_shows(config):
            return
        if run.events.exists():
            self.session.events.add("finish", exitstatus=int(session.exitstatus))
        self.report = digest.report(run.run_id, events.read(run.events))
        if run.path.is_dir():
            digest.write_summaries(run, self.report)
        if self.session.options.json is not None:
            files.write_json(self.session.options.json, self.report)
        if self.session.options.html is not None:
            from pytest_kernelfalcon import page  # its template engine is for those who ask for a page

            files.write(self.session.options.html, page.render(run))
        if github.active():
            self._tell_github(config)

    def _tell_github(self, config: pytest.Config) -> None:
        """Annotations go to the output, whatever pytest shows there; the table to the summary of the step."""
        if self.report is None or not self.report["problems"]:
            return
        found = github.commands(self.report, self.session.options, config.rootpath, os.environ)
        writer = config.get_terminal_writer() if config.pluginmanager.has_plugin("terminalreporter") else None
        if writer is not None and writer.width_of_current_line:
            writer.line()
        for line in found:
            print(line, flush=True) if writer is None else writer.line(line)
        if path := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(github.step_summary(self.report, self.session.options))

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        """https://docs.pytest.org/en/stable/reference/reference.html#std-hook-pytest_terminal_summary

        `-qq` leaves it out, as it does pytest's own last line.
        """
        verbosity = config.get_verbosity()
        if self.report is None or not self.report["problems"] or terminalreporter.no_summary or verbosity < -1:
            return
        writer = terminalreporter._tw
        lines = summary.section(
            self.report,
            self.session.options,
            config.invocation_params.args,
            lambda text, colour: writer.markup(text, **{colour: True}),
            writer.fullwidth if terminalreporter.isatty() else None,
            verbosity,
        )
        if shown := list(lines):
            terminalreporter.write_sep("=", "kernelfalcon")
            for line in shown if shown[0] else shown[1:]:
                terminalreporter.write_line(github.guard(line))
