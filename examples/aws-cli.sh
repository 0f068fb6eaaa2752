#!/usr/bin/env bash
# The AWS CLI against Pithos. Start a server (`npm start`), export the lines that it prints, then run this file:
#   export AWS_ENDPOINT_URL=http://127.0.0.1:9000 AWS_DEFAULT_REGION=us-east-1
#   export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…
set -euo pipefail
: "${AWS_ENDPOINT_URL:?} ${AWS_ACCESS_KEY_ID:?} ${AWS_SECRET_ACCESS_KEY:?}"
bucket="example-aws-cli-$RANDOM"

aws s3 mb "s3://$bucket"

echo 'Hello, Pithos.' | aws s3 cp - "s3://$bucket/greetings/hello.txt"
aws s3 ls "s3://$bucket/greetings/"
aws s3 cp "s3://$bucket/greetings/hello.txt" -

# A lock: of all that try, one creates the key.
aws s3api put-object --bucket "$bucket" --key lock --if-none-match '*' >/dev/null
if aws s3api put-object --bucket "$bucket" --key lock --if-none-match '*' 2>/dev/null; then
  echo 'Two of us hold the lock.' >&2
  exit 1
fi

# Version 1 of the CLI presigns with SigV2, which Pithos refuses, unless it is told otherwise; version 2 does not.
AWS_CONFIG_FILE=$(mktemp)
export AWS_CONFIG_FILE
aws configure set default.s3.signature_version s3v4

# Anybody who has this address may read the object for a minute.
curl --fail --silent --show-error "$(aws s3 presign "s3://$bucket/greetings/hello.txt" --expires-in 60)"

rm "$AWS_CONFIG_FILE"
aws s3 rb --force "s3://$bucket"
