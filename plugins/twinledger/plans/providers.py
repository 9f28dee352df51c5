"""What the providers of a plan are configured with: the region of resources that do not say one.

What belongs here: which provider a resource belongs to, and what an expression of its configuration comes to. What does
not: which settings mean what (`types.yaml`).

A plan has expressions as constants, or as the names that they refer to, without what is made of these:
`"${var.geo}-east-1"` refers to var.geo as `var.geo` alone does. So what comes of a name must look like what it is taken
for, and the caller sees to that.

Source: developer.hashicorp.com/terraform/internals/json-format, "configuration representation".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from twinledger.plans.attributes import text_of, values

_KEYS = re.compile(r'\[(?:[0-9]+|"(?:[^"\\]|\\.)*")\]')
"""Of count and for_each, as in module.pool["a"].module.node[0]."""


@dataclass(frozen=True, slots=True)
class ProviderSettings:
    """One provider's configuration, with the variables that its expressions refer to."""

    expressions: Mapping[str, Any] = field(default_factory=dict)
    scope: _Scope | None = None

    def text(self, paths: Sequence[str], form: str) -> str:
        """The first of these settings that a plan says and that has a form, by the form's last group; else nothing."""
        for path in paths:
            for value in _found_at(self.expressions, self.scope, path):
                found = re.fullmatch(form, text_of(value, path)) if form and isinstance(value, str) else None
                if found:
                    return found[found.re.groups and 1]
        return ""


@dataclass(frozen=True, slots=True)
class _Scope:
    """The variables of one module: the root's have values, a child's have what its caller gives."""

    given: Mapping[str, Any]
    declared: Mapping[str, Any]
    caller: _Scope | None

    def variable(self, name: str) -> object:
        """What a variable is, or None where the plan does not say."""
        if self.caller is None:
            return _dict(self.given.get(name)).get("value")
        if name in self.given:
            return _evaluated(self.given[name], self.caller)
        return _dict(self.declared.get(name)).get("default")


@dataclass(frozen=True, slots=True)
class _Module:
    """A module of the configuration: its address without keys."""

    address: str
    body: Mapping[str, Any]
    scope: _Scope


@dataclass(frozen=True, slots=True)
class Providers:
    """The settings of each resource's provider."""

    found: Mapping[tuple[str, str], ProviderSettings]

    def of(self, module: str, resource: str) -> ProviderSettings:
        """Those of type.name in a module, whose address may have keys; where it is not there, nothing is said."""
        return self.found.get((_KEYS.sub("", module), resource), ProviderSettings())


def read_providers(root: Mapping[str, Any]) -> Providers:
    """What a plan's configuration says of providers; what is not there, or in another form, says nothing."""
    configuration = _dict(root.get("configuration"))
    body = _dict(configuration.get("root_module"))
    top = _Module("", body, _Scope(_dict(root.get("variables")), _dict(body.get("variables")), None))
    modules = {module.address: module for module in _with_those_below(top)}
    providers = _dict(configuration.get("provider_config"))
    found = {}
    for module in modules.values():
        for resource in _dicts(module.body.get("resources")):
            provider = _dict(providers.get(str(resource.get("provider_config_key"))))
            home = modules.get(str(provider.get("module_address", "")), top)
            settings = ProviderSettings(_dict(provider.get("expressions")), home.scope)
            found[module.address, str(resource.get("address"))] = settings
    return Providers(found)


def _with_those_below(module: _Module) -> Iterator[_Module]:
    yield module
    for name, call in _dict(module.body.get("module_calls")).items():
        said = _dict(call)
        body = _dict(said.get("module"))
        address = f"{module.address}.module.{name}".lstrip(".")
        scope = _Scope(_dict(said.get("expressions")), _dict(body.get("variables")), module.scope)
        yield from _with_those_below(_Module(address, body, scope))


def _found_at(expressions: Mapping[str, Any], scope: _Scope | None, path: str) -> list[object]:
    """What stands at a path: of an expression, and of blocks, which are lists of expressions."""
    name, _, below = path.partition(".")
    said = expressions.get(name)
    if isinstance(said, list) and below:
        index, _, inner = below.partition(".")
        return _found_at(_block(said, index), scope, inner) if inner else []
    value = _evaluated(said, scope)
    return values({"value": value}, f"value.{below}" if below else "value")


def _evaluated(expression: object, scope: _Scope | None) -> object:
    """A constant, or the one variable that an expression refers to."""
    said = _dict(expression)
    if "constant_value" in said:
        return said["constant_value"]
    names = said.get("references")
    if scope is None or not isinstance(names, list) or len(names) != 1:
        return None
    kind, _, name = str(names[0]).partition(".")
    return scope.variable(name) if kind == "var" else None


def _block(blocks: Sequence[Any], index: str) -> Mapping[str, Any]:
    return _dict(blocks[int(index)]) if index.isdecimal() and int(index) < len(blocks) else {}


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [_dict(one) for one in value] if isinstance(value, list) else []
