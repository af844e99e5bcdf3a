"""What a person chose for an export, and the targets that Finance asks to be mapped."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connections.rules.facts import BudgetSchema
from cubes.rules.slices import Condition, Slice

MAIN_ACCOUNT = "MainAccount"
DATE, AMOUNT, AMOUNT_TYPE, CURRENCY = "Date", "Amount", "AmountType", "Currency"
FIXED_LABELS = {
    MAIN_ACCOUNT: "Main account",
    DATE: "Date",
    AMOUNT: "Amount",
    AMOUNT_TYPE: "Amount type",
    CURRENCY: "Currency",
}


class LineDetail(StrEnum):
    AGGREGATE = "aggregate"
    RECORD = "record"


class Kind(StrEnum):
    DIMENSION = "dimension"
    DATE = "date"
    AMOUNT = "amount"
    AMOUNT_TYPE = "amount type"
    CURRENCY = "currency"


@dataclass(frozen=True)
class Source:
    """Where a target takes its value: a column `Dimension.Column`, a driver's name, or a constant."""

    column: str = ""
    constant: str = ""

    def __bool__(self) -> bool:
        return bool(self.column or self.constant)


@dataclass(frozen=True)
class Target:
    """One field of a budget register entry line that a cube has to feed."""

    name: str
    kind: Kind
    required: bool

    @property
    def label(self) -> str:
        return FIXED_LABELS.get(self.name, self.name)


@dataclass(frozen=True)
class Configuration:
    """A whole export configuration as values."""

    name: str = ""
    legal_entity: str = ""
    budget_model: str = ""
    budget_code: str = ""
    line_detail: LineDetail = LineDetail.AGGREGATE
    mapping: Mapping[str, Source] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()

    @property
    def slice(self) -> Slice:
        return Slice(self.conditions)

    def source(self, target: str) -> Source:
        return self.mapping.get(target, Source())

    def fingerprint(self) -> str:
        """SHA-256 of everything that decides what is sent; the name is left out."""
        facts = [
            self.legal_entity,
            self.budget_model,
            self.budget_code,
            self.line_detail.value,
            sorted((target, s.column, s.constant) for target, s in self.mapping.items() if s),
            [[str(c.column), c.operator.value, list(c.values)] for c in self.conditions],
        ]
        return hashlib.sha256(json.dumps(facts, ensure_ascii=False).encode(errors="surrogatepass")).hexdigest()


FIXED_TARGETS = (
    Target(DATE, Kind.DATE, required=True),
    Target(AMOUNT, Kind.AMOUNT, required=True),
    Target(AMOUNT_TYPE, Kind.AMOUNT_TYPE, required=True),
    Target(CURRENCY, Kind.CURRENCY, required=False),
)


def targets(schema: BudgetSchema | None) -> tuple[Target, ...]:
    """The targets of an export: the segments of the active budget dimension format, then the fixed fields.

    Main account comes first; the segments' own order only matters for the dimension value that is sent.
    """
    segments = schema.segments if schema else ()
    ordered = sorted(segments, key=lambda name: name != MAIN_ACCOUNT)
    return tuple(Target(name, Kind.DIMENSION, required=True) for name in ordered) + FIXED_TARGETS
