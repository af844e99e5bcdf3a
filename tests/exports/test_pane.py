"""The pane as it answers a browser: what it offers, what it names, and that nothing typed is lost."""

import re
from html import unescape

import pytest
from django.urls import reverse

from cubes.models import Cube
from exports.forms import form_data
from exports.models import Export, Run
from tests.world import configuration, export, work

ADDRESS = "/cubes/city-of-oakland-adopted-budget/export/"
IN_PANE = {"HX-Request": "true", "HX-Target": "pane"}


@pytest.fixture
def planner(client, world, oakland):
    client.force_login(world.planner)
    return client


def form(**changes):
    return form_data(configuration("oakland/fire-police-finance.json", **changes).configuration)


def html(answer) -> str:
    assert answer.status_code == 200, answer.status_code
    return unescape(answer.content.decode())


def totals(text: str) -> str:
    found = re.search(r'id="pane-totals">(.*?)</dl>', text, re.S)
    assert found
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def options(text: str, name: str) -> list[str]:
    found = re.search(rf'<select[^>]*name="{name}".*?</select>', text, re.S)
    assert found, name
    return [value for value in re.findall(r'<option value="([^"]*)"', found[0]) if value]


def chosen(text: str, name: str) -> str:
    found = re.search(rf'<select[^>]*name="{name}".*?</select>', text, re.S)
    assert found, name
    value = re.search(r'<option value="([^"]*)" selected', found[0])
    return value[1] if value else ""


def test_it_opens_with_entities_and_no_model(planner):
    text = html(planner.get(ADDRESS, headers=IN_PANE))
    assert 'role="dialog"' in text
    assert options(text, "legal_entity") == ["DEMF", "USMF", "USSI"]
    assert "Choose a legal entity first." in text
    assert "No filter: all 22,235 rows of the cube are exported." in text


def test_a_page_for_browsers_without_scripts_holds_the_same_form(planner):
    text = html(planner.get(ADDRESS))
    assert "<main" in text
    assert 'role="dialog"' not in text
    assert "Update counts" in text


def test_an_entity_brings_its_models_without_the_stopped_one_and_its_fields(planner):
    text = html(planner.post(ADDRESS, form() | {"budget_model": "", "action": "refresh"}))
    assert options(text, "budget_model") == ["FY22-CIP", "FY22-FCST", "FY22-OPS"]
    assert "4 budget models in USMF, 1 stopped and not offered" in text
    assert chosen(text, "budget_code") == "ORIG"
    for target in ("MainAccount", "Department", "Fund", "Date", "Amount", "AmountType", "Currency"):
        assert f'name="map-{target}"' in text


def test_another_entity_clears_the_model(planner):
    text = html(planner.post(ADDRESS, form() | {"legal_entity": "DEMF", "action": "refresh"}))
    assert "FY22-OPS" not in options(text, "budget_model")
    assert chosen(text, "budget_model") == ""


def test_namesakes_are_suggested_once_and_not_forced_again(planner):
    bare = {"legal_entity": "USMF", "name": "x", "filter-count": "0", "action": "refresh"}
    text = html(planner.post(ADDRESS, bare))
    assert chosen(text, "map-Department") == "column:Department.Name"
    assert chosen(text, "map-Amount") == "column:Amount"
    assert chosen(text, "map-Date") == ""
    seen = re.findall(r'name="seen" value="([^"]*)"', text)
    emptied = bare | {"entity_before": "USMF", "seen": seen, "map-Department": ""}
    assert chosen(html(planner.post(ADDRESS, emptied)), "map-Department") == ""


def test_only_date_columns_are_offered_for_the_date_and_only_drivers_for_the_amount(planner):
    text = html(planner.post(ADDRESS, form() | {"action": "refresh"}))
    assert options(text, "map-Date") == ["column:Fiscal year.Start date", "constant"]
    assert options(text, "map-Amount") == ["column:Amount"]


def test_counts_and_exact_totals_stand_before_the_button(planner):
    text = html(planner.post(ADDRESS, form() | {"action": "refresh"}))
    wanted = "Cube rows 4,069 Lines 314 Rounding difference 0.00 Expense, USD 564,602,579.00"
    assert totals(text) == wanted
    assert "grand" in text
    assert "4,069 lines" in text  # the other line detail's count


def test_lines_so_far_carry_no_double_rule(planner):
    data = form() | {"action": "refresh", "map-Fund": ""}
    text = html(planner.post(ADDRESS, data))
    assert "Lines so far" in totals(text)
    assert "grand" not in text


def test_amount_types_and_currencies_are_never_summed_across(planner):
    data = form() | {"action": "refresh", "filter-count": "0"}
    assert totals(html(planner.post(ADDRESS, data))).endswith(
        "Expense, USD 2,033,463,039.00 Revenue, USD 2,033,313,039.00"
    )


