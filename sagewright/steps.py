"""Progress for people, step by step with times; plain lines where nobody watches a terminal."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@dataclass(slots=True)
class Step:
    """One step under way; `note` is what is said behind it when it is done."""

    name: str
    note: str = ""
    seconds: float = 0.0
    _show: Progress | None = None
    _task: int = 0

    def say(self, text: str) -> None:
        """Show what the step is at, on a terminal; it is gone when the step ends."""
        if self._show is not None:
            self._show.update(self._task, note=escape(text))  # type: ignore[arg-type]


@dataclass(slots=True)
class Steps:
    """The steps of one command, and how long each took, in seconds."""

    console: Console
    done: list[Step] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _progress: Progress | None = None
    _depth: int = 0

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time what happens inside, and print one line for it; steps may run side by side."""
        step = Step(name=name)
        progress = self._enter()
        if progress is not None:
            step._show, step._task = progress, int(progress.add_task(escape(name), total=None, note=""))
        start = time.monotonic()
        failed = True
        try:
            yield step
            failed = False
        finally:
            step.seconds = time.monotonic() - start
            self.done.append(step)
            self._leave(step, failed)

    def warn(self, text: str) -> None:
        """Print what the user should know, though the command goes on."""
        with self._lock:
            self.console.print(f"[yellow]![/] {escape(text)}", soft_wrap=True)

    def _enter(self) -> Progress | None:
        if not self.console.is_terminal:
            return None
        with self._lock:
            self._depth += 1
            if self._progress is None:
                columns = (
                    SpinnerColumn(),
                    TextColumn("{task.description}"),
                    TextColumn("[dim]{task.fields[note]}"),
                )
                self._progress = Progress(*columns, TimeElapsedColumn(), console=self.console, transient=True)
                self._progress.start()
            return self._progress

    def _leave(self, step: Step, failed: bool) -> None:
        mark = "[red]✗[/]" if failed else "[green]✓[/]"
        with self._lock:
            if self._progress is not None:
                self._progress.remove_task(step._task)  # type: ignore[arg-type]
            self.console.print(
                f"{mark} {escape(step.name):<32} {step.seconds:6.1f} s  {escape(step.note)}".rstrip()
            )
            if self._progress is not None:
                self._depth -= 1
                if self._depth == 0:
                    self._progress.stop()
                    self._progress = None
