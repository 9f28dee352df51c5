"""The company's configuration folder, read and checked as a whole.

What belongs here: from files to one frozen object, with every mistake named by file and place. What
does not: the store (`apply`).
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from twinledger.catalog.aliases import AliasConfig, alias_problems
from twinledger.catalog.breaks import BreaksFile, break_problems
from twinledger.catalog.budget_forms import BudgetConfig, BudgetLine, BudgetsFile, line_problems
from twinledger.catalog.budget_sheet import SHEETS, read_budget_sheet
from twinledger.catalog.contracts import CommitmentConfig, ContractConfig, contract_problems
from twinledger.catalog.forms import (
    AgreementConfig,
    AgreementsFile,
    AliasesFile,
    CatalogFile,
    ContractsFile,
    DepartmentConfig,
    DepartmentsFile,
    PeopleFile,
    PersonConfig,
    PoolsFile,
    ProductConfig,
    RateConfig,
    SourceConfig,
    SourcesFile,
    TagsFile,
)
from twinledger.catalog.policy import CaseConfig, CasesFile, PolicyFile, policy_problems
from twinledger.engine.models import list_models, with_bases
from twinledger.pools import PoolConfig, TagConfig, driver_problems, pool_problems, tag_problems
from twinledger.vocabulary.errors import InvalidConfigError

RATES_HEADER = ("kind", "day", "currency", "quote", "rate", "origin")
_File = TypeVar("_File", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class CompanyConfig:
    """Everything that people decide about the company, as it stands in one folder."""

    departments: tuple[DepartmentConfig, ...] = ()
    people: tuple[PersonConfig, ...] = ()
    sources: tuple[SourceConfig, ...] = ()
    pools: tuple[PoolConfig, ...] = ()
    tags: tuple[TagConfig, ...] = ()
    products: tuple[ProductConfig, ...] = ()
    agreements: tuple[AgreementConfig, ...] = ()
    contracts: tuple[ContractConfig, ...] = ()
    commitments: tuple[CommitmentConfig, ...] = ()
    aliases: tuple[AliasConfig, ...] = ()
    breaks: BreaksFile = field(default_factory=BreaksFile)
    policy: PolicyFile = field(default_factory=PolicyFile)
    budgets: tuple[BudgetConfig, ...] = ()
    budget_lines: tuple[BudgetLine, ...] = ()
    budget_groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rates: tuple[RateConfig, ...] = ()


def load_config(folder: Path) -> CompanyConfig:
    """Read a configuration folder; a file that is not there says nothing.

    Relative places of sources are relative to the folder.

    Raises:
        InvalidConfigError: there is no such folder, or a file does not have the form it must have, or
            refers to something that is in no file; names the file and the place in it.
        InvalidTableError: a spreadsheet of budgets has cells that are not what they should be; names them.
    """
    if not folder.is_dir():
        raise InvalidConfigError(str(folder), "folder", "there is no such folder")
    agreed = _read(folder / "contracts.yaml", ContractsFile)
    departments = _read(folder / "departments.yaml", DepartmentsFile).departments
    products = _read(folder / "catalog.yaml", CatalogFile).products
    known = {"department": [one.name for one in departments], "product": [one.name for one in products]}
    planned = _budgets(folder, known)
    config = CompanyConfig(
        departments=departments,
        people=_read(folder / "people.yaml", PeopleFile).people,
        sources=tuple(_placed(folder, source) for source in _read(folder / "sources.yaml", SourcesFile).sources),
        pools=_read(folder / "pools.yaml", PoolsFile).pools,
        tags=_read(folder / "tags.yaml", TagsFile).tags,
        products=products,
        agreements=_read(folder / "agreements.yaml", AgreementsFile).agreements,
        contracts=agreed.contracts,
        commitments=agreed.commitments,
        aliases=_read(folder / "aliases.yaml", AliasesFile).aliases,
        breaks=_read(folder / "breaks.yaml", BreaksFile),
        policy=_read(folder / "policy.yaml", PolicyFile),
        budgets=tuple(month for line in planned.budgets if line.name is None for month in line.months()),
        budget_lines=tuple(line for line in planned.budgets if line.name is not None),
        budget_groups=planned.groups,
        rates=read_rates(folder / "rates.csv"),
    )
    for file, place, problem in _problems(config):
        raise InvalidConfigError(str(folder / file), place, problem)
    return config


def read_cases(path: Path) -> tuple[CaseConfig, ...]:
    """The cases that a policy is tested with; raises InvalidConfigError where they are none."""
    if not path.is_file():
        raise InvalidConfigError(str(path), "file", "there is no such file; see docs/guides/provisioning.md")
    return _read(path, CasesFile).cases


def read_form(path: Path, form: type[_File]) -> _File:
    """A file of the folder that is another room's, as `load_config` reads its own; raises InvalidConfigError."""
    return _read(path, form)


