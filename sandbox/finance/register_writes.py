"""Budget register entries written over OData: headers, lines, both in one row; by the rules that an import obeys."""

from datetime import UTC, datetime
from typing import Any

from sandbox.access import FinanceUser
from sandbox.budgeting import number_sequences
from sandbox.budgeting.budget_rules import Rulebook
from sandbox.budgeting.register_entries import HEADER_FIELDS, set_totals
from sandbox.data_management.row_fields import RowError, line_number_of, not_found
from sandbox.finance.sets import FINANCE_SETS
from sandbox.seed import put_row
from sandbox.wire import Call

Row = dict[str, Any]
_HEADERS = FINANCE_SETS["BudgetRegisterEntryHeaders"]
_LINES = FINANCE_SETS["BudgetRegisterEntryLines"]
_ENTRY = "dataAreaId = ? AND LegalEntityId = ? AND EntryNumber = ?"


def insert_header(call: Call, user: FinanceUser, row: Row) -> Row:
    """A new entry: Draft, of the caller, with the type of its budget code. Without a number it draws one."""
    key = _entry_key(call, user, row)
    key["EntryNumber"] = _number(call, key)
    if _header(call, key) is not None:
        raise RowError("EntryNumber", "The record already exists.")
    now = datetime.now(UTC)
    made = {"CreatedBy": user.user_id, "CreatedDateTime": f"{now:%Y-%m-%dT%H:%M:%S}Z"}
    _keep_header(call, key, {"DefaultDate": f"{now:%Y-%m-%d}T12:00:00Z", **row} | made)
    return key


def update_header(call: Call, user: FinanceUser, found: Row, row: Row) -> None:
    _need_open(call, found)
    _keep_header(call, {name: found[name] for name in _HEADERS.keys}, found | row)


def delete_header(call: Call, found: Row) -> None:
    """The entry with all its lines."""
    _need_open(call, found)
    with call.world.store.transaction() as connection:
        for name in ("BudgetRegisterEntryLines", "BudgetRegisterEntryHeaders"):
            connection.execute(f"DELETE FROM {name} WHERE {_ENTRY}", [found[key] for key in _HEADERS.keys])


def insert_line(call: Call, user: FinanceUser, row: Row) -> Row:
    """A line of an entry that exists; without a number it becomes the last one."""
    key = _entry_key(call, user, row)
    header = _header(call, key)
    if header is None:
        raise RowError("EntryNumber", not_found(key["EntryNumber"], "Entry number", "Budget register entry headers"))
    return _add_line(call, header, key, row)


def update_line(call: Call, user: FinanceUser, found: Row, row: Row) -> None:
    header = _header_of(call, found)
    _keep_line(call, header, {name: found[name] for name in _LINES.keys}, found | row)


def delete_line(call: Call, found: Row) -> None:
    """One line, asked for as a line or as a row of header and line; the header stays."""
    _header_of(call, found)
    key = [found[name] for name in _LINES.keys]
    with call.world.store.transaction() as connection:
        connection.execute(f"DELETE FROM BudgetRegisterEntryLines WHERE {_ENTRY} AND LineNumber = ?", key)
    set_totals(call.world.store, found["LegalEntityId"], found["EntryNumber"])


def insert_entry(call: Call, user: FinanceUser, row: Row) -> Row:
    """Header and line in one row: the header is made when there is none with its number."""
    key = _entry_key(call, user, row)
    if not key["EntryNumber"] or _header(call, key) is None:
        key = insert_header(call, user, _part(row, _HEADERS.fields) | {"DefaultDate": row.get("Date", _today())})
    header = _header(call, key)
    assert header is not None
    _need_same_entry(header, row)
    return _add_line(call, header, key, _line_part(row))


def update_entry(call: Call, user: FinanceUser, found: Row, row: Row) -> None:
    header = _header_of(call, found)
    _need_same_entry(header, row)
    _keep_header(call, {name: found[name] for name in _HEADERS.keys}, header | _part(row, _HEADERS.fields))
    line = call.world.store.row(
        f"SELECT * FROM BudgetRegisterEntryLines WHERE {_ENTRY} AND LineNumber = ?",
        [found[name] for name in _LINES.keys],
    )
    update_line(call, user, dict(line or {}), _line_part(row))


def _part(row: Row, fields: Any) -> Row:
    return {name: value for name, value in row.items() if name in fields}


def _line_part(row: Row) -> Row:
    return _part({("EntryDate" if name == "Date" else name): value for name, value in row.items()}, _LINES.fields)


