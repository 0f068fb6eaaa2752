import { describe, expect, test } from 'vitest';
import { S3_MODEL } from '../operations/s3-model.ts';
import { RequestHeaders } from './parameters.ts';
import { findRoute, isPostForm, type Route } from './route.ts';
import { parseTarget } from './target.ts';

/** `METHOD target`, then the headers it carries. */
const OWN_ROUTES: readonly (readonly [request: string, operation: string])[] = [
  ['DELETE /b/k?uploadId=1', 'AbortMultipartUpload'],
  ['POST /b/k?uploadId=1', 'CompleteMultipartUpload'],
  ['PUT /b/k x-amz-copy-source', 'CopyObject'],
  ['PUT /b', 'CreateBucket'],
  ['POST /b?metadataConfiguration', 'CreateBucketMetadataConfiguration'],
  ['POST /b?metadataTable', 'CreateBucketMetadataTableConfiguration'],
  ['POST /b/k?uploads', 'CreateMultipartUpload'],
  ['GET /b?session', 'CreateSession'],
  ['DELETE /b', 'DeleteBucket'],
  ['DELETE /b?analytics&id=1', 'DeleteBucketAnalyticsConfiguration'],
  ['DELETE /b?cors', 'DeleteBucketCors'],
  ['DELETE /b?encryption', 'DeleteBucketEncryption'],
  ['DELETE /b?intelligent-tiering&id=1', 'DeleteBucketIntelligentTieringConfiguration'],
  ['DELETE /b?inventory&id=1', 'DeleteBucketInventoryConfiguration'],
  ['DELETE /b?lifecycle', 'DeleteBucketLifecycle'],
  ['DELETE /b?metadataConfiguration', 'DeleteBucketMetadataConfiguration'],
  ['DELETE /b?metadataTable', 'DeleteBucketMetadataTableConfiguration'],
  ['DELETE /b?metrics&id=1', 'DeleteBucketMetricsConfiguration'],
  ['DELETE /b?ownershipControls', 'DeleteBucketOwnershipControls'],
  ['DELETE /b?policy', 'DeleteBucketPolicy'],
  ['DELETE /b?replication', 'DeleteBucketReplication'],
  ['DELETE /b?tagging', 'DeleteBucketTagging'],
  ['DELETE /b?website', 'DeleteBucketWebsite'],
  ['DELETE /b/k', 'DeleteObject'],
  ['DELETE /b/k?annotation&annotationName=1', 'DeleteObjectAnnotation'],
  ['DELETE /b/k?tagging', 'DeleteObjectTagging'],
  ['POST /b?delete', 'DeleteObjects'],
  ['DELETE /b?publicAccessBlock', 'DeletePublicAccessBlock'],
  ['GET /b?abac', 'GetBucketAbac'],
  ['GET /b?accelerate', 'GetBucketAccelerateConfiguration'],
  ['GET /b?acl', 'GetBucketAcl'],
  ['GET /b?analytics&id=1', 'GetBucketAnalyticsConfiguration'],
  ['GET /b?cors', 'GetBucketCors'],
  ['GET /b?encryption', 'GetBucketEncryption'],
  ['GET /b?intelligent-tiering&id=1', 'GetBucketIntelligentTieringConfiguration'],
  ['GET /b?inventory&id=1', 'GetBucketInventoryConfiguration'],
  ['GET /b?lifecycle', 'GetBucketLifecycleConfiguration'],
  ['GET /b?location', 'GetBucketLocation'],
  ['GET /b?logging', 'GetBucketLogging'],
  ['GET /b?metadataConfiguration', 'GetBucketMetadataConfiguration'],
  ['GET /b?metadataTable', 'GetBucketMetadataTableConfiguration'],
  ['GET /b?metrics&id=1', 'GetBucketMetricsConfiguration'],
  ['GET /b?notification', 'GetBucketNotificationConfiguration'],
  ['GET /b?ownershipControls', 'GetBucketOwnershipControls'],
  ['GET /b?policy', 'GetBucketPolicy'],
  ['GET /b?policyStatus', 'GetBucketPolicyStatus'],
  ['GET /b?replication', 'GetBucketReplication'],
  ['GET /b?requestPayment', 'GetBucketRequestPayment'],
  ['GET /b?tagging', 'GetBucketTagging'],
  ['GET /b?versioning', 'GetBucketVersioning'],
  ['GET /b?website', 'GetBucketWebsite'],
  ['GET /b/k', 'GetObject'],
  ['GET /b/k?acl', 'GetObjectAcl'],
  ['GET /b/k?annotation&annotationName=1', 'GetObjectAnnotation'],
  ['GET /b/k?attributes x-amz-object-attributes', 'GetObjectAttributes'],
  ['GET /b/k?legal-hold', 'GetObjectLegalHold'],
  ['GET /b?object-lock', 'GetObjectLockConfiguration'],
  ['GET /b/k?retention', 'GetObjectRetention'],
  ['GET /b/k?tagging', 'GetObjectTagging'],
  ['GET /b/k?torrent', 'GetObjectTorrent'],
  ['GET /b?publicAccessBlock', 'GetPublicAccessBlock'],
  ['HEAD /b', 'HeadBucket'],
  ['HEAD /b/k', 'HeadObject'],
  ['GET /b?analytics', 'ListBucketAnalyticsConfigurations'],
  ['GET /b?intelligent-tiering', 'ListBucketIntelligentTieringConfigurations'],
  ['GET /b?inventory', 'ListBucketInventoryConfigurations'],
  ['GET /b?metrics', 'ListBucketMetricsConfigurations'],
  ['GET /', 'ListBuckets'],
  ['GET /?max-directory-buckets=5', 'ListDirectoryBuckets'],
  ['GET /b?uploads', 'ListMultipartUploads'],
  ['GET /b/k?annotation', 'ListObjectAnnotations'],
  ['GET /b?versions', 'ListObjectVersions'],
  ['GET /b', 'ListObjects'],
  ['GET /b?list-type=2', 'ListObjectsV2'],
  ['GET /b/k?uploadId=1', 'ListParts'],
  ['PUT /b?abac', 'PutBucketAbac'],
  ['PUT /b?accelerate', 'PutBucketAccelerateConfiguration'],
  ['PUT /b?acl', 'PutBucketAcl'],
  ['PUT /b?analytics&id=1', 'PutBucketAnalyticsConfiguration'],
  ['PUT /b?cors', 'PutBucketCors'],
  ['PUT /b?encryption', 'PutBucketEncryption'],
  ['PUT /b?intelligent-tiering&id=1', 'PutBucketIntelligentTieringConfiguration'],
  ['PUT /b?inventory&id=1', 'PutBucketInventoryConfiguration'],
  ['PUT /b?lifecycle', 'PutBucketLifecycleConfiguration'],
  ['PUT /b?logging', 'PutBucketLogging'],
  ['PUT /b?metrics&id=1', 'PutBucketMetricsConfiguration'],
  ['PUT /b?notification', 'PutBucketNotificationConfiguration'],
  ['PUT /b?ownershipControls', 'PutBucketOwnershipControls'],
  ['PUT /b?policy', 'PutBucketPolicy'],
  ['PUT /b?replication', 'PutBucketReplication'],
  ['PUT /b?requestPayment', 'PutBucketRequestPayment'],
  ['PUT /b?tagging', 'PutBucketTagging'],
  ['PUT /b?versioning', 'PutBucketVersioning'],
  ['PUT /b?website', 'PutBucketWebsite'],
  ['PUT /b/k', 'PutObject'],
  ['PUT /b/k?acl', 'PutObjectAcl'],
  ['PUT /b/k?annotation&annotationName=1', 'PutObjectAnnotation'],
  ['PUT /b/k?legal-hold', 'PutObjectLegalHold'],
  ['PUT /b?object-lock', 'PutObjectLockConfiguration'],
  ['PUT /b/k?retention', 'PutObjectRetention'],
  ['PUT /b/k?tagging', 'PutObjectTagging'],
  ['PUT /b?publicAccessBlock', 'PutPublicAccessBlock'],
  ['PUT /b/k?renameObject x-amz-rename-source', 'RenameObject'],
  ['POST /b/k?restore', 'RestoreObject'],
  ['POST /b/k?select&select-type=2', 'SelectObjectContent'],
  ['PUT /b?metadataAnnotationTable', 'UpdateBucketMetadataAnnotationTableConfiguration'],
  ['PUT /b?metadataInventoryTable', 'UpdateBucketMetadataInventoryTableConfiguration'],
  ['PUT /b?metadataJournalTable', 'UpdateBucketMetadataJournalTableConfiguration'],
  ['PUT /b/k?encryption', 'UpdateObjectEncryption'],
  ['PUT /b/k?partNumber=1&uploadId=1', 'UploadPart'],
  ['PUT /b/k?partNumber=1&uploadId=1 x-amz-copy-source', 'UploadPartCopy'],
  ['POST / x-amz-request-route x-amz-request-token', 'WriteGetObjectResponse'],
];