def _budgets(folder: Path, known: Mapping[str, Collection[str]]) -> BudgetsFile:
    """budgets.yaml, with the lines of the spreadsheets beside it, which name what is `known` or a group."""
    file = _read(folder / "budgets.yaml", BudgetsFile)
    names = {**known, "group": file.groups}
    sheets = [read_budget_sheet(folder / name, names) for name in SHEETS if (folder / name).is_file()]
    return file.model_copy(update={"budgets": (*file.budgets, *(line for sheet in sheets for line in sheet))})


def _placed(folder: Path, source: SourceConfig) -> SourceConfig:
    if "://" in source.place:
        return source
    return source.model_copy(update={"place": str((folder / source.place).resolve())})


# --- one file --------------------------------------------------------------------------------


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key that stands twice is a mistake, not the last one wins."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Refuse a second key of the same name."""
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                problem = f"key {key.value!r} stands here twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _read(path: Path, form: type[_File]) -> _File:
    if not path.is_file():
        return form()
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _UniqueKeys)  # noqa: S506 - a SafeLoader
        return form.model_validate(content or {})
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}" if mark else "file"
        raise InvalidConfigError(str(path), place, error.problem or "is no YAML") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InvalidConfigError(str(path), "file", f"is no YAML: {error}") from None
    except ValidationError as error:
        raise InvalidConfigError(str(path), *first_mistake(error)) from None