def test_a_required_field_is_highlighted_until_it_is_mapped(planner):
    data = form() | {"map-Date": "", "action": "refresh"}
    text = html(planner.post(ADDRESS, data))
    assert re.search(r'class="map-row is-open" id="field-mapping-date"', text)
    assert "1 thing to correct before you can export" in text
    text = html(planner.post(ADDRESS, data | {"action": "use:Date:Fiscal year.Start date"}))
    assert "is-open" not in text
    assert chosen(text, "map-Date") == "column:Fiscal year.Start date"


def test_nothing_typed_is_lost_when_export_is_refused(planner):
    data = form() | {"map-Date": "", "name": " spaces  kept ", "action": "export"}
    text = html(planner.post(ADDRESS, data))
    assert 'value=" spaces  kept "' in text
    assert chosen(text, "map-Fund") == "column:Fund.Code"
    assert text.count('name="filter-1-value"') == 3
    assert 'data-focus-now="problems"' in text
    assert not Run.objects.exists()


def test_several_problems_come_together(planner):
    data = form() | {"map-Date": "", "map-Fund": "", "name": "", "action": "export"}
    text = html(planner.post(ADDRESS, data))
    assert "3 things to correct before you can export" in text
    for part in ("Enter a name for this export.", "Date is not mapped.", "Fund is not mapped."):
        assert part in text


def test_a_long_name_is_refused_with_its_limit(planner):
    text = html(planner.post(ADDRESS, form() | {"name": "x" * 101, "action": "export"}))
    assert "Shorten the name to 100 characters." in text


@pytest.mark.parametrize("name", ["", " ", "x" * 101])
def test_export_waits_for_a_name_that_fits(planner, name):
    button = re.compile(r'<button[^>]*value="export"[^>]*>')
    for model in ("FY22-OPS", ""):
        text = html(planner.post(ADDRESS, form() | {"name": name, "budget_model": model, "action": "refresh"}))
        assert 'aria-disabled="true"' in button.findall(text)[0]
    text = html(planner.post(ADDRESS, form() | {"action": "refresh"}))
    assert "aria-disabled" not in button.findall(text)[0]


def test_a_constant_that_is_chosen_and_empty_asks_for_it(planner):
    data = form() | {"map-Fund": "constant", "const-Fund": ""}
    for action in ("refresh", "export"):
        text = html(planner.post(ADDRESS, data | {"action": action}))
        assert "Enter a constant for Fund." in text
        assert "Fund is not mapped" not in text
    assert planner.post(ADDRESS, data | {"action": "draft"}).status_code == 302


def test_the_same_form_with_another_name_does_not_give_the_first_run(planner):
    data = form() | {"action": "export"}
    planner.post(ADDRESS, data)
    assert "This form was already sent as BPP-000001." in html(planner.post(ADDRESS, data | {"name": "Another one"}))


def test_texts_are_filtered_by_their_range(planner):
    data = form() | {"filter-1-column": "Fund.Code", "filter-1-operator": "between", "filter-1-value": ["1010", "1010"]}
    text = html(planner.post(ADDRESS, data | {"action": "refresh"}))
    assert 'aria-label="From, Fund.Code"' in text
    assert "0 of 22,235 rows pass" not in text


def test_values_are_added_dropped_and_left_as_they_are(planner):
    data = form() | {"action": "add:1", "filter-1-add": "  two  blanks "}
    text = html(planner.post(ADDRESS, data))
    assert 'name="filter-1-value" value="  two  blanks "' in text
    text = html(planner.post(ADDRESS, form() | {"action": "drop:1:0"}))
    assert text.count('name="filter-1-value"') == 2
    text = html(planner.post(ADDRESS, form() | {"action": "remove-filter:0"}))
    assert text.count('class="filter-row') == 1


def test_another_column_forgets_the_values_of_the_first(planner):
    data = form() | {"filter-1-was": "Department.Name", "filter-1-column": "Fund.Code", "action": "refresh"}
    assert 'name="filter-1-value"' not in html(planner.post(ADDRESS, data))


def test_a_value_typed_but_not_added_holds_the_export_back(planner):
    text = html(planner.post(ADDRESS, form() | {"filter-1-add": "Libr", "action": "export"}))
    assert "Libr is typed but not added. Add it, or clear the box." in text
    assert not Run.objects.exists()


def test_a_filter_that_lets_nothing_through_says_so(planner):
    data = form() | {"filter-1-value": ["Nobody"], "action": "export"}
    assert "No cube row passes these filters. Loosen a filter." in html(planner.post(ADDRESS, data))