test.each(OWN_ROUTES)('%s is %s', (request, operation) => {
  expect(route(request)).toEqual({ kind: 'operation', name: operation });
});

test('every operation of the model has a line above', () => {
  expect(OWN_ROUTES.map(([, name]) => name).sort()).toEqual(Object.keys(S3_MODEL).sort());
});

describe('a parameter that selects another operation never falls through', () => {
  test.each([
    ['PUT /b?encryption', 'PutBucketEncryption'],
    ['PUT /b?encryption=', 'PutBucketEncryption'],
    ['PUT /b/?encryption', 'PutBucketEncryption'],
    ['PUT /b/k?retention', 'PutObjectRetention'],
    ['PUT /b/k?tagging x-amz-copy-source', 'PutObjectTagging'],
    ['PUT /b/k?uploadId=u&partNumber=1 x-amz-copy-source', 'UploadPartCopy'],
    ['PUT /b/k?partNumber=1&uploadId=u&x-id=UploadPart', 'UploadPart'],
    ['GET /b/k?partNumber=1', 'GetObject'],
    ['HEAD /b/k?partNumber=1&versionId=v', 'HeadObject'],
    ['GET /b/k?uploadId=u&part-number-marker=3', 'ListParts'],
    ['GET /b?list-type=2&prefix=acl', 'ListObjectsV2'],
    ['GET /b?prefix=uploads&unknown=1', 'ListObjects'],
    ['GET /b?versions&prefix=a', 'ListObjectVersions'],
    ['GET /?max-buckets=3', 'ListBuckets'],
    ['GET /b/k?select', 'method-not-allowed'],
    ['PUT /b?policyStatus', 'method-not-allowed'],
    ['PUT /b?versions', 'method-not-allowed'],
    ['GET /b?delete', 'method-not-allowed'],
    ['DELETE /b?acl', 'method-not-allowed'],
    ['HEAD /b?acl', 'method-not-allowed'],
    ['HEAD /b/k?uploadId=u', 'method-not-allowed'],
    ['PUT /b/k?uploads', 'method-not-allowed'],
    ['POST /b', 'method-not-allowed'],
    ['POST /b/k', 'method-not-allowed'],
    ['PUT /', 'method-not-allowed'],
    ['DELETE /', 'method-not-allowed'],
    ['PUT /b/k?uploadId=u', 'UploadPart lacks query:partNumber'],
    ['PUT /b/k?partNumber=1', 'UploadPart lacks query:uploadId'],
    ['PUT /b/k?partNumber=1 x-amz-copy-source', 'UploadPart lacks query:uploadId'],
    ['POST /b/k?select', 'SelectObjectContent lacks query:select-type=2'],
    ['GET /b?list-type=1', 'ListObjectsV2 lacks query:list-type=2'],
    ['PUT /b?analytics', 'PutBucketAnalyticsConfiguration lacks query:id'],
    ['GET /b/k?attributes', 'GetObjectAttributes lacks header:x-amz-object-attributes'],
    ['GET /b?acl&cors', 'conflict of acl, cors'],
    ['GET /b?uploads&versions', 'conflict of uploads, versions'],
    ['POST /b/k?uploads&uploadId=u', 'conflict of uploads, uploadId'],
    ['DELETE /b/k?uploadId=u&tagging', 'conflict of uploadId, tagging'],
    ['PATCH /b/k', 'method-not-allowed'],
    ['TRACE /b/k', 'method-not-allowed'],
    ['get /b/k', 'method-not-allowed'],
    ['LINK /b/k', 'method-not-allowed'],
  ])('%s is %s', (request, expected) => {
    expect(describeRoute(route(request))).toBe(expected);
  });

  test.each([
    ['POST', 'bucket', 'multipart/form-data; boundary=b', true],
    ['POST', 'bucket', 'Multipart/Form-Data', true],
    ['POST', 'bucket', 'multipart/form-data-x', false],
    ['POST', 'bucket', 'application/xml', false],
    ['PUT', 'bucket', 'multipart/form-data; boundary=b', false],
    ['POST', 'object', 'multipart/form-data; boundary=b', false],
  ] as const)('%s of a %s with %s is a browser form: %s', (method, target, type, expected) => {
    expect(isPostForm(method, target, new RequestHeaders(['Content-Type', type]))).toBe(expected);
  });
});

function route(text: string): Route {
  const [method = '', url = '', ...names] = text.split(' ');
  const { bucket, key, query } = parseTarget({ url, host: 'localhost' }, []);
  const target = bucket === undefined ? 'service' : key === undefined ? 'bucket' : 'object';
  const headers = new RequestHeaders(names.flatMap((name) => [name, 'value']));
  return findRoute({ method, target, query, headers });
}

function describeRoute(found: Route): string {
  switch (found.kind) {
    case 'operation':
      return found.name;
    case 'incomplete':
      return `${found.name} lacks ${found.missing}`;
    case 'conflict':
      return `conflict of ${found.parameters.join(', ')}`;
    default:
      return found.kind;
  }
}
