"""A plugin of pytest, loaded by suite.ts.

The suite empties its buckets with a header that bypasses the governance mode of object lock. Pithos has no object lock
and refuses the header by name, so buckets are emptied without it here.
"""

from s3tests import functional

BATCH_SIZE = 1000


def remove_bucket(client, bucket):
    for objects in functional.list_versions(client, bucket, BATCH_SIZE):
        client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    client.delete_bucket(Bucket=bucket)


functional.nuke_bucket = remove_bucket
