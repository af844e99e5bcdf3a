"""Writes imported rows into budget register entries: header and line by key, numbers, totals."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

from sandbox.budgeting import number_sequences
from sandbox.budgeting.budget_rules import Row, Rulebook
from sandbox.data_management.row_fields import RowError, day_of, line_number_of, must_be_filled, not_found
from sandbox.finance.sets import FINANCE_SETS
from sandbox.seed import put_row
from sandbox.store import Store
from sandbox.world import World

FLAT, HEADERS, LINES = "BudgetRegisterEntries", "BudgetRegisterEntryHeaders", "BudgetRegisterEntryLines"
_ENTRY = "dataAreaId = ? AND LegalEntityId = ? AND EntryNumber = ?"
HEADER_FIELDS = {"BudgetModelId": "Budget model", "BudgetCode": "Budget code"}


@dataclass(frozen=True)
class EntryWriter:
    """One entity of one execution. Call within a transaction: a refused row may have drawn a number."""

    world: World
    execution: int
    user: str
    legal_entity: str
    kind: str  # FLAT, HEADERS or LINES
    is_numbered: bool
    rulebook: Rulebook

    def write(self, row: Row, number: int) -> tuple[str, bool]:
        """Apply row `number` of the file; returns the entry number and whether a record is new. Raises RowError."""
        legal_entity = self._legal_entity(row)
        if not self._is_continuous:
            self.entry_number(row, number)
        header = self.rulebook.header(row) if self.kind != LINES else None
        if self.kind == HEADERS:
            day = row.get("DEFAULTDATE", "")
            entry = self.entry_number(row, number)
            return entry, self._put_header(legal_entity, entry, header, _noon(day) if day else "") is None
        line = self.rulebook.line(row, self.date_column)
        if not row.get("LINENUMBER"):
            raise RowError("LINENUMBER", must_be_filled("Line number"))
        line["LineNumber"] = line_number_of(row["LINENUMBER"])
        entry = self.entry_number(row, number)
        known = self._put_header(legal_entity, entry, header, line["EntryDate"])
        line["WorkflowStatus"] = known["WorkflowStatus"] if known else header["WorkflowStatus"] if header else "None"
        return entry, self._put_line(legal_entity, entry, line)

    @property
    def date_column(self) -> str:
        return "DATE" if self.kind == FLAT else "ENTRYDATE"

    @cached_property
    def _is_continuous(self) -> bool:
        return bool(self.world.faults.mode("number_continuous"))

    def _legal_entity(self, row: Row) -> str:
        legal_entity = row.get("LEGALENTITYID") or self.legal_entity
        if legal_entity.upper() != self.legal_entity.upper():
            raise RowError("LEGALENTITYID", not_found(legal_entity, "Legal entity", "Legal entities"))
        return legal_entity

    def entry_number(self, row: Row, number: int) -> str:
        """The sender's number, or Finance's own: rows that name the same entry share it, unless each gets its own."""
        modes, sent = self.world.faults.mode, row.get("ENTRYNUMBER", "")
        if sent and not self.is_numbered and modes("entry_numbers") != "automatic":
            form = str(modes("number_format"))
            if modes("number_form") == "check" and not number_sequences.fits(form, sent):
                raise RowError("ENTRYNUMBER", f"Number {sent} does not match the format {form} of the number sequence.")
            return sent
        by_row = modes("automatic_grouping") == "row" and self.kind == FLAT
        return self._drawn(f"\x00{number}" if by_row else sent or "*")

    def _drawn(self, token: str) -> str:
        with self.world.store.transaction() as connection:
            known = connection.execute(
                "SELECT entry_number FROM drawn_numbers WHERE execution = ? AND token = ?", (self.execution, token)
            ).fetchone()
            if known is not None:
                return str(known[0])
            try:
                drawn = number_sequences.draw(self.world, connection, self.legal_entity)
            except number_sequences.Exhausted as error:
                raise RowError("ENTRYNUMBER", str(error)) from None
            connection.execute("INSERT INTO drawn_numbers VALUES (?, ?, ?)", (self.execution, token, drawn))
            return drawn

    def _put_header(self, legal_entity: str, entry: str, header: dict[str, Any] | None, date: str) -> Any:
        """Make or change the header; without one (`None`, a package of lines) it must stand there already.

        Returns the row that stood there before, or None.
        """
        known = header_of(self.world.store, legal_entity, entry)
        if known is not None and known["Status"] == "Completed" and self.world.faults.plays("completed-is-closed"):
            raise RowError("ENTRYNUMBER", f"Budget register entry {entry} is completed and cannot be changed.")
        if known is None and header is None:
            raise RowError("ENTRYNUMBER", not_found(entry, "Entry number", "Budget register entry headers"))
        if header is None:
            return known
        if known is not None and self.kind == FLAT:
            for name, label in HEADER_FIELDS.items():
                if known[name] != header[name]:
                    raise RowError(name.upper(), f"update not allowed for field '{label}'")
            return known
        if known is None and not date:
            raise RowError("DEFAULTDATE", must_be_filled("Default date"))
        start = {"Status": "Draft", "CreatedBy": self.user, "CreatedDateTime": _now()}
        kept = {name: value for name, value in header.items() if known is None or name != "WorkflowStatus"}
        full = _key(legal_entity, entry) | kept | ({"DefaultDate": date} if date else {})
        put_row(self.world.store, FINANCE_SETS[HEADERS], full | (start if known is None else {}))
        return known

    def _put_line(self, legal_entity: str, entry: str, line: dict[str, Any]) -> bool:
        store, key = self.world.store, _key(legal_entity, entry)
        exists = store.row(
            f"SELECT 1 FROM {LINES} WHERE {_ENTRY} AND LineNumber = ?", (*key.values(), line["LineNumber"])
        )
        if exists and not self.world.faults.plays("upsert-by-key"):
            line |= {"LineNumber": store.value(f"SELECT max(LineNumber) + 1 FROM {LINES} WHERE {_ENTRY}", key.values())}
            exists = None
        put_row(store, FINANCE_SETS[LINES], key | line)
        return exists is None


def _key(legal_entity: str, entry: str) -> dict[str, str]:
    return {"dataAreaId": legal_entity.lower(), "LegalEntityId": legal_entity, "EntryNumber": entry}


def _noon(day: str) -> str:
    return f"{day_of(day, 'DEFAULTDATE')}T12:00:00Z"


def header_of(store: Store, legal_entity: str, entry: str) -> Any:
    return store.row(f"SELECT * FROM {HEADERS} WHERE {_ENTRY}", _key(legal_entity, entry).values())


def set_totals(store: Store, legal_entity: str, entry: str) -> None:
    """Expense and revenue of an entry, in the accounting currency."""
    rows = store.rows(
        f"SELECT AmountType, AccountingCurrencyAmount FROM {LINES} WHERE {_ENTRY}", _key(legal_entity, entry).values()
    )
    sums = {kind: sum((Decimal(r[1]) for r in rows if r[0] == kind), Decimal(0)) for kind in ("Expense", "Revenue")}
    store.connection.execute(
        f"UPDATE {HEADERS} SET ExpenseBudgetTotal = ?, RevenueBudgetTotal = ? WHERE {_ENTRY}",
        (format(sums["Expense"], "f"), format(sums["Revenue"], "f"), *_key(legal_entity, entry).values()),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
