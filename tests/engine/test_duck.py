from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinledger.engine.duck import DuckEngine
from twinledger.engine.models import list_models, load_model
from twinledger.lake.tables import USAGE, Column
from twinledger.vocabulary.errors import InvalidAmountError, UnknownNameError, UnreadableFileError
from twinledger.vocabulary.money import parse_amount

DIGITS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.decimals(min_value=-(10**15), max_value=10**15, places=18).map(str),
    st.from_regex(r"-?[0-9]{0,4}\.?[0-9]{0,22}([eE][+-]?[0-9]{1,2})?", fullmatch=True),
    st.text(alphabet="0123456789.eE+- ", max_size=12),
)

LITERALS = st.one_of(st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.text(max_size=8))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parquet")


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    with DuckEngine("256MiB", 1, str(tmp_path_factory.mktemp("spill"))) as opened:
        yield opened


def read(text: str) -> Decimal | None:
    try:
        return parse_amount(text)
    except InvalidAmountError:
        return None


@given(text=DIGITS)
def test_the_engine_reads_an_amount_as_the_library_does_or_refuses_it(engine: DuckEngine, text: str) -> None:
    (found,) = engine.query("SELECT exact_decimal(?)", [text])[0]
    assert found == read(text)


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2024-01-01T00:00Z", datetime(2024, 1, 1)),
        ("2023-11-01T00:00:00.000Z", datetime(2023, 11, 1)),
        ("2018-06-01 00:00:00", datetime(2018, 6, 1)),
        ("2025-11-01T00:00:00+08:00", datetime(2025, 10, 31, 16)),
        ("9/2/2023", datetime(2023, 9, 2)),
        ("2019-07-28", datetime(2019, 7, 28)),
        ("yesterday", None),
        ("2023-13-01", None),
    ],
)
def test_an_instant_is_read_in_every_form_that_vendors_write(
    engine: DuckEngine, written: str, instant: datetime | None
) -> None:
    assert engine.query("SELECT utc_instant(?)", [written]) == [(instant,)]


def test_parquet_floats_keep_the_digits_that_the_vendor_wrote(engine: DuckEngine, tmp_path: Path) -> None:
    table = pa.table({"cost": pa.array([0.1, 1e-7, 123456.789]), "tags": pa.array([{"a": "b"}, None, None])})
    pq.write_table(table, tmp_path / "bill.parquet")
    engine.view_parquet("bill", [str(tmp_path / "bill.parquet")], {"cost": "cost", "tags": "tags"})
    rows = engine.query("SELECT exact_decimal(cost), tags FROM bill")
    assert [row[0] for row in rows] == [Decimal("0.1"), Decimal("0.0000001"), Decimal("123456.789")]
    assert rows[0][1] == '{"a":"b"}'


def test_nested_parquet_values_are_json_whose_leaves_are_strings_of_the_exact_digits(
    engine: DuckEngine, tmp_path: Path
) -> None:
    entry = pa.struct([("name", pa.string()), ("amount", pa.float64()), ("exact", pa.decimal128(38, 18))])
    credit = {"name": 'a "b"', "amount": -5e-06, "exact": Decimal("-0.100000000000000001")}
    table = pa.table(
        {
            "credits": pa.array([[credit], [], None], pa.list_(entry)),
            "weights": pa.array([[("x", 1e-07)], [], None], pa.map_(pa.string(), pa.float64())),
            "deep": pa.array([{"a": {"b": [1, 2]}}, None, {"a": None}]),
        }
    )
    pq.write_table(table, tmp_path / "bill.parquet")
    bound = {"credits": "credits", "weights": "weights", "deep": "deep", "list": "deep.a.b"}
    engine.view_parquet("bill", [str(tmp_path / "bill.parquet")], bound)
    assert engine.query("SELECT credits, weights, deep, list FROM bill") == [
        (
            '[{"name":"a \\"b\\"","amount":"-5e-06","exact":"-0.100000000000000001"}]',
            '{"x":"1e-07"}',
            '{"a":{"b":["1","2"]}}',
            '["1","2"]',
        ),
        ("[]", "{}", None, None),
        (None, None, '{"a":null}', None),
    ]


def test_a_dotted_name_is_a_field_inside_a_column_unless_a_column_is_called_so(
    engine: DuckEngine, tmp_path: Path
) -> None:
    table = pa.table(
        {
            "service": pa.array(
                [{"id": "inside", "price": 0.1, "it's": "quoted"}, {"id": "", "price": None, "it's": "NULL"}]
            ),
            "sku.id": pa.array(["a column", "of its own"]),
            "sku": pa.array([{"id": "hidden"}, None]),
        }
    )
    pq.write_table(table, tmp_path / "bill.parquet")
    bound = {"id": "service.id", "price": "service.price", "odd": "service.it's", "sku": "sku.id"}
    engine.view_parquet("bill", [str(tmp_path / "bill.parquet")], bound)
    assert engine.query("SELECT id, price, odd, sku FROM bill") == [
        ("inside", "0.1", "quoted", "a column"),
        (None, None, None, "of its own"),
    ]


