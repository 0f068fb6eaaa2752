import { createBucket } from './bucket/create-bucket.ts';
import { deleteBucket } from './bucket/delete-bucket.ts';
import { getBucketLocation } from './bucket/get-bucket-location.ts';
import { getBucketVersioning } from './bucket/get-bucket-versioning.ts';
import { headBucket } from './bucket/head-bucket.ts';
import { listMultipartUploads } from './bucket/list-multipart-uploads.ts';
import { listObjectVersions } from './bucket/list-object-versions.ts';
import { listObjects } from './bucket/list-objects.ts';
import { listObjectsV2 } from './bucket/list-objects-v2.ts';
import { putBucketVersioning } from './bucket/put-bucket-versioning.ts';
import { abortMultipartUpload } from './multipart/abort-multipart-upload.ts';
import { completeMultipartUpload } from './multipart/complete-multipart-upload.ts';
import { createMultipartUpload } from './multipart/create-multipart-upload.ts';
import { listParts } from './multipart/list-parts.ts';
import { uploadPart } from './multipart/upload-part.ts';
import { uploadPartCopy } from './multipart/upload-part-copy.ts';
import { copyObject } from './object/copy-object.ts';
import { deleteObject } from './object/delete-object.ts';
import { deleteObjects } from './object/delete-objects.ts';
import { getObject } from './object/get-object.ts';
import { getObjectAttributes } from './object/get-object-attributes.ts';
import { headObject } from './object/head-object.ts';
import { putObject } from './object/put-object.ts';
import type { AnyOperation } from './operation.ts';
import type { OperationName } from './s3-model.ts';
import { listBuckets } from './service/list-buckets.ts';

/** Answered 501 NotImplemented, by name. */
export const NOT_IMPLEMENTED = 'not-implemented';

/**
 * Every operation that S3 has, and what answers it. An operation the SDK's model knows and this record does not is a
 * compile error; none falls through to another.
 */
