"""One entity of a running import: its rows to staging, from staging to the ledger, and the execution's final word."""

import time
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sandbox.budgeting.budget_rules import Rulebook
from sandbox.budgeting.register_entries import HEADERS, EntryWriter, set_totals
from sandbox.budgeting.transfers import unbalanced
from sandbox.data_management import import_effects
from sandbox.data_management.execution_states import finish, is_wanted
from sandbox.data_management.package_rows import Row, rows_of
from sandbox.data_management.packages import PackageEntity
from sandbox.data_management.row_fields import RowError, staged
from sandbox.finance.sets import FINANCE_SETS
from sandbox.world import World

CHUNK = 5000
_LINE_KEY = ("ENTRYNUMBER", "LINENUMBER")


@dataclass(frozen=True)
class Loader:
    world: World
    execution: Any
    position: int
    rows: list[Row]
    writer: EntryWriter
    staging_errors: dict[int, RowError]
    seconds: float

    @classmethod
    def of(cls, world: World, execution: Any, position: int, entity: PackageEntity, seconds: float) -> "Loader":
        """Raises PackageError when the entity's file cannot be read."""
        checks = world.faults.plays("package-checks")
        rows = rows_of(entity, strict=checks, need_maps=world.faults.plays("no-map-no-rows"))
        if entity.entity_set != HEADERS:
            rows = import_effects.changed(rows, execution["fault"])
        rules = Rulebook.read(world.store, execution["legal_entity"], world.faults)
        problems = staged(rows, FINANCE_SETS[entity.entity_set], longest=world.faults.mode("code_length"), keys=checks)
        writer = EntryWriter(
            world,
            execution["id"],
            execution["finance_user"],
            execution["legal_entity"],
            entity.entity_set,
            entity.is_numbered,
            rules,
        )
        return cls(world, execution, position, rows, writer, problems, seconds)

    def load(self) -> bool:
        """Stage and apply; False when the import was cancelled meanwhile."""
        self._stage()
        rate = self.world.faults.mode("lines_per_second")
        size = max(1, int(float(rate) / 4)) if rate else CHUNK
        if self.seconds and not rate:
            size = max(1, min(CHUNK, len(self.rows) // 20 + 1))
        for first in range(self._entity["processed"], len(self.rows), size):
            begun = time.monotonic()
            if self._is_to_cancel(first) or not self._apply(first, size):
                return False
            pause = size / float(rate) if rate else self.seconds * size / max(len(self.rows), 1)
            time.sleep(max(0.0, pause * 0.95 - (time.monotonic() - begun)))
        if self._is_to_cancel(len(self.rows)):
            return False
        status = "Error" if self._entity["failed"] else "Finished"
        return self._update(target=status, target_ended=time.time())

    @property
    def _entity(self) -> Any:
        return self.world.store.row(
            "SELECT * FROM execution_entities WHERE execution = ? AND position = ?",
            (self.execution["id"], self.position),
        )

    def _update(self, **values: Any) -> bool:
        names = ", ".join(f"{name} = ?" for name in values)
        with self.world.store.transaction() as connection:
            connection.execute(
                f"UPDATE execution_entities SET {names} WHERE execution = ? AND position = ?",
                (*values.values(), self.execution["id"], self.position),
            )
            return is_wanted(self.world, self.execution["id"])

    def _stage(self) -> None:
        """All rows in one step; those that do not get in are told once and go no further."""
        if self._entity["staging"] not in ("NotRun", "Executing"):
            return
        now, failed = time.time(), len(self.staging_errors)
        with self.world.store.transaction():
            for number, error in self.staging_errors.items():
                self._note(number, "staging", error)
            self._update(
                total=len(self.rows),
                staged=len(self.rows) - failed,
                staging="Error" if failed else "Finished",
                target="Executing",
                failed=failed,
                staging_started=now,
                staging_ended=now,
                target_started=now,
            )

    def _note(self, number: int, stage: str, error: RowError) -> None:
        self.world.store.connection.execute(
            "INSERT INTO import_errors VALUES (?, ?, ?, ?, ?, ?)",
            (self.execution["id"], self.position, number, stage, error.field, error.message),
        )
        row = self.rows[number - 1]
        legal_entity = row.get("LEGALENTITYID") or self.execution["legal_entity"]
        self.world.store.connection.execute(
            "INSERT OR REPLACE INTO refused_keys VALUES (?, ?, ?, ?, ?, ?)",
            (self.execution["id"], self.position, number, legal_entity, *(row.get(name, "") for name in _LINE_KEY)),
        )

    @cached_property
    def _refused(self) -> dict[int, RowError]:
        """Rows that are refused before they are looked at one by one."""
        staged_rows = [(n, row) for n, row in enumerate(self.rows, 1) if n not in self.staging_errors]
        scripted = import_effects.refused(self.execution["fault"], len(self.rows))
        return unbalanced(self.writer, staged_rows) | scripted

    def _is_to_cancel(self, applied: int) -> bool:
        if self.execution["fault"] == "canceled" and applied * 2 >= len(self.rows):
            finish(self.world, self.execution["id"], "Canceled")
            return True
        return False

    def _apply(self, first: int, size: int) -> bool:
        """One chunk in one transaction; without effect when the import is no longer wanted."""
        if self.execution["fault"] == "canceled":
            size = min(size, max(1, len(self.rows) // 2 - first))
        counts = {"created": 0, "updated": 0, "failed": 0}
        touched: set[str] = set()
        refused = self._refused
        with self.world.store.transaction() as connection:
            if not is_wanted(self.world, self.execution["id"]):
                return False
            chunk = self.rows[first : first + size]
            for number, row in enumerate(chunk, start=first + 1):
                if number in self.staging_errors:
                    continue
                try:
                    if number in refused:
                        raise refused[number]
                    entry, is_new = self.writer.write(row, number)
                    touched.add(entry)
                    counts["created" if is_new else "updated"] += 1
                except RowError as error:
                    counts["failed"] += 1
                    self._note(number, "target", error)
            for entry in touched:
                set_totals(self.world.store, self.execution["legal_entity"], entry)
            connection.execute(
                "UPDATE execution_entities SET processed = processed + ?, created = created + ?, "
                "updated = updated + ?, failed = failed + ? WHERE execution = ? AND position = ?",
                (len(chunk), *counts.values(), self.execution["id"], self.position),
            )
        return True
