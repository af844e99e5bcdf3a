"""The suite itself: what a person sets is enough to run it, and the row it imports is one that can be taken."""

from types import SimpleNamespace

import pytest

from tests.certificates import key_pair
from tests.conftest import folder_of_the_test_database
from tests.contract.conftest import _named
from tests.contract.test_import import display_value

LEDGER = {"ChartOfAccounts": "Shared"}


@pytest.fixture
def named(sandbox, monkeypatch):
    """The sandbox, named as a real tenant would be."""
    facts = sandbox.get("facts")
    given = {
        "DATAVERSE_URL": facts["dataverse_url"],
        "FINANCE_URL": facts["finance_url"],
        "AUTHORITY": facts["authority"].removesuffix(f"/{facts['tenant_id']}"),
        "TENANT": facts["tenant_id"],
        "CLIENT_ID": facts["client_id"],
        "LEGAL_ENTITY": "USMF",
        "CA_FILE": str(sandbox.ca_file),
    }
    for name, value in given.items():
        monkeypatch.setenv(f"CONTRACT_{name}", value)
    monkeypatch.delenv("CONTRACT_CLIENT_SECRET", raising=False)
    return sandbox


@pytest.mark.django_db
def test_a_certificate_is_enough(named, settings, tmp_path):
    pair = key_pair("contract")
    named.put("application", {"certificate": pair.certificate, "finance_user": "owner"})
    path = tmp_path / "application.pem"
    path.write_text(pair.key + pair.certificate)
    settings.ENTRA_CERTIFICATE_FILE = str(path)
    tenant = _named(settings)
    assert tenant.dataverse.who_am_i().user_id
    assert tenant.finance.count("Ledgers")


def test_without_secret_and_certificate_it_says_what_is_missing(named, settings):
    settings.ENTRA_CERTIFICATE_FILE = ""
    with pytest.raises(AssertionError, match="CONTRACT_CLIENT_SECRET or ENTRA_CERTIFICATE_FILE"):
        _named(settings)


class Finance:
    """Answers with given rows, whatever the filter."""

    def __init__(self, lines=(), combinations=()):
        self.sets = {
            "DimensionIntegrationFormats": [{"FinancialDimensionFormat": "MainAccount|Department|Fund"}],
            "DimensionParameters": [{"DimensionSegmentDelimiter": "Bar"}],
            "MainAccounts": [{"MainAccountId": "6000"}, {"MainAccountId": "6010"}],
            "BudgetRegisterEntryLines": [{"DimensionDisplayValue": value, "AmountType": kind} for value, kind in lines],
            "DimensionCombinations": [{"DisplayValue": value} for value in combinations],
        }

    def rows(self, entity_set, fields, *, where=""):
        return self.sets[entity_set]

    def pages(self, entity_set, fields, *, where="", options=None):
        assert options["$top"]
        yield self.sets[entity_set]


@pytest.mark.parametrize(
    ("finance", "chosen"),
    [
        (Finance([("4000|A|1", "Revenue"), ("6010|A|1", "Expense")], ["6000|B|2"]), "6010|A|1"),
        (Finance([("9999|A|1", "Expense"), ("6010|A", "Expense")], ["9999|B|2", "6000|B|2"]), "6000|B|2"),
        (Finance(), "6000||"),
    ],
)
def test_the_imported_row_is_of_a_combination_that_exists_if_there_is_one(finance, chosen):
    assert display_value(SimpleNamespace(finance=finance, legal_entity="USMF"), LEDGER) == chosen


def test_a_fresh_clone_has_a_folder_for_its_test_database(settings, tmp_path, monkeypatch):
    monkeypatch.setitem(settings.DATABASES["default"], "TEST", {"NAME": str(tmp_path / "var" / "new" / "t.sqlite3")})
    folder_of_the_test_database()
    assert (tmp_path / "var" / "new").is_dir()
