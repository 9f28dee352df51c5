"""The documentation says what is so: commands, links, settings and places exist.

`make golden` rewrites the table of settings from the settings themselves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel, SecretStr
from typer.main import get_group

from twinledger.bills.formats import format_named, format_names
from twinledger.catalog.forms import PoolsFile, SourcesFile
from twinledger.vocabulary import errors
from twinledger.vocabulary.settings import PREFIX, ROOT, Settings

FENCE = re.compile(r"```(\w*)\n(.*?)```", re.DOTALL)
SECTIONS = ["Problem", "Decision", "What was not built", "Trade-offs", "Where in the code"]


def _settings(model: type[BaseModel], prefix: str = PREFIX) -> Iterator[tuple[str, str, str]]:
    """Variable, default and meaning of each setting."""
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            yield from _settings(type(field.default), f"{prefix}{name.upper()}__")
            continue
        value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
        if isinstance(value, Path) and value.is_relative_to(ROOT):
            value = value.relative_to(ROOT)
        yield f"{prefix}{name.upper()}", f"`{value}`" if str(value) else "", field.description or ""


def _table_of_settings() -> str:
    rows = [f"| `{name}` | {default} | {meaning} |" for name, default, meaning in _settings(Settings)]
    return "\n".join(["| variable | default | what it says |", "|---|---|---|", *rows])


def test_the_table_of_settings_lists_every_setting(root: Path, request: pytest.FixtureRequest) -> None:
    page = root / "docs" / "guides" / "operations.md"
    before, _, rest = page.read_text().partition("<!-- SETTINGS -->\n")
    _, _, after = rest.partition("<!-- /SETTINGS -->")

    expected = f"{before}<!-- SETTINGS -->\n{_table_of_settings()}\n<!-- /SETTINGS -->{after}"
    if request.config.getoption("--update-golden"):
        page.write_text(expected)

    assert page.read_text() == expected, "run make golden"


def test_every_make_target_that_is_written_of_exists(root: Path, pages: dict[str, str]) -> None:
    declared = re.search(r"^\.PHONY: (.*)$", (root / "Makefile").read_text(), re.MULTILINE)
    assert declared

    said = {
        target
        for text in pages.values()
        for code in [*(block for _, block in FENCE.findall(text)), *re.findall(r"`([^`\n]+)`", text)]
        for target in re.findall(r"(?:^|\n|=1 )make ([a-z][a-z-]*)", code)
    }

    assert {"demo", "test"} <= said
    assert said - set(declared[1].split()) == set()


def test_every_command_that_is_written_of_exists(pages: dict[str, str]) -> None:
    from twinledger.cli import app  # noqa: PLC0415 - what needs no command line is tested without it

    commands = get_group(app).commands
    said = {
        tuple(words.split())
        for text in pages.values()
        for words in re.findall(r"(?:`|/|^|&& )twinledger((?: [a-z][a-z-]*)+)", text, re.MULTILINE)
    }

    missing = set()
    for words in said:
        group = commands.get(words[0])
        if group is None or (hasattr(group, "commands") and words[1:2] and words[1] not in group.commands):
            missing.add(" ".join(words))
    assert said
    assert missing == set()


def _broken_links(root: Path, pages: dict[str, str]) -> Iterator[str]:
    for page, text in pages.items():
        outside_code = FENCE.sub("", text)
        for target in re.findall(r"\]\(([^)\s]+)\)", outside_code):
            path = target.partition("#")[0]
            if "://" not in target and path and not (root / page).parent.joinpath(path).exists():
                yield f"{page} -> {target}"


def test_every_link_leads_somewhere(root: Path, pages: dict[str, str]) -> None:
    assert list(_broken_links(root, pages)) == []


def test_both_readmes_show_the_same_commands(root: Path) -> None:
    english, chinese = (FENCE.findall((root / name).read_text()) for name in ("README.md", "README.zh-CN.md"))

    assert [code for kind, code in english if kind == "console"] == [
        code for kind, code in chinese if kind == "console"
    ]
    assert [kind for kind, _ in english] == [kind for kind, _ in chinese]


def test_the_readme_goes_from_what_it_is_to_ones_own_bill(root: Path) -> None:
    readme = (root / "README.md").read_text()
    places = [
        readme.find(text)
        for text in ("# Twinledger", "two-ledgers.svg", "make demo", "make test", "twinledger inspect")
    ]

    assert min(places) >= 0
    assert places == sorted(places)


def _yaml(root: Path, page: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(code) for kind, code in FENCE.findall((root / page).read_text()) if kind == "yaml"]


@pytest.mark.parametrize("page", ["README.md", "README.zh-CN.md", "docs/guides/own-bill.md"])
def test_every_example_of_configuration_is_taken_by_the_catalog(root: Path, page: str) -> None:
    forms: dict[str, type[BaseModel]] = {"sources": SourcesFile, "pools": PoolsFile}
    examples = _yaml(root, page)

    assert examples
    for example in examples:
        (kind,) = example
        forms[kind].model_validate(example)


def test_the_table_of_vendors_has_every_format_with_its_slice_and_final_day(root: Path) -> None:
    _, _, rest = (root / "docs" / "guides" / "vendors.md").read_text().partition("<!-- FORMATS -->\n")
    rows = [
        tuple(cell.strip(" `") for cell in line.strip("|").split("|"))
        for line in rest.partition("<!-- /FORMATS -->")[0].splitlines()[2:]
    ]
    found = {name: format_named(name) for name in format_names()}

    assert {(row[0], row[3], row[4]) for row in rows} == {
        (name, form.slice, str(form.final_day)) for name, form in found.items()
    }
    assert len(rows) == len(found)


def _codes(kind: type[errors.DeliveryRefusedError]) -> set[str]:
    return {kind.code}.union(*(_codes(child) for child in kind.__subclasses__()))


def test_every_reason_for_quarantine_is_explained(root: Path) -> None:
    operations = (root / "docs" / "guides" / "operations.md").read_text()
    explained = {
        code for line in operations.splitlines() if line.startswith("| `") for code in re.findall(r"`([a-z-]+)`", line)
    }

    assert _codes(errors.DeliveryRefusedError) - {"refused"} <= explained


def test_every_dag_is_listed_and_no_other(root: Path) -> None:
    operations = (root / "docs" / "guides" / "operations.md").read_text()
    _, _, section = operations.partition("## What runs when")
    listed = set(re.findall(r"^\| `([a-z_]+)` \|", section.partition("\n## ")[0], re.MULTILINE))

    assert listed == {path.stem for path in (root / "dags").glob("*.py") if not path.stem.startswith("_")}


def test_every_decision_has_the_form_and_is_in_the_index(root: Path) -> None:
    folder = root / "docs" / "decisions"
    decisions = sorted(folder.glob("[0-9]*.md"))
    index = (folder / "README.md").read_text()

    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        assert f"({path.name})" in index
        assert re.findall(r"^## (.*)$", path.read_text(), re.MULTILINE) == SECTIONS, path.name


def test_every_decision_names_places_that_exist(root: Path) -> None:
    missing = [
        f"{path.name}: {place}"
        for path in sorted((root / "docs" / "decisions").glob("[0-9]*.md"))
        for place in re.findall(r"`([^`\s\[]+)`", path.read_text().partition("## Where in the code")[2])
        if not (root / place).exists()
    ]

    assert missing == []