def test_parquet_columns_and_fields_without_a_type_are_nothing(engine: DuckEngine, tmp_path: Path) -> None:
    place = [{"zone": None, "region": "r"}, {"zone": None, "region": None}]
    pq.write_table(pa.table({"nothing": pa.nulls(2), "place": place}), tmp_path / "bill.parquet")
    bound = {"nothing": "nothing", "place": "place", "zone": "place.zone"}
    engine.view_parquet("bill", [str(tmp_path / "bill.parquet")], bound)
    assert engine.query("SELECT nothing, place, zone FROM bill") == [
        (None, '{"zone":null,"region":"r"}', None),
        (None, '{"zone":null,"region":null}', None),
    ]


def test_a_parquet_float_that_is_no_finite_number_is_nothing(engine: DuckEngine, tmp_path: Path) -> None:
    values = [1.5, float("nan"), float("inf"), float("-inf"), None]
    table = pa.table({"cost": pa.array(values), "small": pa.array(values, pa.float32())})
    pq.write_table(table, tmp_path / "bill.parquet")
    engine.view_parquet("bill", [str(tmp_path / "bill.parquet")], {"cost": "cost", "small": "small"})
    assert engine.query("SELECT cost, small FROM bill") == [("1.5", "1.5")] + [(None, None)] * 4


LEAVES = st.one_of(st.text(max_size=5), st.integers(-(2**63), 2**63 - 1), st.decimals(-(10**9), 10**9, places=9))


@given(leaves=st.lists(LEAVES, min_size=1, max_size=4))
@settings(max_examples=25)
def test_no_leaf_of_a_nested_value_loses_a_digit(
    engine: DuckEngine, folder: Path, leaves: list[str | int | Decimal]
) -> None:
    path = folder / "leaves.parquet"
    pq.write_table(pa.table({"nested": [{f"k{number}": leaf for number, leaf in enumerate(leaves)}]}), path)
    engine.view_parquet("bill", [str(path)], {"nested": "nested"})
    ((found,),) = engine.query("SELECT nested FROM bill")
    for text, leaf in zip(json.loads(found).values(), leaves, strict=True):
        assert (Decimal(text) if isinstance(leaf, Decimal) else text) == (
            leaf if isinstance(leaf, Decimal) else str(leaf)
        )


@given(
    value=st.recursive(
        LITERALS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    )
)
def test_what_python_writes_is_read_as_the_same_document_or_not_at_all(engine: DuckEngine, value: object) -> None:
    """A repr with escapes that JSON does not know is none; anything else must be the same document."""
    ((found,),) = engine.query("SELECT json_document(?)", [repr([value])])
    assert found is None or json.loads(found) == [value]


