"""Transfer entries must balance: equal and opposite lines in each currency, or the whole entry is refused."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal

from sandbox.budgeting.budget_rules import Row
from sandbox.budgeting.register_entries import HEADERS, LINES, EntryWriter, header_of
from sandbox.data_management.row_fields import RowError, decimal_of, line_number_of


def unbalanced(writer: EntryWriter, rows: Sequence[tuple[int, Row]]) -> dict[int, RowError]:
    """Row number → refusal, of every row of a transfer entry whose lines would not balance.

    Lines that already stand in the entry count unless a row replaces them. A row that breaks another rule takes its
    entry with it: what is left of the transfer could not balance.
    """
    if writer.kind == HEADERS or not writer.rulebook.setup.checks_rows:
        return {}
    groups: dict[str, list[tuple[int, Row]]] = defaultdict(list)
    for number, row in rows:
        if _is_transfer(writer, row):
            groups[row.get("ENTRYNUMBER", "")].append((number, row))
    refused: dict[int, RowError] = {}
    for entry, members in groups.items():
        broken, sums = _sums(writer, entry, members)
        if broken or any(sums.values()):
            text = f"The transfer {entry} does not balance: " + ", ".join(
                f"{currency} {format(total, 'f')}" for currency, total in sorted(sums.items())
            )
            refused |= {
                number: broken.get(number, RowError("TRANSACTIONCURRENCYAMOUNT", text)) for number, _ in members
            }
    return refused


def _is_transfer(writer: EntryWriter, row: Row) -> bool:
    code = row.get("BUDGETCODE", "")
    if code in writer.rulebook.setup.codes:
        return writer.rulebook.setup.codes[code].type == "Transfer"
    known = header_of(writer.world.store, writer.legal_entity, row.get("ENTRYNUMBER", ""))
    return known is not None and known["BudgetType"] == "Transfer"


def _sums(
    writer: EntryWriter, entry: str, members: list[tuple[int, Row]]
) -> tuple[dict[int, RowError], dict[str, Decimal]]:
    broken: dict[int, RowError] = {}
    amounts: dict[int, tuple[str, Decimal]] = {
        line["LineNumber"]: (line["CurrencyCode"], Decimal(line["TransactionCurrencyAmount"]))
        for line in writer.world.store.rows(
            f"SELECT * FROM {LINES} WHERE LegalEntityId = ? AND EntryNumber = ?", (writer.legal_entity, entry)
        )
    }
    for number, row in members:
        try:
            if writer.kind != LINES:
                writer.rulebook.header(row)
            line = writer.rulebook.line(row, writer.date_column)
            amount = Decimal(decimal_of(line["TransactionCurrencyAmount"], "TRANSACTIONCURRENCYAMOUNT"))
            amounts[line_number_of(row.get("LINENUMBER", ""))] = (line["CurrencyCode"], amount)
        except RowError as error:
            broken[number] = error
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for currency, amount in amounts.values():
        sums[currency] += amount
    return broken, sums
