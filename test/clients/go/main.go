// Cases that the tests run against a server with the AWS SDK for Go: `go-sdk CASE`, with endpoint and key in the
// environment. A case that does not hold ends the program with a message.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/s3/manager"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
)

const mib = 1 << 20

var cases = map[string]func(context.Context, *s3.Client) error{
	"transfer":   transfer,
	"pages":      pages,
	"presigned":  presigned,
	"conditions": conditions,
}

func main() {
	log.SetFlags(0)
	ctx := context.Background()
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		log.Fatal(err)
	}
	client := s3.NewFromConfig(settings, func(o *s3.Options) { o.UsePathStyle = true })
	if err := cases[os.Args[1]](ctx, client); err != nil {
		log.Fatal(err)
	}
}

// A stream of unknown length goes up in parts and comes back in ranges; its checksum is kept.
func transfer(ctx context.Context, client *s3.Client) error {
	bucket, err := makeBucket(ctx, client, "go-transfer")
	if err != nil {
		return err
	}
	sent := make([]byte, 23*mib+17)
	rand.Read(sent)
	stream := io.MultiReader(bytes.NewReader(sent)) // hides the length
	up, err := manager.NewUploader(client).Upload(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("large"), Body: stream})
	if err != nil {
		return err
	}
	if len(up.CompletedParts) != 5 {
		return fmt.Errorf("%d parts", len(up.CompletedParts))
	}
	got := manager.NewWriteAtBuffer(make([]byte, 0, len(sent)))
	if _, err := manager.NewDownloader(client).Download(ctx, got, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("large")}); err != nil {
		return err
	}
	if !bytes.Equal(got.Bytes(), sent) {
		return errors.New("other bytes came back")
	}
	head, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("large"), ChecksumMode: types.ChecksumModeEnabled})
	if err != nil {
		return err
	}
	if head.ChecksumCRC32 == nil {
		return errors.New("the checksum that the SDK sends by default is not given back")
	}
	return nil
}

// A listing comes in pages with common prefixes, in order; a batch deletes it.
func pages(ctx context.Context, client *s3.Client) error {
	bucket, err := makeBucket(ctx, client, "go-pages")
	if err != nil {
		return err
	}
	var batch []types.ObjectIdentifier
	for index := range 25 {
		key := fmt.Sprintf("%c/ünïcödé + %02d", 'a'+index%5, index)
		if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String(key), Body: bytes.NewReader([]byte(key))}); err != nil {
			return err
		}
		batch = append(batch, types.ObjectIdentifier{Key: aws.String(key)})
	}
	var prefixes, keys int
	folders := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket, Delimiter: aws.String("/"), MaxKeys: aws.Int32(2)})
	for folders.HasMorePages() {
		page, err := folders.NextPage(ctx)
		if err != nil {
			return err
		}
		prefixes += len(page.CommonPrefixes)
	}
	all := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: bucket, MaxKeys: aws.Int32(7)})
	for all.HasMorePages() {
		page, err := all.NextPage(ctx)
		if err != nil {
			return err
		}
		keys += len(page.Contents)
	}
	if prefixes != 5 || keys != 25 {
		return fmt.Errorf("%d prefixes, %d keys", prefixes, keys)
	}
	gone, err := client.DeleteObjects(ctx, &s3.DeleteObjectsInput{Bucket: bucket, Delete: &types.Delete{Objects: batch}})
	if err != nil {
		return err
	}
	if len(gone.Deleted) != 25 {
		return fmt.Errorf("%d deleted", len(gone.Deleted))
	}
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	return err
}

// A URL signed for a stranger stores and reads; a changed one does not.
func presigned(ctx context.Context, client *s3.Client) error {
	bucket, err := makeBucket(ctx, client, "go-presigned")
	if err != nil {
		return err
	}
	signer := s3.NewPresignClient(client)
	put, err := signer.PresignPutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: aws.String("a key")})
	if err != nil {
		return err
	}
	if status, _, err := send(put.Method, put.URL, "by url"); err != nil || status != 200 {
		return fmt.Errorf("PUT by URL: %d, %v", status, err)
	}
	get, err := signer.PresignGetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("a key")})
	if err != nil {
		return err
	}
	if status, body, err := send(get.Method, get.URL, ""); err != nil || status != 200 || body != "by url" {
		return fmt.Errorf("GET by URL: %d, %q, %v", status, body, err)
	}
	if status, _, err := send(get.Method, get.URL+"&versionId=null", ""); err != nil || status != 403 {
		return fmt.Errorf("GET by a changed URL: %d, %v", status, err)
	}
	return nil
}

// Conditions hold, and the errors are those that the SDK knows by type and code.
func conditions(ctx context.Context, client *s3.Client) error {
	bucket, err := makeBucket(ctx, client, "go-conditions")
	if err != nil {
		return err
	}
	input := &s3.PutObjectInput{Bucket: bucket, Key: aws.String("k"), IfNoneMatch: aws.String("*")}
	if _, err := client.PutObject(ctx, input); err != nil {
		return err
	}
	var coded smithy.APIError
	if _, err := client.PutObject(ctx, input); !errors.As(err, &coded) || coded.ErrorCode() != "PreconditionFailed" {
		return fmt.Errorf("the second PutObject with If-None-Match: %v", err)
	}
	var noKey *types.NoSuchKey
	if _, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: aws.String("none")}); !errors.As(err, &noKey) {
		return fmt.Errorf("GetObject of no key: %v", err)
	}
	var notFound *types.NotFound
	if _, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: bucket, Key: aws.String("none")}); !errors.As(err, &notFound) {
		return fmt.Errorf("HeadObject of no key: %v", err)
	}
	return nil
}

func makeBucket(ctx context.Context, client *s3.Client, name string) (*string, error) {
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name})
	return &name, err
}

func send(method, url, body string) (int, string, error) {
	request, err := http.NewRequest(method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, "", err
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer reply.Body.Close()
	read, err := io.ReadAll(reply.Body)
	return reply.StatusCode, string(read), err
}