export const OPERATIONS: Readonly<Record<OperationName, AnyOperation | typeof NOT_IMPLEMENTED>> = {
  AbortMultipartUpload: abortMultipartUpload,
  CompleteMultipartUpload: completeMultipartUpload,
  CopyObject: copyObject,
  CreateBucket: createBucket,
  CreateBucketMetadataConfiguration: NOT_IMPLEMENTED,
  CreateBucketMetadataTableConfiguration: NOT_IMPLEMENTED,
  CreateMultipartUpload: createMultipartUpload,
  CreateSession: NOT_IMPLEMENTED,
  DeleteBucket: deleteBucket,
  DeleteBucketAnalyticsConfiguration: NOT_IMPLEMENTED,
  DeleteBucketCors: NOT_IMPLEMENTED,
  DeleteBucketEncryption: NOT_IMPLEMENTED,
  DeleteBucketIntelligentTieringConfiguration: NOT_IMPLEMENTED,
  DeleteBucketInventoryConfiguration: NOT_IMPLEMENTED,
  DeleteBucketLifecycle: NOT_IMPLEMENTED,
  DeleteBucketMetadataConfiguration: NOT_IMPLEMENTED,
  DeleteBucketMetadataTableConfiguration: NOT_IMPLEMENTED,
  DeleteBucketMetricsConfiguration: NOT_IMPLEMENTED,
  DeleteBucketOwnershipControls: NOT_IMPLEMENTED,
  DeleteBucketPolicy: NOT_IMPLEMENTED,
  DeleteBucketReplication: NOT_IMPLEMENTED,
  DeleteBucketTagging: NOT_IMPLEMENTED,
  DeleteBucketWebsite: NOT_IMPLEMENTED,
  DeleteObject: deleteObject,
  DeleteObjectAnnotation: NOT_IMPLEMENTED,
  DeleteObjectTagging: NOT_IMPLEMENTED,
  DeleteObjects: deleteObjects,
  DeletePublicAccessBlock: NOT_IMPLEMENTED,
  GetBucketAbac: NOT_IMPLEMENTED,
  GetBucketAccelerateConfiguration: NOT_IMPLEMENTED,
  GetBucketAcl: NOT_IMPLEMENTED,
  GetBucketAnalyticsConfiguration: NOT_IMPLEMENTED,
  GetBucketCors: NOT_IMPLEMENTED,
  GetBucketEncryption: NOT_IMPLEMENTED,
  GetBucketIntelligentTieringConfiguration: NOT_IMPLEMENTED,
  GetBucketInventoryConfiguration: NOT_IMPLEMENTED,
  GetBucketLifecycleConfiguration: NOT_IMPLEMENTED,
  GetBucketLocation: getBucketLocation,
  GetBucketLogging: NOT_IMPLEMENTED,
  GetBucketMetadataConfiguration: NOT_IMPLEMENTED,
  GetBucketMetadataTableConfiguration: NOT_IMPLEMENTED,
  GetBucketMetricsConfiguration: NOT_IMPLEMENTED,
  GetBucketNotificationConfiguration: NOT_IMPLEMENTED,
  GetBucketOwnershipControls: NOT_IMPLEMENTED,
  GetBucketPolicy: NOT_IMPLEMENTED,
  GetBucketPolicyStatus: NOT_IMPLEMENTED,
  GetBucketReplication: NOT_IMPLEMENTED,
  GetBucketRequestPayment: NOT_IMPLEMENTED,
  GetBucketTagging: NOT_IMPLEMENTED,
  GetBucketVersioning: getBucketVersioning,
  GetBucketWebsite: NOT_IMPLEMENTED,
  GetObject: getObject,
  GetObjectAcl: NOT_IMPLEMENTED,
  GetObjectAnnotation: NOT_IMPLEMENTED,
  GetObjectAttributes: getObjectAttributes,
  GetObjectLegalHold: NOT_IMPLEMENTED,
  GetObjectLockConfiguration: NOT_IMPLEMENTED,
  GetObjectRetention: NOT_IMPLEMENTED,
  GetObjectTagging: NOT_IMPLEMENTED,
  GetObjectTorrent: NOT_IMPLEMENTED,
  GetPublicAccessBlock: NOT_IMPLEMENTED,
  HeadBucket: headBucket,
  HeadObject: headObject,
  ListBucketAnalyticsConfigurations: NOT_IMPLEMENTED,
  ListBucketIntelligentTieringConfigurations: NOT_IMPLEMENTED,
  ListBucketInventoryConfigurations: NOT_IMPLEMENTED,
  ListBucketMetricsConfigurations: NOT_IMPLEMENTED,
  ListBuckets: listBuckets,
  ListDirectoryBuckets: NOT_IMPLEMENTED,
  ListMultipartUploads: listMultipartUploads,
  ListObjectAnnotations: NOT_IMPLEMENTED,
  ListObjectVersions: listObjectVersions,
  ListObjects: listObjects,
  ListObjectsV2: listObjectsV2,
  ListParts: listParts,
  PutBucketAbac: NOT_IMPLEMENTED,
  PutBucketAccelerateConfiguration: NOT_IMPLEMENTED,
  PutBucketAcl: NOT_IMPLEMENTED,
  PutBucketAnalyticsConfiguration: NOT_IMPLEMENTED,
  PutBucketCors: NOT_IMPLEMENTED,
  PutBucketEncryption: NOT_IMPLEMENTED,
  PutBucketIntelligentTieringConfiguration: NOT_IMPLEMENTED,
  PutBucketInventoryConfiguration: NOT_IMPLEMENTED,
  PutBucketLifecycleConfiguration: NOT_IMPLEMENTED,
  PutBucketLogging: NOT_IMPLEMENTED,
  PutBucketMetricsConfiguration: NOT_IMPLEMENTED,
  PutBucketNotificationConfiguration: NOT_IMPLEMENTED,
  PutBucketOwnershipControls: NOT_IMPLEMENTED,
  PutBucketPolicy: NOT_IMPLEMENTED,
  PutBucketReplication: NOT_IMPLEMENTED,
  PutBucketRequestPayment: NOT_IMPLEMENTED,
  PutBucketTagging: NOT_IMPLEMENTED,
  PutBucketVersioning: putBucketVersioning,
  PutBucketWebsite: NOT_IMPLEMENTED,
  PutObject: putObject,
  PutObjectAcl: NOT_IMPLEMENTED,
  PutObjectAnnotation: NOT_IMPLEMENTED,
  PutObjectLegalHold: NOT_IMPLEMENTED,
  PutObjectLockConfiguration: NOT_IMPLEMENTED,
  PutObjectRetention: NOT_IMPLEMENTED,
  PutObjectTagging: NOT_IMPLEMENTED,
  PutPublicAccessBlock: NOT_IMPLEMENTED,
  RenameObject: NOT_IMPLEMENTED,
  RestoreObject: NOT_IMPLEMENTED,
  SelectObjectContent: NOT_IMPLEMENTED,
  UpdateBucketMetadataAnnotationTableConfiguration: NOT_IMPLEMENTED,
  UpdateBucketMetadataInventoryTableConfiguration: NOT_IMPLEMENTED,
  UpdateBucketMetadataJournalTableConfiguration: NOT_IMPLEMENTED,
  UpdateObjectEncryption: NOT_IMPLEMENTED,
  UploadPart: uploadPart,
  UploadPartCopy: uploadPartCopy,
  WriteGetObjectResponse: NOT_IMPLEMENTED,
};
