import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import software.amazon.awssdk.core.ResponseBytes;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.s3.S3AsyncClient;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3Configuration;
import software.amazon.awssdk.services.s3.model.ChecksumAlgorithm;
import software.amazon.awssdk.services.s3.model.ChecksumMode;
import software.amazon.awssdk.services.s3.model.GetObjectResponse;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.services.s3.model.ObjectIdentifier;
import software.amazon.awssdk.services.s3.model.S3Exception;
import software.amazon.awssdk.services.s3.presigner.S3Presigner;
import software.amazon.awssdk.transfer.s3.S3TransferManager;

/** Cases that the tests run with the AWS SDK for Java 2: `SdkCases CASE`, endpoint and key in the environment. */
public final class SdkCases {
  private static final int MIB = 1 << 20;

  public static void main(String[] args) throws Exception {
    try (S3Client s3 = S3Client.builder().forcePathStyle(true).build()) {
      switch (args[0]) {
        case "signed_chunks" -> signedChunks(s3);
        case "transfer_manager" -> transferManager(s3);
        case "pages_and_errors" -> pagesAndErrors(s3);
        case "presigned" -> presigned(s3);
        default -> throw new IllegalArgumentException(args[0]);
      }
    }
  }

  /** Bodies go in chunks that are signed each, with the default checksum and with another one behind them. */
  private static void signedChunks(S3Client s3) throws Exception {
    s3.createBucket(r -> r.bucket("java-chunks"));
    byte[] sent = random(3 * MIB + 17);
    s3.putObject(r -> r.bucket("java-chunks").key("default"), RequestBody.fromBytes(sent));
    s3.putObject(
        r -> r.bucket("java-chunks").key("sha256").checksumAlgorithm(ChecksumAlgorithm.SHA256),
        RequestBody.fromBytes(sent));
    try (S3Client chunked =
        S3Client.builder()
            .serviceConfiguration(
                S3Configuration.builder().pathStyleAccessEnabled(true).chunkedEncodingEnabled(true).build())
            .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
            .build()) {
      chunked.putObject(r -> r.bucket("java-chunks").key("chunked"), RequestBody.fromBytes(sent));
    }
    for (String key : new String[] {"default", "sha256", "chunked"}) {
      ResponseBytes<GetObjectResponse> got =
          s3.getObjectAsBytes(r -> r.bucket("java-chunks").key(key).checksumMode(ChecksumMode.ENABLED));
      check(Arrays.equals(got.asByteArray(), sent), key + " came back changed");
    }
    check(
        s3.headObject(r -> r.bucket("java-chunks").key("sha256").checksumMode(ChecksumMode.ENABLED)).checksumSHA256()
            != null,
        "the checksum was not kept");
  }

  /** The transfer manager stores in parts, reads, and copies. */
  private static void transferManager(S3Client s3) throws Exception {
    s3.createBucket(r -> r.bucket("java-transfer"));
    Path file = Path.of("java-large.bin");
    Files.write(file, random(20 * MIB + 3));
    try (S3AsyncClient async = S3AsyncClient.builder().forcePathStyle(true).multipartEnabled(true).build();
        S3TransferManager transfers = S3TransferManager.builder().s3Client(async).build()) {
      transfers
          .uploadFile(r -> r.source(file).putObjectRequest(p -> p.bucket("java-transfer").key("large")))
          .completionFuture()
          .join();
      String etag = s3.headObject(r -> r.bucket("java-transfer").key("large")).eTag();
      check(etag.matches("\"[0-9a-f]{32}-3\""), "not in parts: " + etag);
      transfers
          .copy(
              r ->
                  r.copyObjectRequest(
                      c ->
                          c.sourceBucket("java-transfer")
                              .sourceKey("large")
                              .destinationBucket("java-transfer")
                              .destinationKey("copy")))
          .completionFuture()
          .join();
      Path back = Path.of("java-large.back");
      transfers
          .downloadFile(r -> r.destination(back).getObjectRequest(g -> g.bucket("java-transfer").key("copy")))
          .completionFuture()
          .join();
      check(Files.mismatch(file, back) == -1, "the copy came back changed");
    }
  }

  /** Pages and common prefixes, a batch of deletes, and errors by their type. */
  private static void pagesAndErrors(S3Client s3) {
    s3.createBucket(r -> r.bucket("java-pages"));
    var keys = IntStream.range(0, 25).mapToObj(i -> (char) ('a' + i % 5) + "/ünïcödé + " + i).toList();
    for (String key : keys) s3.putObject(r -> r.bucket("java-pages").key(key), RequestBody.fromString(key));
    var listed = s3.listObjectsV2Paginator(r -> r.bucket("java-pages").maxKeys(7)).contents().stream().count();
    var folders =
        s3.listObjectsV2Paginator(r -> r.bucket("java-pages").delimiter("/").maxKeys(2)).commonPrefixes().stream()
            .count();
    check(listed == 25 && folders == 5, listed + " keys in " + folders + " folders");
    var batch = keys.stream().map(key -> ObjectIdentifier.builder().key(key).build()).toList();
    check(
        s3.deleteObjects(r -> r.bucket("java-pages").delete(d -> d.objects(batch))).deleted().size() == 25,
        "not all were deleted");
    try {
      s3.getObjectAsBytes(r -> r.bucket("java-pages").key(keys.get(0)));
      throw new AssertionError("a deleted object is there");
    } catch (NoSuchKeyException expected) {
      check(expected.statusCode() == 404, expected.getMessage());
    }
    s3.putObject(r -> r.bucket("java-pages").key("k").ifNoneMatch("*"), RequestBody.empty());
    try {
      s3.putObject(r -> r.bucket("java-pages").key("k").ifNoneMatch("*"), RequestBody.empty());
      throw new AssertionError("If-None-Match was ignored");
    } catch (S3Exception expected) {
      check(expected.awsErrorDetails().errorCode().equals("PreconditionFailed"), expected.getMessage());
    }
  }

  /** A presigned URL is good for a client that has no key. */
  private static void presigned(S3Client s3) throws Exception {
    s3.createBucket(r -> r.bucket("java-presigned"));
    s3.putObject(r -> r.bucket("java-presigned").key("a key"), RequestBody.fromString("by url"));
    URI url;
    try (S3Presigner presigner =
        S3Presigner.builder()
            .endpointOverride(URI.create(System.getenv("AWS_ENDPOINT_URL")))
            .serviceConfiguration(S3Configuration.builder().pathStyleAccessEnabled(true).build())
            .build()) {
      url =
          presigner
              .presignGetObject(
                  r ->
                      r.signatureDuration(Duration.ofMinutes(5))
                          .getObjectRequest(g -> g.bucket("java-presigned").key("a key")))
              .url()
              .toURI();
    }
    check(fetch(url).body().equals("by url"), "the URL gives something else");
    check(fetch(URI.create(url.toString().replace("a%20key", "b"))).statusCode() == 403, "a changed URL is good too");
  }

  private static HttpResponse<String> fetch(URI url) throws Exception {
    return HttpClient.newHttpClient().send(HttpRequest.newBuilder(url).build(), HttpResponse.BodyHandlers.ofString());
  }

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  private static void check(boolean holds, String otherwise) {
    if (!holds) throw new AssertionError(otherwise);
  }
}
