"""Carries out accepted imports, in the background and again after a kill: each row is applied exactly once."""

import threading
import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sandbox.budget_rules import RowError, Rulebook, not_found
from sandbox.finance_sets import FINANCE_SETS
from sandbox.packages import PackageError, open_package
from sandbox.seed import put_row
from sandbox.wire import Call, finance_error
from sandbox.world import World

CHUNK = 5000
UNFINISHED = ("NotRun", "Executing")


def accept(call: Call, asked: dict[str, Any], user: str, package: bytes) -> str:
    """Store a new execution durably and start it; returns its execution id. One running import for a project."""
    world, store = call.world, call.world.store
    execution_id = str(asked.get("executionId") or "") or f"{asked['definitionGroupId']}-{uuid.uuid4()}"
    with store.transaction() as connection:
        known = connection.execute("SELECT 1 FROM executions WHERE execution_id = ?", (execution_id,)).fetchone()
        mode = world.faults.mode("repeat_execution_id")
        if known is not None and mode == "reject":
            raise finance_error(
                400,
                "An error has occurred.",
                f"Cannot create a record in Data execution details. "
                f"Execution id: {execution_id}. The record already exists.",
            )
        if known is not None and mode == "same":
            return execution_id
        busy = connection.execute(
            "SELECT 1 FROM executions WHERE project = ? AND state IN ('NotRun', 'Executing')",
            (asked["definitionGroupId"],),
        ).fetchone()
        if busy is not None:
            raise finance_error(
                500, "An error has occurred.", "DMF1996: another import of this data project is running."
            )
        fault = world.faults.hit("ImportFromPackage", kinds=("import",))
        now = time.time()
        cursor = connection.execute(
            "INSERT INTO executions (execution_id, project, entity, legal_entity, finance_user, package, sha256, "
            "fault, accepted, visible, state) VALUES (?, ?, 'Budget account entries', ?, ?, ?, '', ?, ?, ?, 'NotRun')",
            (
                execution_id,
                asked["definitionGroupId"],
                asked["legalEntityId"],
                user,
                package,
                fault.effect if fault else "",
                now,
                now + float(world.faults.mode("visibility_lag_seconds")),
            ),
        )
        number = cursor.lastrowid
    threading.Thread(target=run, args=(world, number), daemon=True).start()
    return execution_id


def resume(world: World) -> None:
    """Go on with what was running when the last process ended."""
    for row in world.store.rows("SELECT id FROM executions WHERE state IN ('NotRun', 'Executing')"):
        threading.Thread(target=run, args=(world, row["id"]), daemon=True).start()


def run(world: World, number: int) -> None:
    store = world.store
    execution = store.row("SELECT * FROM executions WHERE id = ?", (number,))
    if execution is None or execution["state"] not in UNFINISHED or execution["fault"] == "stuck":
        return
    seconds = float(world.faults.mode("import_seconds") or 0)
    if execution["started"] is None:
        _update(world, number, started=time.time(), state="Executing")
    execution = store.row("SELECT * FROM executions WHERE id = ?", (number,))
    assert execution is not None
    try:
        rows = open_package(bytes(execution["package"])).rows
    except PackageError as error:
        _finish(world, number, "Failed", str(error))
        return
    if execution["fault"] == "fail":
        _finish(world, number, "Failed", "")
        return
    rows = _faulty(rows, execution["fault"])
    _update(world, number, total=len(rows))
    _apply_all(world, number, rows, seconds)
    left = execution["started"] + seconds - time.time()
    if left > 0:
        time.sleep(left)
    _close(world, number)


def _faulty(rows: list[dict[str, str]], fault: str) -> list[dict[str, str]]:
    if fault == "drop_all":
        return []
    if fault == "drop_line":
        return rows[:-1]
    if fault == "double_line" and rows:
        return [*rows, rows[-1] | {"LINENUMBER": str(len(rows) + 1)}]
    if fault == "cent_off" and rows:
        amount = Decimal(rows[-1]["TRANSACTIONCURRENCYAMOUNT"]) + Decimal("0.01")
        return [*rows[:-1], rows[-1] | {"TRANSACTIONCURRENCYAMOUNT": str(amount)}]
    return rows


