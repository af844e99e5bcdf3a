"""The properties of money (P1 to P10), each over random cubes, mappings, filters and line details, and the oracle.

Examples are drawn from a fixed seed, so that a red run is red again.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal, localcontext
from hashlib import sha256
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cubes.engine import open_engine
from cubes.rules.security import EVERYTHING
from cubes.rules.slices import ColumnRef, Condition, Operator, Slice
from exports import frozen
from exports.lines import rounding_difference

from . import oracle
from .plans import Plan, amounts, filters, plans, wishes
from .product import loaded, packed, send, undone

pytestmark = pytest.mark.django_db
Check = Callable[..., None]


def examples(number: int) -> Callable[[Check], Check]:
    return settings(
        max_examples=number,
        derandomize=True,
        database=None,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],  # to make an example small would take minutes
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def total(sent: Any) -> dict[tuple[str, str], tuple[Decimal, Decimal, int, int]]:
    return {(one.amount_type, one.currency): (one.exact, one.amount, one.lines, one.rows) for one in sent.totals}


@examples(30)
@given(data=st.data())
def test_every_line_is_that_of_the_oracle_to_the_last_digit(data: Any) -> None:
    plan = data.draw(plans())
    wish = data.draw(wishes(plan))
    with undone():
        sent = send(loaded(plan), wish)
        expected = oracle.lines(plan.rows(), wish)
        assert sent.lines == expected
        assert total(sent) == oracle.total(expected)
        assert packed(sent) == [("|".join(one.key[:-3]), *one.key[-3:], one.sent) for one in expected]
        with localcontext(prec=100):
            assert sent.run.rounding_difference == sum((one.sent - one.exact for one in expected), Decimal(0))


@examples(6)
@given(data=st.data())
def test_a_filter_keeps_the_rows_of_the_oracle(data: Any) -> None:
    plan = data.draw(plans())
    wanted = data.draw(st.lists(filters(plan), min_size=10, max_size=10))
    with undone(), open_engine(loaded(plan), EVERYTHING) as engine:
        for column, operator, values in wanted:
            slice_ = Slice((Condition(ColumnRef.parse(column), Operator(operator), values),))
            found = {number for (number,) in engine.rows(engine.relation(slice_, {}, {}, row_no=True))}
            rows = enumerate(plan.rows(), start=1)
            assert found == {number for number, row in rows if oracle.holds(row, column, operator, values)}


@examples(10)
@given(data=st.data())
def test_p1_the_sum_of_the_lines_of_a_currency_is_the_sum_of_its_rows(data: Any) -> None:
    plan = data.draw(plans())
    wish = data.draw(wishes(plan))
    rows = [row for row in plan.rows() if all(oracle.holds(row, *one) for one in wish.filters)]
    expected: dict[str, Decimal] = {}
    found: dict[str, Decimal] = {}
    with undone(), localcontext(prec=100):
        sent = send(loaded(plan), wish)
        for row in rows:
            currency = row[wish.currency[0]] if wish.currency[0] else wish.currency[1]
            expected[currency] = expected.get(currency, Decimal(0)) + Decimal(row[wish.driver])
        for line in sent.lines:
            found[line.key[-1]] = found.get(line.key[-1], Decimal(0)) + line.exact
        assert found == expected
        assert rounding_difference(sent.totals) == sum((line.sent - line.exact for line in sent.lines), Decimal(0))


@examples(10)
@given(data=st.data())
def test_p2_every_row_is_in_exactly_one_line(data: Any) -> None:
    plan = data.draw(plans())
    wish = data.draw(wishes(plan))
    kept = [row for row in plan.rows() if all(oracle.holds(row, *one) for one in wish.filters)]
    with undone():
        sent = send(loaded(plan), wish)
        assert sum(line.rows for line in sent.lines) == len(kept) == sent.run.cube_rows
        assert len(sent.records) == len(sent.lines) == sent.run.line_count


@examples(6)
@given(data=st.data())
def test_p3_the_order_of_the_rows_does_not_change_a_byte_of_the_package(data: Any) -> None:
    plan = data.draw(plans())
    wish = data.draw(wishes(plan, filtered=False))
    keys, _ = _taken_apart(plan, 0)
    plan = plan.with_facts([*plan.facts, *((*keys, *(text for _ in plan.drivers)) for text in ("7", "-7"))])
    shuffled = plan.with_facts(data.draw(st.permutations(plan.facts)))
    with undone():
        first, second = loaded(plan), loaded(shuffled)
        for per_record in (False, True):
            one = replace(wish, per_record=per_record)
            assert send(first, one).package == send(second, one).package


@examples(10)
@given(data=st.data())
def test_p4_a_filter_and_its_opposite_are_the_whole(data: Any) -> None:
    plan = data.draw(plans())
    blanks = ("",) * len(plan.segments)  # the row that neither a condition nor its opposite may lose
    plan = plan.with_facts([*plan.facts, (*blanks, *plan.facts[0][len(blanks) :])])
    wish = data.draw(wishes(plan, filtered=False))
    opposite = {"in": "not in", "not in": "in", "blank": "not blank", "not blank": "blank"}
    column, operator, values = data.draw(filters(plan).filter(lambda one: one[1] in opposite))
    with undone(), localcontext(prec=100):
        snapshot = loaded(plan)
        whole = send(snapshot, wish)
        parts = [
            send(snapshot, replace(wish, filters=((column, one, values),))) for one in (operator, opposite[operator])
        ]
        sums: dict[tuple[str, ...], tuple[Decimal, int]] = {}
        for line in [line for part in parts for line in part.lines]:
            exact, rows = sums.get(line.key, (Decimal(0), 0))
            sums[line.key] = (exact + line.exact, rows + line.rows)
        lines: dict[tuple[str, ...], tuple[Decimal, int]] = {}
        for line in whole.lines:
            exact, rows = lines.get(line.key, (Decimal(0), 0))
            lines[line.key] = (exact + line.exact, rows + line.rows)
        assert sums == lines


@examples(10)
@given(data=st.data())
def test_p5_a_row_split_in_two_leaves_the_totals(data: Any) -> None:
    plan = data.draw(plans(digits=20))
    wish = data.draw(wishes(plan))
    at = data.draw(st.integers(0, len(plan.facts) - 1))
    keys, whole = _taken_apart(plan, at)
    parts = [data.draw(amounts(places, 20)) for _, places in plan.drivers]
    rests = [format(Decimal(one) - Decimal(part), "f") for one, part in zip(whole, parts, strict=True)]
    facts = [*plan.facts[:at], (*keys, *parts), (*keys, *rests), *plan.facts[at + 1 :]]
    with undone():
        before, after = send(loaded(plan), wish), send(loaded(plan.with_facts(facts)), wish)
        assert {key: one[0] for key, one in total(before).items()} == {key: one[0] for key, one in total(after).items()}
        if not wish.per_record:
            assert before.package == after.package


@examples(5)
@given(data=st.data())
def test_p6_scaling_every_amount_scales_the_totals(data: Any) -> None:
    plan = data.draw(plans(digits=14, decimals=(0, 3, 6)))
    wish = data.draw(wishes(plan))
    power = data.draw(st.integers(1, 10))
    with undone(), localcontext(prec=100):
        facts = [
            (*keys, *(format(Decimal(one).scaleb(power), "f") for one in numbers))
            for keys, numbers in (_taken_apart(plan, at) for at in range(len(plan.facts)))
        ]
        before, after = total(send(loaded(plan), wish)), total(send(loaded(plan.with_facts(facts)), wish))
        assert {key: one[0].scaleb(power) for key, one in before.items()} == {key: one[0] for key, one in after.items()}


@examples(5)
@given(data=st.data(), name=st.sampled_from(["Other", 'o\'ther "name"', "別の", "NA"]))
def test_p7_names_of_unused_columns_change_nothing(data: Any, name: str) -> None:
    plan = data.draw(plans())
    wish = replace(data.draw(wishes(plan)), driver=plan.drivers[0][0])
    unused = replace(plan.dimensions[-1], name=f"{name}-d", columns=((f"{name}-c", "StringType"),))
    drivers = (plan.drivers[0], *((f"{name}-a", places) for _, places in plan.drivers[1:]))
    renamed = replace(plan, dimensions=(*plan.dimensions[:-1], unused), drivers=drivers)
    with undone():
        before = send(loaded(plan), wish).package
    with undone():
        assert send(loaded(renamed, extra=name), wish).package == before


@examples(8)
@given(data=st.data())
def test_p8_a_row_of_zero_changes_counts_only(data: Any) -> None:
    plan = data.draw(plans())
    wish = data.draw(wishes(plan, filtered=False))
    at = data.draw(st.integers(0, len(plan.facts) - 1))
    keys, _ = _taken_apart(plan, at)
    more = plan.with_facts([*plan.facts, (*keys, *("0" for _ in plan.drivers))])
    with undone():
        before, after = send(loaded(plan), wish), send(loaded(more), wish)
        amounts_before = {key: one[:2] for key, one in total(before).items()}
        assert amounts_before == {key: one[:2] for key, one in total(after).items()}
        assert after.run.cube_rows == len(plan.facts) + 1
        if not wish.per_record:
            assert before.package == after.package


@examples(5)
@given(data=st.data())
def test_p9_the_package_read_again_is_the_frozen_lines(data: Any) -> None:
    plan = data.draw(plans())
    wish = data.draw(wishes(plan))
    with undone():
        sent = send(loaded(plan), wish)
        assert packed(sent) == [("|".join(one.key[:-3]), *one.key[-3:], one.sent) for one in sent.lines]
        assert [int(row["LINENUMBER"]) for row in sent.records] == list(range(1, len(sent.lines) + 1))
        names = ("ENTRYNUMBER", "LEGALENTITYID", "BUDGETMODELID", "BUDGETCODE", "COMMENT")
        expected = ("BPP-000001", 'E"1', "Model", "O'RIG", f"bpp_portal run {sent.run.uuid}")
        assert {tuple(row[name] for name in names) for row in sent.records} <= {expected}


@examples(5)
@given(data=st.data())
def test_p10_building_twice_gives_the_same_hashes(data: Any) -> None:
    plan = data.draw(plans())
    wish = data.draw(wishes(plan))
    with undone():
        snapshot = loaded(plan)
        first = send(snapshot, wish)
        hashes = first.run.lines_sha256, first.run.package_sha256
        again = send(snapshot, wish)
        assert (again.run.lines_sha256, again.run.package_sha256) == hashes
        assert hashes[1] == sha256(first.package).hexdigest() == sha256(again.package).hexdigest()
        assert pq.read_metadata(first.run.folder / frozen.LINES).num_rows == len(first.lines)


# P11, visible(A) and visible(B) together are visible(A or B), belongs to the security of dimensions.


def _taken_apart(plan: Plan, at: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Keys and amounts of a fact."""
    fact = plan.facts[at]
    return fact[: len(plan.dimensions)], fact[len(plan.dimensions) :]