def _today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}T12:00:00Z"


def _entry_key(call: Call, user: FinanceUser, row: Row) -> Row:
    """Company, legal entity and number of an entry. Either of the first two gives the other."""
    wanted = row.get("LegalEntityId") or row.get("dataAreaId") or user.company
    legal_entity = call.world.store.value("SELECT LegalEntityId FROM LegalEntities WHERE LegalEntityId = ?", (wanted,))
    if legal_entity is None:
        raise RowError("LegalEntityId", not_found(wanted, "Legal entity", "Legal entities"))
    area = row.get("dataAreaId") or legal_entity
    if area.lower() != legal_entity.lower():
        raise RowError("LegalEntityId", f"Legal entity {legal_entity} does not belong to company {area}.")
    return {
        "dataAreaId": legal_entity.lower(),
        "LegalEntityId": legal_entity,
        "EntryNumber": row.get("EntryNumber", ""),
    }


def _number(call: Call, key: Row) -> str:
    """The sender's number when the sequence lets it stand, else the next one of the sequence."""
    modes, sent, store = call.world.faults.mode, key["EntryNumber"], call.world.store
    if sent and modes("entry_numbers") != "automatic":
        form = str(modes("number_format"))
        if modes("number_form") == "check" and not number_sequences.fits(form, sent):
            raise RowError("EntryNumber", f"Number {sent} does not match the format {form} of the number sequence.")
        return str(sent)
    try:
        with store.transaction() as connection:
            return number_sequences.draw(call.world, connection, key["LegalEntityId"])
    except number_sequences.Exhausted as error:
        raise RowError("EntryNumber", str(error)) from None


def _header(call: Call, key: Row) -> Row | None:
    values = [key[name] for name in _HEADERS.keys]
    row = call.world.store.row(f"SELECT * FROM BudgetRegisterEntryHeaders WHERE {_ENTRY}", values)
    return None if row is None else dict(row)


def _header_of(call: Call, found: Row) -> Row:
    header = _header(call, found)
    assert header is not None
    _need_open(call, header)
    return header


def _need_open(call: Call, header: Row) -> None:
    if header["Status"] == "Completed" and call.world.faults.plays("completed-is-closed"):
        entry = header["EntryNumber"]
        raise RowError("EntryNumber", f"Budget register entry {entry} is completed and cannot be changed.")


def _need_same_entry(header: Row, row: Row) -> None:
    """A line names the model and code of its entry or none; it cannot move the entry to others."""
    for name, label in HEADER_FIELDS.items():
        if name in row and str(row[name]).lower() != header[name].lower():
            raise RowError(name, f"update not allowed for field '{label}'")


def _rulebook(call: Call, key: Row) -> Rulebook:
    return Rulebook.read(call.world.store, key["LegalEntityId"], call.world.faults)


def _keep_header(call: Call, key: Row, row: Row) -> None:
    checked = _rulebook(call, key).header({name.upper(): str(value) for name, value in row.items()})
    # Where its workflow stands is decided when the entry is made, and from then on by the workflow.
    checked["WorkflowStatus"] = row.get("WorkflowStatus", checked["WorkflowStatus"])
    put_row(call.world.store, _HEADERS, {**row, **checked, **key})


def _add_line(call: Call, header: Row, key: Row, row: Row) -> Row:
    _need_open(call, header)
    sql = f"SELECT coalesce(max(LineNumber), 0) + 1 FROM BudgetRegisterEntryLines WHERE {_ENTRY}"
    last = call.world.store.value(sql, key.values())
    key = key | {"LineNumber": line_number_of(str(row.get("LineNumber", last)))}
    sql = f"SELECT 1 FROM BudgetRegisterEntryLines WHERE {_ENTRY} AND LineNumber = ?"
    if call.world.store.row(sql, key.values()):
        raise RowError("LineNumber", "The record already exists.")
    _keep_line(call, header, key, {"EntryDate": header["DefaultDate"], **row})
    return key


def _keep_line(call: Call, header: Row, key: Row, row: Row) -> None:
    asked = {name.upper(): str(value) for name, value in (row | key).items()}
    line = _rulebook(call, key).line(asked, "ENTRYDATE")
    line["WorkflowStatus"] = row.get("WorkflowStatus", header["WorkflowStatus"])
    put_row(call.world.store, _LINES, {**row, **line, **key})
    set_totals(call.world.store, key["LegalEntityId"], key["EntryNumber"])