def _apply_all(world: World, number: int, rows: list[dict[str, str]], seconds: float) -> None:
    rate = world.faults.mode("lines_per_second")
    chunk = max(1, int(float(rate) / 4)) if rate else max(1, min(CHUNK, len(rows) // 20 + 1) if seconds else CHUNK)
    execution = world.store.row("SELECT * FROM executions WHERE id = ?", (number,))
    assert execution is not None
    rulebook = Rulebook.read(world.store, execution["legal_entity"])
    start = execution["processed"]
    for first in range(start, len(rows), chunk):
        begun = time.monotonic()
        _apply(world, execution, rulebook, rows[first : first + chunk], first)
        pause = chunk / float(rate) if rate else seconds * chunk / max(len(rows), 1)
        time.sleep(max(0.0, pause * 0.95 - (time.monotonic() - begun)))


def _apply(world: World, execution: Any, rulebook: Rulebook, rows: list[dict[str, str]], first: int) -> None:
    created = updated = failed = 0
    touched: set[str] = set()
    with world.store.transaction() as connection:
        for offset, row in enumerate(rows):
            try:
                entry, is_new = _write(world, execution, rulebook, row)
                touched.add(entry)
                created, updated = created + is_new, updated + (not is_new)
            except RowError as error:
                failed += 1
                connection.execute(
                    "INSERT INTO execution_errors VALUES (?, ?, ?, ?)",
                    (execution["id"], first + offset + 1, error.field, error.message),
                )
        for entry in touched:
            _totals(world, execution["legal_entity"], entry)
        connection.execute(
            "UPDATE executions SET processed = processed + ?, created = created + ?, updated = updated + ?, "
            "failed = failed + ? WHERE id = ?",
            (len(rows), created, updated, failed, execution["id"]),
        )


def _write(world: World, execution: Any, rulebook: Rulebook, row: dict[str, str]) -> tuple[str, bool]:
    legal_entity = row.get("LEGALENTITYID") or execution["legal_entity"]
    if legal_entity.upper() != execution["legal_entity"].upper():
        raise RowError("LEGALENTITYID", not_found(legal_entity, "Legal entity", "Legal entities"))
    entry = row.get("ENTRYNUMBER", "")
    if not entry or world.faults.mode("entry_numbers") == "automatic":
        entry = _drawn(world, execution["id"], entry or "*")
    line = rulebook.check(row)
    number = int(Decimal(row.get("LINENUMBER") or "0"))
    key = {"dataAreaId": legal_entity.lower(), "LegalEntityId": legal_entity, "EntryNumber": entry}
    header = world.store.row(
        "SELECT Status FROM BudgetRegisterEntryHeaders WHERE LegalEntityId = ? AND EntryNumber = ?",
        (legal_entity, entry),
    )
    if header is not None and header["Status"] == "Completed":
        raise RowError("ENTRYNUMBER", f"Budget register entry {entry} is completed and cannot be changed.")
    if header is None:
        put_row(
            world.store,
            FINANCE_SETS["BudgetRegisterEntryHeaders"],
            key
            | {
                "DefaultDate": line["EntryDate"],
                "BudgetModelId": row["BUDGETMODELID"],
                "BudgetCode": row["BUDGETCODE"],
                "BudgetType": rulebook.codes[row["BUDGETCODE"]],
                "ReasonComment": row.get("REASONCOMMENT", ""),
                "CreatedBy": execution["finance_user"],
                "CreatedDateTime": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            },
        )
    exists = (
        world.store.row(
            "SELECT 1 FROM BudgetRegisterEntryLines WHERE dataAreaId = ? AND LegalEntityId = ? AND "
            "EntryNumber = ? AND LineNumber = ?",
            (*key.values(), number),
        )
        is not None
    )
    put_row(world.store, FINANCE_SETS["BudgetRegisterEntryLines"], key | {"LineNumber": number, **line})
    return entry, not exists


def _drawn(world: World, execution: int, token: str) -> str:
    """Finance's own number for one entry of an import: rows that name the same entry share it."""
    with world.store.transaction() as connection:
        row = connection.execute(
            "SELECT entry_number FROM drawn_numbers WHERE execution = ? AND token = ?", (execution, token)
        ).fetchone()
        if row is not None:
            return str(row[0])
        drawn = f"BRE{connection.execute('SELECT count(*) FROM drawn_numbers').fetchone()[0] + 1:06}"
        connection.execute("INSERT INTO drawn_numbers VALUES (?, ?, ?)", (execution, token, drawn))
        return drawn


def _totals(world: World, legal_entity: str, entry: str) -> None:
    rows = world.store.rows(
        "SELECT AmountType, AccountingCurrencyAmount FROM BudgetRegisterEntryLines "
        "WHERE LegalEntityId = ? AND EntryNumber = ?",
        (legal_entity, entry),
    )
    sums = {kind: sum((Decimal(r[1]) for r in rows if r[0] == kind), Decimal(0)) for kind in ("Expense", "Revenue")}
    world.store.connection.execute(
        "UPDATE BudgetRegisterEntryHeaders SET ExpenseBudgetTotal = ?, RevenueBudgetTotal = ? "
        "WHERE LegalEntityId = ? AND EntryNumber = ?",
        (format(sums["Expense"], "f"), format(sums["Revenue"], "f"), legal_entity, entry),
    )


def _update(world: World, number: int, **values: Any) -> None:
    names = ", ".join(f"{name} = ?" for name in values)
    with world.store.transaction() as connection:
        connection.execute(f"UPDATE executions SET {names} WHERE id = ?", (*values.values(), number))


def _finish(world: World, number: int, state: str, message: str) -> None:
    with world.store.transaction() as connection:
        if message:
            connection.execute("INSERT INTO execution_errors VALUES (?, 0, '', ?)", (number, message))
        connection.execute("UPDATE executions SET state = ?, finished = ? WHERE id = ?", (state, time.time(), number))


def _close(world: World, number: int) -> None:
    row = world.store.row("SELECT created + updated AS good, failed FROM executions WHERE id = ?", (number,))
    assert row is not None
    state = "Succeeded" if not row["failed"] else "PartiallySucceeded" if row["good"] else "Failed"
    _finish(world, number, state, "")
