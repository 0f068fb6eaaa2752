"""Cases of Parquet in a bucket, run as `parquet_cases.py CASE BUCKET` with endpoint and key in the environment."""

import os
import sys
from pathlib import Path

import duckdb
import duckdb_extension_httpfs
import pyarrow
import pyarrow.dataset
import pyarrow.parquet
from pyarrow.fs import S3FileSystem

ROWS = 64 * 1024
bucket = sys.argv[2]
host = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")


def arrow():
    return S3FileSystem(endpoint_override=host, scheme="http", region="us-east-1", allow_bucket_creation=True)


def duck():
    """DuckDB with the extension from PyPI: it fetches none by itself."""
    connection = duckdb.connect()
    (extension,) = Path(duckdb_extension_httpfs.__file__).parent.rglob("*.duckdb_extension")
    connection.execute(f"LOAD '{extension}'")
    key, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
    connection.execute(
        "CREATE SECRET (TYPE s3, PROVIDER config, URL_STYLE 'path', USE_SSL false, REGION 'us-east-1',"
        f" KEY_ID '{key}', SECRET '{secret}', ENDPOINT '{host}')"
    )
    return connection


def pyarrow_write():
    files = arrow()
    files.create_dir(bucket)
    table = pyarrow.table(
        {
            "id": range(ROWS),
            "group": [index % 7 for index in range(ROWS)],
            "blob": pyarrow.array([os.urandom(256) for _ in range(ROWS)], pyarrow.binary()),
        }
    )
    pyarrow.parquet.write_table(table, f"{bucket}/wide/part-0.parquet", filesystem=files, row_group_size=8 * 1024)
    print(files.get_file_info(f"{bucket}/wide/part-0.parquet").size)


def pyarrow_read_column():
    read = pyarrow.parquet.read_table(f"{bucket}/wide/part-0.parquet", filesystem=arrow(), columns=["id"])
    assert read.column("id").to_pylist() == list(range(ROWS))


def pyarrow_read_all():
    found = pyarrow.dataset.dataset(f"{bucket}/wide", filesystem=arrow(), format="parquet")
    assert found.to_table(filter=pyarrow.dataset.field("group") == 3).num_rows == len(range(3, ROWS, 7))


def duckdb_read_column():
    connection = duck()
    file = f"s3://{bucket}/wide/part-0.parquet"
    assert connection.sql(f"SELECT sum(id) FROM '{file}'").fetchone() == (sum(range(ROWS)),)
    assert connection.sql(f"SELECT octet_length(blob) FROM '{file}' WHERE id = 12345").fetchall() == [(256,)]


def duckdb_write():
    connection = duck()
    connection.execute(
        f"COPY (SELECT id, \"group\" FROM 's3://{bucket}/wide/*.parquet')"
        f" TO 's3://{bucket}/by-group' (FORMAT parquet, PARTITION_BY (\"group\"))"
    )
    rows = connection.sql(
        f"SELECT \"group\", count(*) FROM read_parquet('s3://{bucket}/by-group/**/*.parquet') GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert rows == [(group, len(range(group, ROWS, 7))) for group in range(7)], rows


CASES = [pyarrow_write, pyarrow_read_column, pyarrow_read_all, duckdb_read_column, duckdb_write]

if __name__ == "__main__":
    {case.__name__: case for case in CASES}[sys.argv[1]]()
