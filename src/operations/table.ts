import { createBucket } from './bucket/create-bucket.ts';
import { deleteBucket } from './bucket/delete-bucket.ts';
import { deleteBucketCors } from './bucket/delete-bucket-cors.ts';
import { deleteBucketEncryption } from './bucket/delete-bucket-encryption.ts';
import { deleteBucketLifecycle } from './bucket/delete-bucket-lifecycle.ts';
import { deleteBucketOwnershipControls } from './bucket/delete-bucket-ownership-controls.ts';
import { deleteBucketPolicy } from './bucket/delete-bucket-policy.ts';
import { deleteBucketReplication } from './bucket/delete-bucket-replication.ts';
import { deleteBucketTagging } from './bucket/delete-bucket-tagging.ts';
import { deleteBucketWebsite } from './bucket/delete-bucket-website.ts';
import { deletePublicAccessBlock } from './bucket/delete-public-access-block.ts';
import { getBucketAccelerateConfiguration } from './bucket/get-bucket-accelerate-configuration.ts';
import { getBucketAcl } from './bucket/get-bucket-acl.ts';
import { getBucketCors } from './bucket/get-bucket-cors.ts';
import { getBucketEncryption } from './bucket/get-bucket-encryption.ts';
import { getBucketLifecycleConfiguration } from './bucket/get-bucket-lifecycle-configuration.ts';
import { getBucketLocation } from './bucket/get-bucket-location.ts';
import { getBucketLogging } from './bucket/get-bucket-logging.ts';
import { getBucketNotificationConfiguration } from './bucket/get-bucket-notification-configuration.ts';
import { getBucketOwnershipControls } from './bucket/get-bucket-ownership-controls.ts';
import { getBucketPolicy } from './bucket/get-bucket-policy.ts';
import { getBucketPolicyStatus } from './bucket/get-bucket-policy-status.ts';
import { getBucketReplication } from './bucket/get-bucket-replication.ts';
import { getBucketRequestPayment } from './bucket/get-bucket-request-payment.ts';
import { getBucketTagging } from './bucket/get-bucket-tagging.ts';
import { getBucketVersioning } from './bucket/get-bucket-versioning.ts';
import { getBucketWebsite } from './bucket/get-bucket-website.ts';
import { getObjectLockConfiguration } from './bucket/get-object-lock-configuration.ts';
import { getPublicAccessBlock } from './bucket/get-public-access-block.ts';
import { headBucket } from './bucket/head-bucket.ts';
import { listMultipartUploads } from './bucket/list-multipart-uploads.ts';
import { listObjectVersions } from './bucket/list-object-versions.ts';
import { listObjects } from './bucket/list-objects.ts';
import { listObjectsV2 } from './bucket/list-objects-v2.ts';
import { putBucketAcl } from './bucket/put-bucket-acl.ts';
import { putBucketCors } from './bucket/put-bucket-cors.ts';
import { putBucketOwnershipControls } from './bucket/put-bucket-ownership-controls.ts';
import { putBucketPolicy } from './bucket/put-bucket-policy.ts';
import { putBucketRequestPayment } from './bucket/put-bucket-request-payment.ts';
import { putBucketTagging } from './bucket/put-bucket-tagging.ts';
import { putBucketVersioning } from './bucket/put-bucket-versioning.ts';
import { putPublicAccessBlock } from './bucket/put-public-access-block.ts';
import { abortMultipartUpload } from './multipart/abort-multipart-upload.ts';
import { completeMultipartUpload } from './multipart/complete-multipart-upload.ts';
import { createMultipartUpload } from './multipart/create-multipart-upload.ts';
import { listParts } from './multipart/list-parts.ts';
import { uploadPart } from './multipart/upload-part.ts';
import { uploadPartCopy } from './multipart/upload-part-copy.ts';
import { copyObject } from './object/copy-object.ts';
import { deleteObject } from './object/delete-object.ts';
import { deleteObjectTagging } from './object/delete-object-tagging.ts';
import { deleteObjects } from './object/delete-objects.ts';
import { getObject } from './object/get-object.ts';
import { getObjectAcl } from './object/get-object-acl.ts';
import { getObjectAttributes } from './object/get-object-attributes.ts';
import { getObjectTagging } from './object/get-object-tagging.ts';
import { headObject } from './object/head-object.ts';
import { putObject } from './object/put-object.ts';
import { putObjectAcl } from './object/put-object-acl.ts';
import { putObjectTagging } from './object/put-object-tagging.ts';
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
  DeleteBucketCors: deleteBucketCors,
  DeleteBucketEncryption: deleteBucketEncryption,
  DeleteBucketIntelligentTieringConfiguration: NOT_IMPLEMENTED,
  DeleteBucketInventoryConfiguration: NOT_IMPLEMENTED,
  DeleteBucketLifecycle: deleteBucketLifecycle,
  DeleteBucketMetadataConfiguration: NOT_IMPLEMENTED,
  DeleteBucketMetadataTableConfiguration: NOT_IMPLEMENTED,
  DeleteBucketMetricsConfiguration: NOT_IMPLEMENTED,
  DeleteBucketOwnershipControls: deleteBucketOwnershipControls,
  DeleteBucketPolicy: deleteBucketPolicy,
  DeleteBucketReplication: deleteBucketReplication,
  DeleteBucketTagging: deleteBucketTagging,
  DeleteBucketWebsite: deleteBucketWebsite,
  DeleteObject: deleteObject,
  DeleteObjectAnnotation: NOT_IMPLEMENTED,
  DeleteObjectTagging: deleteObjectTagging,
  DeleteObjects: deleteObjects,
  DeletePublicAccessBlock: deletePublicAccessBlock,
  GetBucketAbac: NOT_IMPLEMENTED,
  GetBucketAccelerateConfiguration: getBucketAccelerateConfiguration,
  GetBucketAcl: getBucketAcl,
  GetBucketAnalyticsConfiguration: NOT_IMPLEMENTED,
  GetBucketCors: getBucketCors,
  GetBucketEncryption: getBucketEncryption,
  GetBucketIntelligentTieringConfiguration: NOT_IMPLEMENTED,
  GetBucketInventoryConfiguration: NOT_IMPLEMENTED,
  GetBucketLifecycleConfiguration: getBucketLifecycleConfiguration,
  GetBucketLocation: getBucketLocation,
  GetBucketLogging: getBucketLogging,
  GetBucketMetadataConfiguration: NOT_IMPLEMENTED,
  GetBucketMetadataTableConfiguration: NOT_IMPLEMENTED,
  GetBucketMetricsConfiguration: NOT_IMPLEMENTED,
  GetBucketNotificationConfiguration: getBucketNotificationConfiguration,
  GetBucketOwnershipControls: getBucketOwnershipControls,
  GetBucketPolicy: getBucketPolicy,
  GetBucketPolicyStatus: getBucketPolicyStatus,
  GetBucketReplication: getBucketReplication,
  GetBucketRequestPayment: getBucketRequestPayment,
  GetBucketTagging: getBucketTagging,
  GetBucketVersioning: getBucketVersioning,
  GetBucketWebsite: getBucketWebsite,
  GetObject: getObject,
  GetObjectAcl: getObjectAcl,
  GetObjectAnnotation: NOT_IMPLEMENTED,
  GetObjectAttributes: getObjectAttributes,
  GetObjectLegalHold: NOT_IMPLEMENTED,
  GetObjectLockConfiguration: getObjectLockConfiguration,
  GetObjectRetention: NOT_IMPLEMENTED,
  GetObjectTagging: getObjectTagging,
  GetObjectTorrent: NOT_IMPLEMENTED,
  GetPublicAccessBlock: getPublicAccessBlock,
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
  PutBucketAcl: putBucketAcl,
  PutBucketAnalyticsConfiguration: NOT_IMPLEMENTED,
  PutBucketCors: putBucketCors,
  PutBucketEncryption: NOT_IMPLEMENTED,
  PutBucketIntelligentTieringConfiguration: NOT_IMPLEMENTED,
  PutBucketInventoryConfiguration: NOT_IMPLEMENTED,
  PutBucketLifecycleConfiguration: NOT_IMPLEMENTED,
  PutBucketLogging: NOT_IMPLEMENTED,
  PutBucketMetricsConfiguration: NOT_IMPLEMENTED,
  PutBucketNotificationConfiguration: NOT_IMPLEMENTED,
  PutBucketOwnershipControls: putBucketOwnershipControls,
  PutBucketPolicy: putBucketPolicy,
  PutBucketReplication: NOT_IMPLEMENTED,
  PutBucketRequestPayment: putBucketRequestPayment,
  PutBucketTagging: putBucketTagging,
  PutBucketVersioning: putBucketVersioning,
  PutBucketWebsite: NOT_IMPLEMENTED,
  PutObject: putObject,
  PutObjectAcl: putObjectAcl,
  PutObjectAnnotation: NOT_IMPLEMENTED,
  PutObjectLegalHold: NOT_IMPLEMENTED,
  PutObjectLockConfiguration: NOT_IMPLEMENTED,
  PutObjectRetention: NOT_IMPLEMENTED,
  PutObjectTagging: putObjectTagging,
  PutPublicAccessBlock: putPublicAccessBlock,
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