@given(text=st.text(alphabet="[]{}'\"\\:, ab1-.eNone", max_size=20))
def test_any_text_is_a_json_document_or_none(engine: DuckEngine, text: str) -> None:
    engine.query("SELECT json_document(?), label_pairs(json_document(?)), label_pairs(?)", [text, text, text])


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_files_with_another_header_are_one_relation_numbered_through(engine: DuckEngine, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3,4\n")
    (tmp_path / "b.csv").write_text("y,x\n6,5\n")
    engine.view_csv("a", [str(tmp_path / "a.csv")], {"x": "x"}, ("x", "y"))
    engine.view_csv("b", [str(tmp_path / "b.csv")], {"x": "x"}, ("y", "x"))
    engine.union("joined", ["a", "b"], renumber=True)
    assert engine.query("SELECT x, row_number FROM joined") == [("1", 1), ("3", 2), ("5", 3)]


def test_lines_of_large_files_are_numbered_as_they_stand(engine: DuckEngine, tmp_path: Path) -> None:
    lines = 20_000
    long = '"of two\nlines ' + "x" * 1000 + '"'
    for name, first in (("a", 1), ("b", lines + 1)):
        numbered = (f"{number},{long}\n" for number in range(first, first + lines))
        (tmp_path / f"{name}.csv").write_text("".join(["x,y\n", *numbered]))
    engine.view_csv("large", [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")], {"x": "x"}, ("x", "y"))
    engine.view_csv("small", [str(write(tmp_path / "c.csv", f"x,y\n{2 * lines + 1},2\n"))], {"x": "x"}, ("x", "y"))
    engine.union("bill", ["large", "small"], renumber=True)
    found = engine.query("SELECT COUNT(*), COUNT(*) FILTER (WHERE CAST(x AS BIGINT) = row_number) FROM bill")
    assert found == [(2 * lines + 1, 2 * lines + 1)]


def test_a_large_file_with_a_line_of_another_width_is_a_named_error(engine: DuckEngine, tmp_path: Path) -> None:
    text = "x,y\n" + f"1,{'y' * 1000}\n" * 40_000 + "3\n"
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        engine.view_csv("bad", [str(write(tmp_path / "a.csv", text))], {"x": "x"}, ("x", "y"))


@pytest.mark.parametrize("extra", ["other", "file_row_number", "File_Index"])
def test_lines_of_parquet_files_are_numbered_through_whatever_their_columns_are_called(
    engine: DuckEngine, tmp_path: Path, extra: str
) -> None:
    files = []
    for name, values in (("a", ["1", "2", "3"]), ("b", []), ("c", ["4"])):
        table = pa.table({"x": pa.array(values, pa.string()), extra: pa.array([7] * len(values), pa.int64())})
        files.append(str(tmp_path / f"{name}.parquet"))
        pq.write_table(table, files[-1])
    engine.view_parquet("bill", files, {"x": "x", "extra": extra})
    assert engine.query("SELECT x, extra, row_number FROM bill") == [(str(n), "7", n) for n in (1, 2, 3, 4)]


def test_a_file_name_cannot_become_sql(engine: DuckEngine, tmp_path: Path) -> None:
    name = tmp_path / "it's'); DROP TABLE x; --.csv"
    name.write_text('"a""b",c\n1,2\n')
    engine.view_csv("odd", [str(name)], {"first": 'a"b'}, ('a"b', "c"))
    assert engine.query("SELECT first FROM odd") == [("1",)]


def test_a_corrupt_file_is_a_named_error(engine: DuckEngine, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,2\n3\n")
    engine.view_csv("bad", [str(tmp_path / "a.csv")], {"x": "x"}, ("x", "y"))
    with pytest.raises(UnreadableFileError, match="cannot be read"):
        engine.rows("bad")


def test_written_files_hold_one_slice_each_and_the_tables_types(engine: DuckEngine, tmp_path: Path) -> None:
    start = datetime(2026, 10, 1)
    known = {"feed": "f", "delivery": "d", "row": 1, "started_at": start, "quantity": Decimal("1.5")}
    rows = [[(known | {"day": day}).get(name) for name in USAGE.names] for day in ("2026-10-01", "2026-10-02")]
    engine.view_rows("rows_to_write", USAGE.columns, rows)
    files = engine.copy("rows_to_write", USAGE, tmp_path / "out")
    assert [set(pq.read_table(file)["day"].to_pylist()) for file in files] == [{"2026-10-01"}, {"2026-10-02"}]
    assert str(pq.read_schema(files[0]).field("quantity").type) == "decimal128(19, 9)"
    assert not list((tmp_path / "out").rglob("day=*"))


def test_a_relation_of_no_rows_has_its_columns(engine: DuckEngine) -> None:
    engine.view_rows("nothing", (Column("a", "DECIMAL(38,18)"), Column("b", "TIMESTAMP")), [])
    assert engine.query("SELECT typeof(MAX(a)), typeof(MAX(b)), COUNT(*) FROM nothing") == [
        ("DECIMAL(38,18)", "TIMESTAMP", 0)
    ]


def test_a_model_that_is_not_there_or_lacks_an_input_is_named(engine: DuckEngine) -> None:
    with pytest.raises(UnknownNameError, match="no model named 'focus/nobody'"):
        engine.view_model("focus/nobody")
    with pytest.raises(UnknownNameError, match="no relation for sql/focus/charges named 'bill_charges'"):
        engine.view_model("focus/charges")


@pytest.mark.parametrize("name", list_models())
def test_every_model_says_who_owns_it_and_what_it_is_for(name: str) -> None:
    described = load_model(name).description
    assert described["owner"]
    assert described["grain"]
    assert described["purpose"]


@given(
    tags=st.none() | st.dictionaries(st.text(max_size=4), st.text(max_size=6), max_size=3),
    indent=st.none() | st.integers(0, 2),
    value=st.none() | st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
)
def test_a_vendors_own_tag_stands_beside_those_of_the_owner(
    engine: DuckEngine, tags: dict[str, str] | None, indent: int | None, value: str | None
) -> None:
    document = None if tags is None else json.dumps(tags, indent=indent)
    (found,) = engine.query("SELECT with_vendor_tag(?, 'tencent:project', ?)", [document, value])[0]

    expected = tags if value is None else {"tencent:project": value, **(tags or {})}
    assert (None if found is None else json.loads(found)) == expected