def test_suggestions_are_found_by_part_and_shown_with_their_rows(planner):
    query = {"row": "1", "filter-1-column": "Department.Name", "filter-1-add": "poli"}
    text = html(planner.get(reverse("pane:values", args=["city-of-oakland-adopted-budget"]), query))
    assert 'value="pick:1:Police"' in text
    assert "Finance" not in text


def test_the_filters_of_the_explore_page_come_along(planner):
    text = html(planner.get(ADDRESS, {"f": '["Account type.Name","in","Expense"]'}))
    assert 'name="filter-0-value" value="Expense"' in text
    assert "21,407 of 22,235 rows pass" in text


def test_the_same_form_twice_gives_one_run(planner):
    data = form() | {"action": "export"}
    first, second = planner.post(ADDRESS, data), planner.post(ADDRESS, data)
    assert first["Location"] == second["Location"]
    assert Run.objects.count() == 1


def test_htmx_is_led_to_the_run(planner):
    answer = planner.post(ADDRESS, form() | {"action": "export"}, headers={"HX-Request": "true"})
    assert answer["HX-Redirect"] == reverse("exports:run", args=[Run.objects.get().entry_number])


def test_lines_that_were_sent_before_are_named(planner):
    planner.post(ADDRESS, form() | {"action": "export"})
    run = work(Run.objects.get())
    text = html(planner.post(ADDRESS, form() | {"action": "refresh"}))
    assert "The same 314 lines were sent" in text
    assert run.entry_number in text


def test_lines_of_which_only_some_arrived_are_named_as_well(planner, sandbox):
    sandbox.faults({"call": "ImportFromPackage", "kind": "import", "effect": "drop_line"})
    planner.post(ADDRESS, form() | {"action": "export"})
    work(Run.objects.get())
    text = html(planner.post(ADDRESS, form() | {"action": "refresh"}))
    assert "The same 314 lines were sent" in text
    assert "(Partly completed)" in text


def test_lines_that_are_on_their_way_are_named(planner):
    planner.post(ADDRESS, form() | {"action": "export"})
    assert "The same lines are on their way" in html(planner.post(ADDRESS, form() | {"action": "refresh"}))


def test_production_asks_once_more(planner):
    run = export(planner_of(planner), "oakland/fire-police-finance.json")
    environment = run.environment
    environment.kind = "production"
    environment.save()
    data = form()
    text = html(planner.post(ADDRESS, data | {"action": "export"}))
    assert "This writes 314 lines to Production, USMF." in text
    assert "Export 314 lines to Production" in text
    assert Run.objects.count() == 1
    [confirmed] = re.findall(r'value="(export-confirmed:\d+)"', text)
    assert confirmed == f"export-confirmed:{environment.pk}"
    for unasked in ("export-confirmed", "export-confirmed:999", f"export-confirmed:{environment.pk}0"):
        assert "This writes 314 lines" in html(planner.post(ADDRESS, data | {"action": unasked}))
    assert Run.objects.count() == 1
    assert planner.post(ADDRESS, data | {"action": confirmed}).status_code == 302
    assert Run.objects.count() == 2


def planner_of(client):
    from django.contrib.auth import get_user

    class Request:
        session = client.session

    return get_user(Request())


def test_a_draft_needs_only_a_name_and_is_gone_when_it_is_sent(planner, world):
    assert planner.post(ADDRESS, form() | {"map-Date": "", "action": "draft"}).status_code == 302
    draft = Export.objects.get()
    opened = planner.get(reverse("exports:draft", args=[draft.pk]))
    text = html(planner.get(opened["Location"]))
    assert chosen(text, "map-Fund") == "column:Fund.Code"
    assert "Date is not mapped" in text
    data = form() | {"draft": str(draft.pk), "action": "export"}
    assert planner.post(ADDRESS, data).status_code == 302
    assert not Export.objects.filter(run__isnull=True).exists()


def test_a_cube_without_data_says_so(planner):
    Cube.objects.create(name="Empty", slug="empty", logical_name="empty", status=Cube.Status.PUBLISHED)
    answer = planner.get("/cubes/empty/export/")
    assert "This cube has no data. Load data, then export." in html(answer)


def test_reuse_marks_what_no_longer_fits(planner, sandbox):
    run = work(export(planner_of(planner), "oakland/fire-police-finance.json"))
    address = reverse("exports:reuse", args=[run.entry_number])
    assert html(planner.get(address)).count("Fits") == 9
    data = form() | {"reuse": run.entry_number, "filter-0-column": "Scenario.Name", "action": "refresh"}
    text = html(planner.post(address, data))
    assert "Column gone" in text
    assert "Scenario.Name is not a column of" in text
