"""The pages and files of a load report."""

import csv
import io
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from django.urls import reverse
from python_calamine import load_workbook

from cubes.models import Cube, Load

pytestmark = pytest.mark.django_db
BAD = 'Account,Amount\na,1\n=cmd,"=1+1"\nb,x\n' + "c,5\n" * 30
NASTY = "=HYPERLINK(1)"


@pytest.fixture
def planning(client: Client, planner: User) -> Client:
    client.force_login(planner)
    return client


def upload(client: Client, text: str, name: str = "f.csv", **fields: str) -> tuple[int, str]:
    files = {"facts": SimpleUploadedFile(name, text.encode())}
    answer = client.post(reverse("cubes:load", args=["plan"]), files | fields, follow=True)
    return answer.status_code, unescape(answer.content.decode())


def address(name: str, load: Load) -> str:
    return reverse(f"cubes:{name}", args=["plan", load.pk])


def body(client: Client, url: str) -> bytes:
    answer = client.get(url)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content)


def test_the_report_shows_tables_and_takes_the_corrected_file_back(planning: Client, plan: Cube) -> None:
    _, html = upload(planning, BAD)
    report = plan.loads.get()
    for said in ("<dt>Tables processed</dt><dd>2</dd>", "<dt>Partially loaded</dt><dd>1</dd>", "Send corrected file"):
        assert said in html
    records = body(planning, address("load-records", report) + "?table=").decode("utf-8-sig")
    assert list(csv.reader(io.StringIO(records))) == [["Account", "Amount"], ["'=cmd", "'=1+1"], ["b", "x"]]
    mended = records.replace("'=1+1", "7").replace("x", "8")
    files = {"corrected-0": SimpleUploadedFile("mended.csv", mended.encode("utf-8-sig"))}
    answer = planning.post(address("load-correct", report), files, follow=True)
    html = unescape(answer.content.decode())
    assert "All 2 records were loaded." in html
    assert f'<a href="{address("load-report", report)}">the load of f.csv</a>' in html
    first = unescape(planning.get(address("load-report", report)).content.decode())
    assert "mended.csv was sent to complete this load" in first
    assert "Send corrected file" not in first
    [last] = plan.snapshots.filter(number=2)
    assert (last.rows, last.totals.get().amount) == (33, 166)


def test_a_correction_that_does_not_fit_is_said_on_the_page(planning: Client, plan: Cube) -> None:
    upload(planning, BAD)
    report = plan.loads.get()
    files = {"corrected-0": SimpleUploadedFile("m.csv", BAD.encode())}
    answer = planning.post(address("load-correct", report), files)
    assert answer.status_code == 422
    assert "m.csv has 33 records, 2 were refused" in unescape(answer.content.decode())
    assert planning.post(address("load-correct", report), {}).status_code == 422


def test_refused_values_are_downloaded_without_formulas(planning: Client, plan: Cube) -> None:
    upload(planning, BAD)
    report = plan.loads.get()
    rows = list(csv.reader(io.StringIO(body(planning, address("load-errors-csv", report)).decode("utf-8-sig"))))
    assert [row[:5] for row in rows[1:]] == [
        ["f.csv", "", "3", "Amount", "'=1+1"],
        ["f.csv", "", "4", "Amount", "x"],
    ]
    book = load_workbook(io.BytesIO(body(planning, address("load-errors-xlsx", report))))
    cells = book.get_sheet_by_index(0).to_python()
    assert [row[2:5] for row in cells[1:]] == [[3, "Amount", "=1+1"], [4, "Amount", "x"]]
    filtered = body(planning, address("load-errors-csv", report) + "?reason=%27x%27").decode()
    assert filtered.count("\n") == 2


def test_refused_values_are_paged_and_filtered(planning: Client, plan: Cube) -> None:
    upload(planning, "Account,Amount\na\0,1\n" + "a,x\n" * 150 + "a,1\n" * 2_000)
    report = plan.loads.get()
    html = unescape(planning.get(address("load-report", report) + "?page=2").content.decode())
    assert "101 to 151 of 151" in html
    html = unescape(planning.get(address("load-report", report) + "?column=Account").content.decode())
    assert "1 to 1 of 1" in html
    assert planning.get(address("load-report", report) + "?page=99&reason=nothing").status_code == 200


def test_the_form_asks_how_numbers_are_written_and_says_what_it_found(planning: Client, plan: Cube) -> None:
    status, html = upload(planning, 'Account,Amount\na,"1.000"\n')
    assert (status, plan.loads.count()) == (422, 0)
    assert "'1.000' in column Amount, line 2" in html
    _, html = upload(planning, 'Account,Amount\na,"1.000"\n', numbers="1.234,56")
    assert plan.snapshots.get().totals.get().amount == 1000
    _, html = upload(planning, 'Account,Amount\na,"2.000,5"\n', mode="append")
    assert "Numbers were read as 1.234,56, so '2.000,5' is 2000.5 (found in the file)." in html
    assert plan.snapshots.get(number=2).totals.get().amount.normalize() == 3000 + plan.shape().drivers[0].precision / 4


@override_settings(LOAD_MAX_BYTES=20)
def test_a_file_too_large_for_a_page_is_refused_with_the_way_out(planning: Client, plan: Cube) -> None:
    status, html = upload(planning, BAD)
    assert status == 422
    assert "a page takes 20\xa0bytes. Load it with the command load_cube" in html
