"""What a scripted fault makes of an import: rows that vanish, double or change, refusals, and odd endings."""

from collections.abc import Sequence
from decimal import Decimal

from sandbox.data_management.package_rows import Row
from sandbox.data_management.row_fields import RowError

REFUSAL = 'The record "{number}" was refused.\nUpdate has been canceled.'


def changed(rows: Sequence[Row], fault: str) -> list[Row]:
    """The rows that reach Finance in place of those that were sent."""
    kept = list(rows)
    if fault == "drop_all":
        return []
    if fault == "drop_line":
        return kept[:-1]
    if fault == "double_line" and kept:
        return [*kept, kept[-1] | {"LINENUMBER": str(len(kept) + 1)}]
    if fault == "cent_off" and kept and "TRANSACTIONCURRENCYAMOUNT" in kept[-1]:
        amount = Decimal(kept[-1]["TRANSACTIONCURRENCYAMOUNT"]) + Decimal("0.01")
        return [*kept[:-1], kept[-1] | {"TRANSACTIONCURRENCYAMOUNT": str(amount)}]
    return kept


def refused(fault: str, total: int) -> dict[int, RowError]:
    """Row number → refusal: `partial:n` refuses the first n rows, `error_file` all of them."""
    name, _, count = fault.partition(":")
    last = total if name == "error_file" else min(int(count or 3), total) if name == "partial" else 0
    return {number: RowError("", REFUSAL.format(number=number)) for number in range(1, last + 1)}
