"""Writes types.parquet: a column of every kind that tables have, with their values.

    python test/oracles/tables.py        (pyarrow 26)
"""

import datetime
import decimal
import pathlib
import uuid

import pyarrow as pa
import pyarrow.parquet as pq

FOLDER = pathlib.Path(__file__).parent.parent / "fixtures" / "tables"
picture = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
one = {"bytes": b"\x09\x08\x07", "path": "a.png"}

columns = {
    "text": pa.array(["a cat", "a dog", None]),
    "large": pa.array(["a cat", "a dog", None], pa.large_string()),
    "category": pa.array(["a cat", "a dog", None]).dictionary_encode(),
    "binary": pa.array([b"a cat", b"\xff", None]),
    "json": pa.array(['"a"', "{}", None], pa.json_()),
    "bool": pa.array([True, False, None]),
    "int8": pa.array([-1, 127, None], pa.int8()),
    "uint32": pa.array([4294967295, 0, None], pa.uint32()),
    "int64": pa.array([1234567890123456789, -1, None], pa.int64()),
    "uint64": pa.array([18446744073709551615, 0, None], pa.uint64()),
    "double": pa.array([1.0, float("nan"), None]),
    "decimal": pa.array([decimal.Decimal("0.30"), decimal.Decimal("-123456789012345678.90"), None], pa.decimal128(38, 2)),
    "uuid": pa.array([uuid.UUID(int=1).bytes, uuid.UUID(int=2**128 - 1).bytes, None], pa.uuid()),
    "date": pa.array([datetime.date(2024, 1, 2), None, None]),
    "time": pa.array([datetime.time(1, 2), None, None]),
    "timestamp": pa.array([1, 2, None], pa.timestamp("ns")),
    "nothing": pa.nulls(3),
    "picture": pa.array([one, {"bytes": None, "path": "b.png"}, None], picture),
    "empty": pa.array([{"bytes": b"", "path": "b.png"}, {"bytes": b"", "path": None}, {"bytes": None, "path": None}], picture),
    "pictures": pa.array([[one, {"bytes": None, "path": "b.png"}], [], None], pa.list_(picture)),
    "holes": pa.array([[one, None], [{"bytes": None, "path": None}], [one]], pa.list_(picture)),
    "paths": pa.array([["a.png", "b.png"], ["a.png", None], ["a.png", ""]]),
    "numbers": pa.array([[1], [], None], pa.list_(pa.int32())),
    "other": pa.array([{"url": "a"}, None, None]),
    "map": pa.array([[("a", "b")], None, None], pa.map_(pa.string(), pa.string())),
}
pq.write_table(pa.table(columns), FOLDER / "types.parquet", compression="zstd", write_statistics=False)

# A page without values, as one packed byte.
none = pa.table({"text": ["a cat", "a dog"], "image": pa.array([[], None], pa.list_(picture))})
pq.write_table(none, FOLDER / "no-values-lz4.parquet", compression="lz4", data_page_version="2.0")