def first_mistake(error: ValidationError) -> tuple[str, str]:
    """The place and the sentence of the first mistake, without the value: it may be a contract's price."""
    found = error.errors(include_url=False, include_input=False)[0]
    place = ""
    for part in found["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}"
    if found["type"] == "extra_forbidden":
        return place.lstrip("."), "unknown key; correct the name or remove it"
    return place.lstrip(".") or "file", str(found["msg"]).removeprefix("Value error, ")


def read_rates(path: Path) -> tuple[RateConfig, ...]:
    """The rates of a CSV; none where there is no such file.

    Raises:
        InvalidConfigError: it has another header, or a cell that is not what it should be.
    """
    if not path.is_file():
        return ()
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(line for line in file if not line.startswith("#"))
        if tuple(reader.fieldnames or ()) != RATES_HEADER:
            raise InvalidConfigError(str(path), "header", f"expected {','.join(RATES_HEADER)}")
        rates = []
        for number, row in enumerate(reader, start=1):
            try:
                rates.append(RateConfig.model_validate(row))
            except ValidationError as error:
                place, problem = first_mistake(error)
                raise InvalidConfigError(str(path), f"rate {number}, {place}", problem) from None
    return tuple(rates)


# --- all files together ----------------------------------------------------------------------

_Problem = tuple[str, str, str]


def _problems(config: CompanyConfig) -> Iterator[_Problem]:
    yield from _doubles(config)
    yield from _unknown_people(config)
    yield from _unknown_departments(config)
    yield from _counted_twice(config)
    pools = {pool.name for pool in config.pools}
    allocated = {pool.name for pool in config.pools if pool.kind == "allocated"}
    for index, product in enumerate(config.products):
        if product.pool not in pools:
            yield "catalog.yaml", f"products[{index}].pool", _unknown("pool", product.pool, pools)
        elif product.pool in allocated:
            problem = f"pool {product.pool!r} is allocated: its driver charges it on, expected a shared pool"
            yield "catalog.yaml", f"products[{index}].pool", problem
    yield from _agreement_problems(config)
    meters = {f"{product.name}/{meter.name}" for product in config.products for meter in product.meters}
    departments = {one.name for one in config.departments}
    tenants = {tenant: one.name for one in config.departments for tenant in one.tenants}
    for place, problem in (
        *pool_problems(config.pools, meters),
        *driver_problems(config.pools, meters, departments, tenants),
    ):
        yield "pools.yaml", place, problem
    for place, problem in tag_problems(config.tags, departments, pools):
        yield "tags.yaml", place, problem
    for place, problem in contract_problems(config.contracts):
        yield "contracts.yaml", place, problem
    for place, problem in alias_problems(config.aliases, config.pools):
        yield "aliases.yaml", place, problem
    for place, problem in break_problems(config.breaks, {person.name for person in config.people}, pools):
        yield "breaks.yaml", place, problem
    by_product = {product.name: {meter.name for meter in product.meters} for product in config.products}
    lines = line_problems(config.budget_groups, config.budget_lines, departments, by_product)
    rules = policy_problems(config.policy, departments, by_product)
    for file, found in (("budgets.yaml", lines), ("policy.yaml", rules)):
        yield from ((file, place, problem) for place, problem in found)


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    return f"no {kind} named {name!r}: expected one of {', '.join(sorted(known)) or 'none'}"


def _doubles(config: CompanyConfig) -> Iterator[_Problem]:
    named: list[tuple[str, str, list[Hashable]]] = [
        ("departments.yaml", "departments", [one.name for one in config.departments]),
        ("departments.yaml", "tenants", [tenant for one in config.departments for tenant in one.tenants]),
        ("people.yaml", "people", [one.name for one in config.people]),
        ("sources.yaml", "sources", [one.name for one in config.sources]),
        ("catalog.yaml", "products", [one.name for one in config.products]),
        ("contracts.yaml", "contracts", [one.id for one in config.contracts]),
        ("contracts.yaml", "commitments", [one.id for one in config.commitments]),
        ("aliases.yaml", "aliases", [one.name for one in config.aliases]),
        ("budgets.yaml", "budgets", [f"{one.department} {one.period}" for one in config.budgets]),
        ("budgets.yaml", "budgets", [f"{one.name} {one.span}" for one in config.budget_lines]),
        ("rates.csv", "rates", [f"{one.kind} {one.day} {one.currency} {one.quote}" for one in config.rates]),
    ]
    named += [
        ("catalog.yaml", f"products[{index}].meters", [meter.name for meter in product.meters])
        for index, product in enumerate(config.products)
    ]
    for file, place, names in named:
        for name in sorted({str(name) for name in names if names.count(name) > 1}):
            yield file, place, f"{name!r} stands there twice"


def _counted_twice(config: CompanyConfig) -> Iterator[_Problem]:
    """Two sources that bill one account of one vendor, unless one says that the other is beside it."""
    first: dict[tuple[str, str], SourceConfig] = {}
    for index, source in enumerate(config.sources):
        provider = _provider(source.format) if source.kind == "bill" else ""
        if not provider or not source.account:
            continue
        other = first.setdefault((provider, source.account), source)
        if (
            other is source
            or other.name in (source.options.beside or ())
            or source.name in (other.options.beside or ())
        ):
            continue
        problem = (
            f"account {source.account} of {provider} is billed by source {other.name!r} too, and would count twice"
        )
        remedy = f"remove one, or name {other.name!r} under options.beside where their charges differ"
        yield "sources.yaml", f"sources[{index}]", f"{problem}; {remedy}"


def _provider(format_name: str) -> str:
    """The vendor that a bill format is of; nothing where it is anybody's, or there is no such format."""
    name = f"focus/{format_name}"
    models = with_bases(name) if name in list_models() else ()
    return next((str(found) for model in models if (found := model.description["format"].get("provider"))), "")


def _unknown_people(config: CompanyConfig) -> Iterator[_Problem]:
    people = {person.name for person in config.people}
    for index, department in enumerate(config.departments):
        for role in ("owner", "budget_holder"):
            if (name := getattr(department, role)) not in people:
                yield "departments.yaml", f"departments[{index}].{role}", _unknown("person", name, people)


def _unknown_departments(config: CompanyConfig) -> Iterator[_Problem]:
    parents = {department.name: department.parent for department in config.departments}
    for index, department in enumerate(config.departments):
        place = f"departments[{index}].parent"
        if department.parent is not None and department.parent not in parents:
            yield "departments.yaml", place, _unknown("department", department.parent, parents)
        if _is_own_ancestor(department.name, parents):
            yield "departments.yaml", place, f"{department.name!r} is its own ancestor"
    for budget in config.budgets:
        if budget.department not in parents:
            yield "budgets.yaml", f"budgets of {budget.period}", _unknown("department", budget.department, parents)


def _agreement_problems(config: CompanyConfig) -> Iterator[_Problem]:
    """An agreement is of something published, and a department has one of a meter at a time."""
    departments = {department.name for department in config.departments}
    starts = {
        f"{product.name}/{meter.name}": min((price.effective_from for price in meter.prices), default=None)
        for product in config.products
        for meter in product.meters
    }
    for index, one in enumerate(config.agreements):
        place = f"agreements[{index}]"
        if one.department not in departments:
            yield "agreements.yaml", f"{place}.department", _unknown("department", one.department, departments)
        start = starts.get(one.meter)
        if one.meter not in starts:
            yield "agreements.yaml", f"{place}.meter", _unknown("meter", one.meter, starts)
        elif start is None or one.effective_from < start:
            since = f"has one from {start.isoformat()}" if start else "has none"
            problem = f"expected a published price of {one.meter} in force by then: it {since}"
            yield "agreements.yaml", f"{place}.from", problem
        for other in config.agreements[:index]:
            if (other.department, other.meter) == (one.department, one.meter) and _overlap(one, other):
                problem = f"{one.department} has another agreement of {one.meter} at the same time"
                yield "agreements.yaml", place, f"{problem}; end that one with `to`"


def _overlap(one: AgreementConfig, other: AgreementConfig) -> bool:
    begins_before = other.effective_to is None or one.effective_from < other.effective_to
    return begins_before and (one.effective_to is None or other.effective_from < one.effective_to)


def _is_own_ancestor(name: str, parents: dict[str, str | None]) -> bool:
    seen: set[str] = set()
    above = parents.get(name)
    while above is not None and above not in seen:
        if above == name:
            return True
        seen.add(above)
        above = parents.get(above)
    return False
