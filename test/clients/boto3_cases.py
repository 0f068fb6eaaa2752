"""What users of boto3 do, one function a case: `python boto3_cases.py CASE` ends with 0 when it holds."""

import hashlib
import io
import os
import sys
import threading
import urllib.error
import urllib.request

import boto3
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

MIB = 1024 * 1024
s3 = boto3.client("s3")


def make_bucket(name):
    s3.create_bucket(Bucket=name)
    return name


def error_code(call, **arguments):
    """The code that S3 answers the call with; the call must fail."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError("the call succeeded")


def upload_file_in_parts():
    bucket = make_bucket("boto3-upload")
    body = os.urandom(MIB) * 40 + b"tail"
    with open("large.bin", "wb") as file:
        file.write(body)
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB, max_concurrency=8)
    s3.upload_file("large.bin", bucket, "large.bin", Config=config)
    head = s3.head_object(Bucket=bucket, Key="large.bin", ChecksumMode="ENABLED")
    assert head["ContentLength"] == len(body), head
    assert head["ETag"].endswith('-6"'), head["ETag"]
    assert head["ChecksumCRC32"], head
    s3.download_file(bucket, "large.bin", "large.back", Config=config)
    with open("large.back", "rb") as file:
        assert hashlib.sha256(file.read()).digest() == hashlib.sha256(body).digest()


def default_checksums():
    bucket = make_bucket("boto3-checksums")
    put = s3.put_object(Bucket=bucket, Key="default", Body=b"123456789")
    assert put["ChecksumCRC32"] == "y/Q5Jg==", put
    for algorithm in ["CRC32", "SHA1", "SHA256"]:
        s3.put_object(Bucket=bucket, Key=algorithm, Body=b"123456789", ChecksumAlgorithm=algorithm)
        got = s3.get_object(Bucket=bucket, Key=algorithm, ChecksumMode="ENABLED")
        assert got["Body"].read() == b"123456789"
        assert got["Checksum" + algorithm], got
    streamed = s3.put_object(Bucket=bucket, Key="stream", Body=io.BytesIO(b"a" * 300_000))
    assert streamed["ChecksumCRC32"], streamed
    wrong = error_code(s3.put_object, Bucket=bucket, Key="wrong", Body=b"123456789", ChecksumCRC32="AAAAAA==")
    assert wrong in ("BadDigest", "InvalidRequest"), wrong
    assert error_code(s3.head_object, Bucket=bucket, Key="wrong") == "404"


def unicode_keys_and_metadata():
    bucket = make_bucket("boto3-unicode")
    keys = ["grüße/straße", "日本語 キー", "astral 🎈", "bmp \uffff", "a+b & c%20d", "quote'\"<xml>", "dots/../here", "//twice"]
    metadata = {"plain": "value", "encoded": "=?UTF-8?B?R3LDvMOfZQ==?=", "spaces": "a  b", "__proto__": "harmless"}
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata=metadata)
    for key in keys:
        got = s3.get_object(Bucket=bucket, Key=key)
        assert got["Body"].read() == key.encode(), key
        assert got["Metadata"] == metadata, got["Metadata"]
    listed = [item["Key"] for item in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(keys, key=lambda key: key.encode()), listed


def pages():
    bucket = make_bucket("boto3-pages")
    for index in range(25):
        s3.put_object(Bucket=bucket, Key=f"{'abc'[index % 3]}/{index:02}", Body=b"")
    paginator = s3.get_paginator("list_objects_v2")
    seen = [page for page in paginator.paginate(Bucket=bucket, PaginationConfig={"PageSize": 10})]
    assert [page["KeyCount"] for page in seen] == [10, 10, 5]
    grouped = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [entry["Prefix"] for entry in grouped["CommonPrefixes"]] == ["a/", "b/", "c/"]
    assert "Contents" not in grouped
    objects = [{"Key": item["Key"]} for page in seen for item in page["Contents"]]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert len(deleted["Deleted"]) == 25, deleted
    s3.delete_bucket(Bucket=bucket)
    assert error_code(s3.list_objects_v2, Bucket=bucket) == "NoSuchBucket"


def presigned_urls():
    bucket = make_bucket("boto3-presigned")
    put = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "k"})
    urllib.request.urlopen(urllib.request.Request(put, data=b"by url", method="PUT")).read()
    get = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert urllib.request.urlopen(get).read() == b"by url"
    try:
        urllib.request.urlopen(get.split("?")[0])
        raise AssertionError("a stranger may read")
    except urllib.error.HTTPError as error:
        assert error.code == 403, error.code


def one_winner_of_many():
    bucket = make_bucket("boto3-race")
    outcomes = []

    def claim(name):
        try:
            s3.put_object(Bucket=bucket, Key="lock", Body=name.encode(), IfNoneMatch="*")
            outcomes.append(name)
        except ClientError as error:
            assert error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict")

    threads = [threading.Thread(target=claim, args=(str(index),)) for index in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 1, outcomes
    assert s3.get_object(Bucket=bucket, Key="lock")["Body"].read() == outcomes[0].encode()


def resource_interface():
    bucket = boto3.resource("s3").Bucket("boto3-resource")
    bucket.create()
    bucket.put_object(Key="a", Body=b"0123456789")
    assert bucket.Object("a").get(Range="bytes=2-4")["Body"].read() == b"234"
    bucket.Object("b").copy({"Bucket": bucket.name, "Key": "a"})
    assert sorted(item.key for item in bucket.objects.all()) == ["a", "b"]
    bucket.objects.all().delete()
    bucket.delete()


CASES = [
    upload_file_in_parts,
    default_checksums,
    unicode_keys_and_metadata,
    pages,
    presigned_urls,
    one_winner_of_many,
    resource_interface,
]

if __name__ == "__main__":
    {case.__name__: case for case in CASES}[sys.argv[1]]()
