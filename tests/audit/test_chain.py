"""The trail is append-only, and `verify_audit` names the first entry that was touched."""

import csv
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from bpp_portal.audit import chain, triggers
from bpp_portal.audit.models import AuditEntry, AuditHead, TrailIsAppendOnly
from bpp_portal.audit.operations import record
from bpp_portal.audit.queries import check_chain, check_newest

pytestmark = pytest.mark.django_db
TABLE = triggers.TABLE


@pytest.fixture
def trail(django_user_model):
    """Ten entries; the first one is the person's own account."""
    person = django_user_model.objects.create_user("owner")
    for number in range(2, 11):
        record(actor=person, verb="turn on", subject=f"flow {number}", before="off", after="on")
    return person


def verify(**options) -> str:
    out = StringIO()
    call_command("verify_audit", stdout=out, **options)
    return out.getvalue()


def tamper(*statements: str) -> None:
    """What somebody with rights on the database could do."""
    with triggers.lifted(connection), connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def rebuild(upto: int | None = None) -> None:
    """Forge the whole chain, head included: every hash is right again."""
    previous = chain.GENESIS
    with triggers.lifted(connection), connection.cursor() as cursor:
        for row in AuditEntry.objects.order_by("seq"):
            previous = chain.digest(previous, row.link.content)
            cursor.execute(f"UPDATE {TABLE} SET hash = %s WHERE seq = %s", [previous, row.seq])
    last = AuditEntry.objects.latest("seq")
    AuditHead.objects.update(seq=last.seq, hash=last.hash)


def test_an_untouched_trail_holds(trail):
    assert verify() == "The audit trail holds: 10 entries.\n"
    assert list(AuditEntry.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 11))


def test_an_empty_trail_holds():
    assert "0 entries" in verify()


@pytest.mark.parametrize("column", [name for name in chain.COVERED if name not in ("seq", "actor_id", "at")])
def test_an_edited_entry_is_named(trail, column):
    tamper(f"UPDATE {TABLE} SET {column} = 'x' WHERE seq = 4")
    with pytest.raises(CommandError, match="broken at entry 4: entry 4 was edited") as refused:
        verify()
    assert refused.value.returncode == 1


def test_another_person_or_time_is_an_edit(trail):
    tamper(f"UPDATE {TABLE} SET actor_id = NULL WHERE seq = 6")
    assert check_chain().seq == 6
    tamper(f"UPDATE {TABLE} SET at = '2020-01-01 00:00:00+00:00' WHERE seq = 5")
    assert check_chain().seq == 5


def test_an_edit_with_a_matching_hash_breaks_the_next_one(trail):
    row = AuditEntry.objects.get(seq=4)
    before = AuditEntry.objects.get(seq=3).hash
    forged = chain.digest(before, {**row.link.content, "detail": "x"})
    tamper(f"UPDATE {TABLE} SET detail = 'x', hash = '{forged}' WHERE seq = 4")
    assert check_chain().seq == 5


def test_a_deleted_entry_is_named(trail):
    tamper(f"DELETE FROM {TABLE} WHERE seq = 4")
    with pytest.raises(CommandError, match="broken at entry 4: entry 4 is missing"):
        verify()


def test_a_deleted_entry_whose_gap_is_closed_is_named(trail):
    tamper(
        f"DELETE FROM {TABLE} WHERE seq = 4",
        *(f"UPDATE {TABLE} SET seq = {n - 1} WHERE seq = {n}" for n in range(5, 11)),
    )
    assert check_chain().seq == 4


def test_reordered_entries_are_named(trail):
    tamper(*(f"UPDATE {TABLE} SET seq = {new} WHERE seq = {old}" for old, new in ((4, 99), (5, 4), (99, 5))))
    assert check_chain().seq == 4


def test_an_inserted_entry_is_named(trail):
    moved = [f"UPDATE {TABLE} SET seq = {number + 1} WHERE seq = {number}" for number in range(10, 3, -1)]
    columns = "at, actor_id, actor_name, door, ip, verb, subject, detail, before, after, hash"
    tamper(*moved, f"INSERT INTO {TABLE} (seq, {columns}) SELECT 4, {columns} FROM {TABLE} WHERE seq = 3")
    assert check_chain().seq == 4


def test_an_entry_added_past_the_head_is_named(trail):
    last = AuditEntry.objects.get(seq=10)
    content = last.link.content | {"seq": 11}
    AuditEntry(**content, hash=chain.digest(last.hash, content)).save()
    assert check_chain().seq == 11
    assert check_newest().seq == 11


def test_a_cut_end_is_named(trail):
    tamper(f"DELETE FROM {TABLE} WHERE seq > 7")
    with pytest.raises(
        CommandError, match="broken at entry 8: the end is cut off: the head of the chain names entry 10"
    ):
        verify()
    assert check_newest(3).seq == 8


def test_a_cut_end_with_a_forged_head_needs_the_anchor(trail, tmp_path):
    anchor = tmp_path / "anchor"
    verify(write_anchor=anchor)
    tamper(f"DELETE FROM {TABLE} WHERE seq > 7")
    rebuild()
    assert "7 entries" in verify()
    with pytest.raises(CommandError, match="broken at entry 8: the end is cut off: an anchor names entry 10"):
        verify(anchor=anchor)


def test_a_chain_written_anew_needs_the_anchor(trail, tmp_path):
    anchor = tmp_path / "anchor"
    verify(write_anchor=anchor)
    record(actor=trail, verb="turn off", subject="flow 2")
    verify(write_anchor=anchor)
    assert "2 anchors agree" in verify(anchor=anchor)
    tamper(f"UPDATE {TABLE} SET actor_name = 'x' WHERE seq = 4")
    rebuild()
    assert "11 entries" in verify()
    with pytest.raises(CommandError, match="broken at entry 10: entry 10 differs from the anchor"):
        verify(anchor=anchor)


