# SPDX-License-Identifier: MIT
"""Jobs whose queries are written out, for a second opinion at once or for other machines."""
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from . import manifest
from .errors import VerifError
from .plan import Job
from .queries import Record, recording
from .result import Row
from .second import Second


@dataclass(frozen=True)
class Recorder:
    """What happens with the queries: they are exported to a folder, or `second` is asked, or both
    or neither."""

    export: Path | None = None
    second: Second | None = None

    def ready(self) -> None:
        """VerifError if there is something where queries are to go: it might be taken for them."""
        if self.export and self.export.exists() and any(self.export.iterdir()):
            raise VerifError(f"{self.export} is not empty")

    @property
    def needs_all(self) -> bool:
        """Must all be proved again? What is cached asks no queries."""
        return self.export is not None

    @property
    def keys(self) -> tuple[str, ...]:
        """What rows depend on besides, first, and all that they are kept by: those with a second
        opinion also serve runs that ask for none."""
        return (f"\0{self.second.key}", "") if self.second else ("",)

    def work(self, job: Job) -> Callable[[], list[Row]]:
        """The job with all that is to be done with its queries."""
        folder = self.export or (self.second.folder if self.second else None)
        if folder is None:
            return job.work
        return lambda: self._recorded(job, folder)

    def _recorded(self, job: Job, folder: Path) -> list[Row]:
        place = folder / job.folder
        if self.second and not self.export:
            self.second.clear(job.folder)
        record = Record(place, job.name, "/".join(job.theorems))
        with recording(record):
            rows = job.work()
        record.account({(r.subject, r.theorem) for r in rows})
        if self.export:
            manifest.write(place / manifest.NAME, record.queries)
        if self.second:
            rows = self.second.opinion(rows, record, self.export is not None)
        return rows

    def finish(self, jobs: Iterable[Job]) -> None:
        """The one manifest of an export."""
        if self.export:
            count = manifest.join(self.export, [job.folder for job in jobs])
            print(f"{count} obligations in {self.export / manifest.NAME}", flush=True)
