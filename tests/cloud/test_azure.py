"""Azure Blob containers as places: the real library, against a service on loopback that is a fake with memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from azure.storage.blob import ContainerClient

from tests.cloud.fake_azure import ACCOUNT, KEY, PAGE, SIGNATURE, FakeAzure, running_azure
from twinledger.cloud import open_place
from twinledger.cloud.azure import ATTEMPTS, AzurePlace
from twinledger.places import Place
from twinledger.vocabulary.errors import InvalidConfigError, ObjectChangedError, PlaceUnreachableError, UnsafePathError


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeAzure]:
    """The service, and the account's key where Azure's command line looks for it."""
    monkeypatch.delenv("AZURE_STORAGE_SAS_TOKEN", raising=False)
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT", ACCOUNT)
    monkeypatch.setenv("AZURE_STORAGE_KEY", KEY)
    monkeypatch.setattr("time.sleep", lambda _: None)
    with running_azure() as service:
        yield service


def place(azure: FakeAzure, address: str = "az://bills/exports") -> Place:
    return open_place(address, {"endpoint": azure.url, "account": ACCOUNT})


def small_chunks(azure: FakeAzure) -> AzurePlace:
    """The same place, whose client asks for a thousand bytes at a time."""
    client = ContainerClient(
        azure.url, "bills", credential={"account_name": ACCOUNT, "account_key": KEY},
        max_single_get_size=1000, max_chunk_get_size=1000,
    )  # fmt: skip
    return AzurePlace(client, "exports")


def keys(found: Place) -> list[str]:
    return [file.key for file in found.list()]


def test_a_listing_of_several_pages_is_complete_and_in_order(azure: FakeAzure) -> None:
    names = [f"{number:02d} +ü.csv" for number in range(3 * PAGE + 1)]
    for name in reversed(names):
        azure.put("bills", f"exports/{name}")
    assert keys(place(azure)) == names
    assert len(azure.seen) == 4


def test_folders_other_folders_and_other_containers_are_left_out(azure: FakeAzure) -> None:
    azure.put("bills", "exports", b"", hdi_isfolder="true")
    azure.put("bills", "exports/2026", b"", hdi_isfolder="true")
    azure.put("bills", "exports/2026/a.csv")
    azure.put("bills", "exports-old/b.csv")
    azure.put("other", "exports/c.csv")
    assert keys(place(azure)) == ["2026/a.csv"]
    assert keys(place(azure, "az://bills")) == ["exports-old/b.csv", "exports/2026/a.csv"]


def test_a_blob_is_fetched_in_chunks(azure: FakeAzure, tmp_path: Path) -> None:
    content = bytes(range(256)) * 20
    azure.put("bills", "exports/day/a.csv", content)
    (file,) = (found := small_chunks(azure)).list()
    azure.seen.clear()
    assert found.fetch("day/a.csv", tmp_path).read_bytes() == content
    assert (file.size, len(azure.seen)) == (len(content), 6)


def test_throttling_and_broken_connections_are_asked_again(azure: FakeAzure, tmp_path: Path) -> None:
    azure.put("bills", "exports/a.csv", b"x" * 5000)
    azure.refusals = 2
    assert keys(place(azure)) == ["a.csv"]
    azure.refusals, azure.cuts = 1, 2
    assert place(azure).fetch("a.csv", tmp_path).read_bytes() == b"x" * 5000


def test_throttling_that_does_not_end_is_an_error_and_leaves_nothing_behind(azure: FakeAzure, tmp_path: Path) -> None:
    azure.put("bills", "exports/a.csv")
    azure.refusals = 1000
    with pytest.raises(PlaceUnreachableError, match=r"az://bills/exports/a\.csv cannot be read: .*Service Unavailable"):
        place(azure).fetch("a.csv", tmp_path)
    assert azure.refusals == 1000 - ATTEMPTS
    assert list(tmp_path.iterdir()) == []


def test_a_blob_that_is_overwritten_after_it_was_listed_is_not_taken_for_the_listed_one(
    azure: FakeAzure, tmp_path: Path
) -> None:
    azure.put("bills", "exports/a.csv", b"first")
    keys(found := place(azure))
    azure.put("bills", "exports/a.csv", b"other")
    with pytest.raises(ObjectChangedError, match=r"az://bills/exports/a\.csv changed"):
        found.fetch("a.csv", tmp_path)
    assert list(tmp_path.iterdir()) == []
    keys(found)
    assert found.fetch("a.csv", tmp_path).read_bytes() == b"other"


def test_a_blob_that_is_overwritten_between_two_chunks_is_no_mixture(azure: FakeAzure, tmp_path: Path) -> None:
    azure.put("bills", "exports/a.csv", b"1" * 5000)
    keys(found := small_chunks(azure))
    azure.after_a_range = azure.blob(b"2" * 5000)
    with pytest.raises(ObjectChangedError):
        found.fetch("a.csv", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_blob_is_an_empty_file(azure: FakeAzure, tmp_path: Path) -> None:
    azure.put("bills", "exports/a.csv", b"")
    (file,) = (found := place(azure)).list()
    assert (file.size, found.fetch("a.csv", tmp_path).read_bytes()) == (0, b"")


def test_a_key_that_climbs_is_not_fetched_and_one_that_is_gone_is_missing(azure: FakeAzure, tmp_path: Path) -> None:
    with pytest.raises(UnsafePathError):
        place(azure).fetch("../secret.csv", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"az://bills/exports/nothing\.csv"):
        place(azure).fetch("nothing.csv", tmp_path)


def test_a_signature_of_the_environment_is_used(azure: FakeAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_KEY")
    monkeypatch.setenv("AZURE_STORAGE_SAS_TOKEN", SIGNATURE)
    azure.put("bills", "exports/a.csv")
    assert keys(place(azure)) == ["a.csv"]


def test_a_wrong_key_is_refused_by_the_service(azure: FakeAzure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_KEY", "d3Jvbmc=")
    with pytest.raises(PlaceUnreachableError, match="az://bills/exports/ cannot be read"):
        keys(place(azure))


def credential_of(found: Place) -> str:
    assert isinstance(found, AzurePlace)
    return type(found._container.credential).__name__  # noqa: SLF001 - which one was chosen cannot be seen elsewhere


def test_the_key_of_another_account_is_not_used(azure: FakeAzure) -> None:
    del azure
    assert credential_of(open_place("az://bills", {"account": "another"})) == "DefaultAzureCredential"
    assert credential_of(open_place(f"https://{ACCOUNT}.blob.core.windows.net/bills")) == "SharedKeyCredentialPolicy"


@pytest.mark.parametrize(
    ("address", "options", "expected"),
    [
        ("https://fake.blob.core.windows.net/bills/a%20b/c/", {}, "https://fake.blob.core.windows.net/bills a b/c/"),
        ("az://bills", {"account": "fake"}, "https://fake.blob.core.windows.net/bills "),
        (
            "az://bills/x",
            {"account": "fake", "endpoint": "https://fake.blob.core.chinacloudapi.cn"},
            "https://fake.blob.core.chinacloudapi.cn/bills x/",
        ),
    ],
)
def test_an_address_says_account_container_and_prefix(
    azure: FakeAzure, address: str, options: dict[str, str], expected: str
) -> None:
    del azure
    found = open_place(address, options)
    assert isinstance(found, AzurePlace)
    assert f"{found._container.url} {found._prefix}" == expected  # noqa: SLF001 - what would be asked


@pytest.mark.parametrize(
    ("address", "options", "problem"),
    [
        ("az://bills", {}, "options.account: az:// needs the storage account's name"),
        ("az:///x", {"account": "fake"}, "expected scheme://bucket/prefix"),
        ("https://fake.blob.core.windows.net", {}, "expected a container"),
        ("https://fake.blob.core.windows.net/bills?sig=abcdef", {}, "it carries a query or credentials"),
        ("https://[fake/bills", {}, "expected https://host/container"),
        ("az://bills", {"account": "fake", "account_key": "abcdef"}, "credentials are not configured here"),
    ],
)
def test_what_a_source_says_wrongly_of_its_place_is_named(
    azure: FakeAzure, address: str, options: dict[str, Any], problem: str
) -> None:
    del azure
    with pytest.raises(InvalidConfigError) as refused:
        open_place(address, options)
    assert problem in str(refused.value)
    assert "abcdef" not in str(refused.value)