def test_a_missing_head_is_named_and_nothing_can_be_appended(trail):
    AuditHead.objects.all().delete()
    with pytest.raises(CommandError, match="the head of the chain is missing"):
        verify()
    with pytest.raises(DatabaseError), transaction.atomic():
        record(actor=trail, verb="turn on", subject="flow 2")


def test_the_database_refuses_to_change_or_delete(trail):
    for statement in (f"UPDATE {TABLE} SET verb = 'x' WHERE seq = 4", f"DELETE FROM {TABLE} WHERE seq = 4"):
        with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
            connection.cursor().execute(statement)
    assert check_chain() is None


def test_nothing_empties_or_replaces_the_trail_either(trail):
    row = f"SELECT * FROM {TABLE} WHERE seq = 4"
    statements = [f"DELETE FROM {TABLE}"]
    if connection.vendor == "postgresql":
        connection.check_constraints()  # those that wait for the end of the transaction would refuse it as well
        statements += [f"TRUNCATE {TABLE}", f"TRUNCATE {TABLE} RESTART IDENTITY CASCADE"]
        statements += [f"INSERT INTO {TABLE} {row} ON CONFLICT (seq) DO UPDATE SET verb = 'x'"]
    else:
        statements += [f"INSERT OR REPLACE INTO {TABLE} {row}", f"REPLACE INTO {TABLE} {row}"]
    for statement in statements:
        with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
            connection.cursor().execute(statement)
    assert "10 entries" in verify()


def test_a_trigger_that_was_taken_away_is_said(trail):
    triggers.lift(connection)
    last = "truncate" if connection.vendor == "postgresql" else "replace"
    with pytest.raises(CommandError, match=f"no longer refuses update, delete, {last}"):
        verify()
    triggers.lay(connection)
    assert "10 entries" in verify()


def test_the_model_refuses_to_change_or_delete(trail):
    entry = AuditEntry.objects.get(seq=4)
    rows = AuditEntry.objects.all()
    for attempt in (entry.save, entry.delete, rows.delete, lambda: rows.update(verb="x"), lambda: rows.bulk_create([])):
        with pytest.raises(TrailIsAppendOnly):
            attempt()


def test_an_act_that_fails_leaves_no_entry(trail):
    with pytest.raises(RuntimeError), transaction.atomic():
        record(actor=trail, verb="turn off", subject="flow 2")
        raise RuntimeError
    assert AuditEntry.objects.count() == AuditHead.objects.get().seq == 10
    record(actor=trail, verb="turn off", subject="flow 2")
    assert check_chain() is None


def test_only_the_newest_are_checked_on_a_page(trail):
    assert check_newest(4) is None
    tamper(f"UPDATE {TABLE} SET verb = 'x' WHERE seq = 3")
    assert check_newest(4) is None
    assert check_newest(9).seq == 3


def test_texts_that_a_database_cannot_store_are_kept_as_they_can_be(trail):
    record(actor=trail, verb="load", subject="a\0b\ud800", detail="=1+1\r\n" + "x" * 500)
    assert check_chain() is None


def test_json_lines_can_be_verified_without_the_portal(trail, tmp_path):
    file = tmp_path / "trail.jsonl"
    call_command("export_audit", output=file, stderr=StringIO())
    previous, lines = chain.GENESIS, file.read_text().splitlines()
    for line in lines:
        content = json.loads(line)
        claimed = content.pop("hash")
        assert chain.digest(previous, content) == claimed
        previous = claimed
    assert len(lines) == 10


def test_csv_is_for_a_spreadsheet(trail):
    record(actor=trail, verb="load", subject="=HYPERLINK(1)", detail="a\nb")
    out = StringIO()
    call_command("export_audit", format="csv", stdout=out)
    rows = list(csv.DictReader(StringIO(out.getvalue())))
    assert [row["seq"] for row in rows] == [str(number) for number in range(1, 12)]
    assert (rows[-1]["subject"], rows[-1]["detail"]) == ("'=HYPERLINK(1)", "a\nb")
    assert rows[-1]["actor_name"] == "owner"


@pytest.mark.parametrize("option", ["--since", "--until"])
@pytest.mark.parametrize("word", ["gestern", "banana", "2026-13-40"])
def test_a_day_that_is_none_exports_nothing(trail, option, word):
    out = StringIO()
    with pytest.raises(CommandError, match=f"{option}: {word} is not a day. Write it like 2026-11-25, or with a time"):
        call_command("export_audit", option, word, stdout=out)
    assert not out.getvalue()


def test_a_moment_narrows_as_a_day_does(trail):
    moments = list(AuditEntry.objects.order_by("seq").values_list("at", flat=True))

    def exported(*options: str) -> int:
        out = StringIO()
        call_command("export_audit", *options, stdout=out)
        return len(out.getvalue().splitlines())

    assert exported("--since", moments[0].isoformat(), "--until", moments[-1].isoformat()) == 10
    assert exported("--since", "2999-01-01T10:00") == exported("--until", "1999-01-01 10:00") == 0
    assert exported("--since", "1999-01-01", "--until", "2999-01-01") == 10


@pytest.mark.parametrize(("command", "option"), [("verify_audit", "--write-anchor"), ("export_audit", "--output")])
def test_a_file_that_cannot_be_written_is_named(trail, tmp_path, command, option):
    path = tmp_path / "missing" / "x"
    with pytest.raises(CommandError, match=f"{path} can't be written: No such file or directory. Name a file in"):
        call_command(command, option, str(path), stdout=StringIO())
