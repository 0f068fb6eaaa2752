#!/usr/bin/env bash
# rclone against Pithos, configured by its environment alone. Start a server (`npm start`) and export what it prints:
#   export AWS_ENDPOINT_URL=http://127.0.0.1:9000
#   export AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=…
# Usage: rclone.sh FOLDER
set -euo pipefail
folder=${1:?Name the folder to copy.}
bucket="example-rclone-$RANDOM"
export RCLONE_CONFIG_PITHOS_TYPE=s3
export RCLONE_CONFIG_PITHOS_PROVIDER=Other
export RCLONE_CONFIG_PITHOS_ENDPOINT=${AWS_ENDPOINT_URL:?}
export RCLONE_CONFIG_PITHOS_ACCESS_KEY_ID=${AWS_ACCESS_KEY_ID:?}
export RCLONE_CONFIG_PITHOS_SECRET_ACCESS_KEY=${AWS_SECRET_ACCESS_KEY:?}

rclone mkdir "pithos:$bucket"
rclone sync "$folder" "pithos:$bucket/copy"
rclone check "$folder" "pithos:$bucket/copy"
rclone size "pithos:$bucket"
rclone purge "pithos:$bucket"
