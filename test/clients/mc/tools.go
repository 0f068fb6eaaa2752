//go:build tools

// Package mc pins the S3 client that the tests build.
package mc

import _ "github.com/minio/mc"
