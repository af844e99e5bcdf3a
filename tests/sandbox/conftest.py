"""A client of the sandbox's wire that is not the portal's: httpx, tokens, packages."""

import json
import ssl
import uuid

import httpx
import pytest

from exports.package import COLUMNS, write_package
from tests.stack import until

ACTIONS = "/data/DataManagementDefinitionGroups/Microsoft.Dynamics.DataEntities."
LINE = {
    "ENTRYNUMBER": "T-1",
    "LINENUMBER": "1",
    "LEGALENTITYID": "USMF",
    "BUDGETMODELID": "FY22-OPS",
    "BUDGETCODE": "ORIG",
    "DATE": "2021-07-01",
    "DIMENSIONDISPLAYVALUE": "Civilian Salaries|Fire|1010",
    "AMOUNTTYPE": "Expense",
    "CURRENCYCODE": "USD",
    "TRANSACTIONCURRENCYAMOUNT": "12.34",
    "COMMENT": "",
}


class Wire:
    """Calls of one user to the sandbox."""

    def __init__(self, control, folder):
        self.control, self.folder = control, folder
        self.facts = control.get("facts")
        self.http = httpx.Client(verify=ssl.create_default_context(cafile=control.ca_file), trust_env=False, timeout=30)

    def token(self, resource, user="owner", **changes):
        """An access token by authorization code, as a browser gets it with a signed-in user."""
        base = f"{self.facts['authority']}/oauth2/v2.0"
        redirect = "http://localhost/back"
        query = {
            "client_id": self.facts["client_id"],
            "response_type": "code",
            "redirect_uri": redirect,
            "scope": f"{resource}/.default offline_access",
            "prompt": "none",
            "login_hint": f"{user}@contoso.example",
            "state": "s",
        }
        authorize = f"http://127.0.0.1:{self.control.port}/{self.facts['tenant_id']}/oauth2/v2.0/authorize"
        answer = self.http.get(authorize, params=query)
        code = httpx.URL(answer.headers["location"]).params["code"]
        form = {
            "client_id": self.facts["client_id"],
            "client_secret": self.facts["client_secret"],
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "scope": query["scope"],
        }
        return self.http.post(f"{base}/token", data=form | changes)

    def bearer(self, resource, user="owner"):
        return {"Authorization": f"Bearer {self.token(resource, user).json()['access_token']}"}

    def finance(self, path, user="owner", **query):
        url = self.facts["finance_url"]
        return self.http.get(f"{url}/data/{path}", params=query, headers=self.bearer(url, user))

    def dataverse(self, path, user="owner", **query):
        url = self.facts["dataverse_url"]
        return self.http.get(f"{url}/api/data/v9.2/{path}", params=query, headers=self.bearer(url, user))

    def act(self, action, user="owner", **parameters):
        url = self.facts["finance_url"]
        return self.http.post(f"{url}{ACTIONS}{action}", json=parameters, headers=self.bearer(url, user))

    def package(self, *lines):
        path = self.folder / f"{uuid.uuid4()}.zip"
        text = "".join(",".join(f'"{line[name]}"' for name in COLUMNS) + "\r\n" for line in lines)
        write_package(path, project="P", rows=[text])
        return path.read_bytes()

    def upload(self, content):
        answer = self.act("GetAzureWriteUrl", uniqueFileName=f"{uuid.uuid4()}.zip")
        url = json.loads(answer.json()["value"])["BlobUrl"]
        put = self.http.put(url, content=content, headers={"x-ms-blob-type": "BlockBlob"})
        assert put.status_code == 201
        return url

    def start(self, content, execution_id="e-1"):
        return self.act(
            "ImportFromPackage",
            packageUrl=self.upload(content),
            definitionGroupId="P",
            executionId=execution_id,
            execute=True,
            overwrite=True,
            legalEntityId="USMF",
        )

    def status(self, execution_id="e-1"):
        return self.act("GetExecutionSummaryStatus", executionId=execution_id).json()["value"]

    def ended(self, execution_id="e-1"):
        words = ("Succeeded", "PartiallySucceeded", "Failed", "Canceled")
        return until(lambda: (word := self.status(execution_id)) in words and word, 20, "the import ends")

    def errors(self, execution_id="e-1"):
        return json.loads(self.act("GetExecutionErrors", executionId=execution_id).json()["value"])

    def lines(self, entry="T-1"):
        entries = self.control.get("register-entries", legalEntity="USMF")["entries"]
        found = [one for one in entries if one["EntryNumber"] == entry]
        return found[0]["lines"] if found else []


@pytest.fixture
def wire(sandbox, tmp_path):
    made = Wire(sandbox, tmp_path)
    yield made
    made.http.close()


@pytest.fixture
def entra(wire):
    from tests.sandbox.entra_client import EntraClient

    return EntraClient(wire)
