from __future__ import annotations

import inspect
import re

from twinledger.vocabulary import errors


def classes() -> dict[str, type]:
    return {name: one for name, one in vars(errors).items() if inspect.isclass(one) and issubclass(one, Exception)}


def test_the_docstring_draws_every_class_once_and_under_its_base() -> None:
    drawn = re.findall(r"^ +((?:[│ ]   )*)(?:[├└]── )?(\w+Error)$", errors.__doc__ or "", re.MULTILINE)
    assert sorted(name for _, name in drawn) == sorted(classes())
    above: dict[int, str] = {}
    tree = [line for line in (errors.__doc__ or "").splitlines() if line.rstrip().endswith("Error")]
    for line in tree:
        name = re.sub(r"\W", "", line)
        depth = line.index(name)
        above[depth] = name
        parents = [above[other] for other in sorted(above) if other < depth]
        if parents:
            assert parents[-1] in {base.__name__ for base in classes()[name].__mro__[1:]}


def test_reasons_of_refused_deliveries_have_codes_of_their_own() -> None:
    codes = [one.code for one in classes().values() if issubclass(one, errors.DeliveryRefusedError)]
    assert len(set(codes)) == len(codes)


def test_an_edited_price_says_what_was_published_and_what_to_do() -> None:
    error = errors.PriceEditedError("vm/hours", "2026-10-01T00:00:00+00:00", "0.05 USD", "0.06 USD")
    assert str(error) == (
        "price of vm/hours from 2026-10-01T00:00:00+00:00 was published as 0.05 USD, the configuration has 0.06 USD: "
        "prices are never edited; put it back and add one with a later `from`"
    )
