"""Every sample body, sent as the provider sends it: what becomes of it, and that it shows."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from accounts.models import Partner, User
from tests import factories
from tests.conftest import MANIFEST
from tests.verifications.test_intake import post
from verifications import vault
from verifications.callbacks import provider
from verifications.models import Outcome, ProviderCallback, Verification
from verifications.statuses import APPROVED, DENIED, NEEDS_DECISION, Standing, Status

EXPIRED = Standing(Status.EXPIRED, False)
SAMPLES = [entry["file"].split("/")[1] for entry in MANIFEST["samples"]]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_comes_in_and_shows(
    northbank: Partner, ada: User, as_user: Callable, name: str
) -> None:
    event, raw = factories.sample(name[:2])
    answer = post(northbank, event, raw)
    assert (answer.status_code, answer.json()) == (200, {"status": "stored"})
    callback = ProviderCallback.objects.get()
    assert vault.opened(callback.body) == raw
    if event == provider.EXPIRATION:
        assert callback.outcome == Outcome.UNMATCHED
        return
    it = Verification.objects.get()
    told = factories.body(name[:2])
    assert it.scan_ref == told["scanRef"]
    assert it.started_at == datetime.fromtimestamp(told["startTime"], UTC)
    page = as_user(ada).get(f"/verifications/{it.scan_ref}/")
    assert page.status_code == 200


# Sample: where it stands, the applicant's name, tags, the day on which the document expires.
TOLD: dict[str, tuple[Standing, str, set[str], str]] = {
    "01": (APPROVED, "ŽIEDRA IŠGALVOTAITĖ-ŠVELNIENĖ", set(), "2034-05-11"),
    "02": (APPROVED, "IŞILAY KURMACAOĞLU", set(), "2031-12-01"),
    "03": (DENIED, "NIAMH-ÍDE O'FINSCÉALAÍ", set(), "2030-01-15"),
    "04": (DENIED, "ÞÓRGUNNHILDUR SKÁLDAÐSDÓTTIR", set(), "2029-06-30"),
    "05": (EXPIRED, "", set(), ""),
    "06": (EXPIRED, "", set(), ""),
    "07": (NEEDS_DECISION, "TSVETOMIRA IZMISLENOVA", {"NAME", "FULL_NAME"}, "2033-03-03"),
    "08": (NEEDS_DECISION, "WIRAHAYALAN", {"UNDER_AGE"}, "2030-08-08"),
    "09": (
        NEEDS_DECISION,
        "EFFROSYNI PARAMYTHOPOULOU",
        {"DUPLICATE_FACE", "DUPLICATE_DOC_FACE"},
        "2035-10-10",
    ),
    "10": (
        NEEDS_DECISION,
        "NOURHANE AL-KHAYALIYYA",
        {"AML_SUSPECTION", "SANCTIONS_SUSPECTION"},
        "2028-09-14",
    ),
    "11": (
        NEEDS_DECISION,
        "GINTVYDAS PRAMANYTAUSKAS",
        {"REGISTRY_CENTER_INFO_MISMATCH", "LID_SUSPECTION"},
        "2027-04-18",
    ),
    "12": (
        NEEDS_DECISION,
        "GALIANDRA VYHADANENKO",
        {"VIRTUAL_CAMERA", "DEV_TOOLS_OPENED"},
        "2032-02-29",
    ),
    "13": (APPROVED, "LINCHE OUYANG", set(), ""),
    "14": (APPROVED, "ŻEGOSŁAWA ZMYŚLIŃSKA", set(), "2033-11-02"),
    "15": (DENIED, "HƯ CẤU NGUYỄN-TRẦN", {"DUPLICATE_PERSONAL_DATA"}, "2026-10-31"),
    "16": (APPROVED, "ŐRSIKE KITALÁLTFY-FŰZFÁS", set(), "2030-03-15"),
    "17": (APPROVED, "KAKUKO YOSHIOKA", set(), "2035-01-20"),
    "18": (
        APPROVED,
        "MARIA DA CONCEIÇÃO IMAGINÁRIA DE TODOS-OS-ENSAIOS E FANTASIA"
        " MARIA DA CONCEIÇÃO IMAGINÁRIA DE TODOS-"
        " VILA-FICTÍCIA DO SONHO D'INVENÇÃO ALBUQUERQUÍSSIMA E MENTIROLA"
        " VILA-FICTÍCIA DO SONHO D'INVENÇÃO ALB",
        set(),
        "2031-07-07",
    ),
    "19": (
        NEEDS_DECISION,
        "KEALOHANUIʻOLE MAKEBELIEVE-HAʻIOLELO",
        {"DRIVER_LICENSE_INFO_MISMATCH", "ADDRESS_UNVERIFIED", "CRIMINAL_SUSPECTED"},
        "2029-09-09",
    ),
    "20": (APPROVED, "SOMMUTIPHOP", set(), "2032-12-12"),
    "21": (APPROVED, "EUZEBIJUSZ PRZYKŁADOWICZ", set(), "2028-03-01"),
    "22": (APPROVED, "JÖRG-MAẞEN VON ERFUNDENSTEIN-GROẞMANN", set(), "2034-02-02"),
    "23": (
        NEEDS_DECISION,
        "BIDIONIT HAMTZAA",
        {"EYE_COLOUR", "DEEPFAKE_SUSPECTED", "VIRTUAL_CAMERA"},
        "2033-01-01",
    ),
    "25": (Standing(Status.REVIEWING, False), "GASANGMIN HEO", set(), "2036-06-06"),
    "26": (APPROVED, "NÚRIA FICTÍCIA I D'INVENTADA", set(), "2030-05-05"),
}


def test_the_table_has_every_sample_of_a_verification() -> None:
    assert sorted(TOLD) == sorted({name[:2] for name in SAMPLES} - {"24"})


@pytest.mark.parametrize("sample", TOLD)
def test_every_sample_gives_the_right_verification(northbank: Partner, sample: str) -> None:
    assert post(northbank, *factories.sample(sample)).status_code == 200
    it = Verification.objects.get()
    standing, name, tags, expires = TOLD[sample]
    assert it.standing == standing
    assert it.name == name
    assert set(it.tags.values_list("code", flat=True)) == tags
    assert (it.document_expires_on or "") == (expires and date.fromisoformat(expires))
    assert it.finished_at == datetime.fromtimestamp(factories.body(sample)["finishTime"], UTC)
    assert it.callbacks.get().outcome == Outcome.APPLIED
