use aws_sdk_s3::{
    primitives::ByteStream,
    types::{
        ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
        ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration,
        ServerSideEncryptionRule, StorageClass,
    },
};

use crate::harness::{BUCKET, Stack, fault, refused};

#[tokio::test]
async fn attributes_come_back_with_head_and_get() {
    let stack = Stack::start().await;
    let put = stack.owner.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
    let put = put.content_type("application/x-rdb").content_encoding("gzip").metadata("team", "orders");
    let put = put.storage_class(StorageClass::StandardIa);
    put.server_side_encryption(ServerSideEncryption::AwsKms)
        .ssekms_key_id("11111111-2222-3333-4444-555555555555")
        .bucket_key_enabled(true)
        .send()
        .await
        .unwrap();
    let head = stack.owner.head_object().bucket(BUCKET).key("a").send().await.unwrap();
    assert_eq!(head.content_length, Some(5));
    assert_eq!(head.content_type(), Some("application/x-rdb"));
    // `aws-chunked` belongs to the transport, not to the object.
    assert_eq!(head.content_encoding(), Some("gzip"));
    assert_eq!(head.metadata().unwrap()["team"], "orders");
    assert_eq!(head.storage_class(), Some(&StorageClass::StandardIa));
    assert_eq!(head.server_side_encryption(), Some(&ServerSideEncryption::AwsKms));
    let key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555";
    assert_eq!(head.ssekms_key_id(), Some(key));
    assert_eq!(head.bucket_key_enabled(), Some(true));
    assert_eq!(head.version_id(), None);
    let got = stack.owner.get_object().bucket(BUCKET).key("a").send().await.unwrap();
    assert_eq!((got.ssekms_key_id(), got.metadata().unwrap()["team"].as_str()), (Some(key), "orders"));
    stack.server.stop().await;
}

#[tokio::test]
async fn archived_objects_are_seen_but_not_read() {
    let stack = Stack::start().await;
    for class in [StorageClass::Glacier, StorageClass::DeepArchive] {
        let put = stack.owner.put_object().bucket(BUCKET).key("a").storage_class(class.clone());
        put.send().await.unwrap();
        let head = stack.owner.head_object().bucket(BUCKET).key("a").send().await.unwrap();
        assert_eq!(head.storage_class(), Some(&class));
        let got = stack.owner.get_object().bucket(BUCKET).key("a").send().await;
        assert_eq!(refused(got), fault(403, "InvalidObjectState"));
    }
    stack.server.stop().await;
}

#[tokio::test]
async fn a_customers_key_is_needed_to_look() {
    let stack = Stack::start().await;
    let put = stack.owner.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"x"));
    put.sse_customer_algorithm("AES256")
        .sse_customer_key("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
        .sse_customer_key_md5("b1W2Bz2aLc4A1nE3GCQhKQ==")
        .send()
        .await
        .unwrap();
    assert_eq!(refused(stack.owner.head_object().bucket(BUCKET).key("a").send().await).0, 400);
    let got = stack.owner.get_object().bucket(BUCKET).key("a").send().await;
    assert_eq!(refused(got), fault(400, "InvalidRequest"));
    let head = |md5: &str| {
        let head = stack.owner.head_object().bucket(BUCKET).key("a").sse_customer_algorithm("AES256");
        head.sse_customer_key("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").sse_customer_key_md5(md5).send()
    };
    let seen = head("b1W2Bz2aLc4A1nE3GCQhKQ==").await.unwrap();
    assert_eq!((seen.sse_customer_algorithm(), seen.server_side_encryption()), (Some("AES256"), None));
    assert_eq!(refused(head("AAAAAAAAAAAAAAAAAAAAAA==").await).0, 403);
    stack.server.stop().await;
}

#[tokio::test]
async fn objects_get_the_buckets_default_encryption() {
    let stack = Stack::start().await;
    stack.put("a", "x").await;
    let algorithm = async || {
        let head = stack.owner.head_object().bucket(BUCKET).key("a").send().await.unwrap();
        (head.server_side_encryption.unwrap(), head.bucket_key_enabled, head.ssekms_key_id)
    };
    assert_eq!(algorithm().await, (ServerSideEncryption::Aes256, None, None));

    let arn = "arn:aws:kms:us-east-1:123456789012:key/k";
    let default = ServerSideEncryptionByDefault::builder().sse_algorithm(ServerSideEncryption::AwsKms);
    let default = default.kms_master_key_id(arn).build().unwrap();
    let rule = ServerSideEncryptionRule::builder()
        .apply_server_side_encryption_by_default(default)
        .bucket_key_enabled(true)
        .build();
    let configuration = ServerSideEncryptionConfiguration::builder().rules(rule).build().unwrap();
    let put = stack
        .owner
        .put_bucket_encryption()
        .bucket(BUCKET)
        .server_side_encryption_configuration(configuration);
    put.send().await.unwrap();
    // As on S3, existing objects stay unchanged.
    assert_eq!(algorithm().await.0, ServerSideEncryption::Aes256);
    stack.put("a", "y").await;
    assert_eq!(algorithm().await, (ServerSideEncryption::AwsKms, Some(true), Some(arn.to_owned())));
    stack.server.stop().await;
}

#[tokio::test]
async fn the_checksum_of_an_object_is_that_of_its_parts_together() {
    let stack = Stack::start().await;
    let (owner, whole) = (&stack.owner, "rosUhgp5mIg=");
    let create = owner.create_multipart_upload().bucket(BUCKET).key("a");
    let create =
        create.checksum_algorithm(ChecksumAlgorithm::Crc64Nvme).checksum_type(ChecksumType::FullObject);
    let id = create.send().await.unwrap().upload_id.unwrap();
    let part = || owner.upload_part().bucket(BUCKET).key("a").upload_id(&id).part_number(1);
    let other =
        part().body(ByteStream::from_static(b"123456789")).checksum_algorithm(ChecksumAlgorithm::Crc32);
    assert_eq!(refused(other.send().await), fault(400, "InvalidRequest"));
    let wrong = part().body(ByteStream::from_static(b"123456780")).checksum_crc64_nvme(whole);
    assert_eq!(refused(wrong.send().await), fault(400, "BadDigest"));
    // The check value of the algorithm.
    let sent =
        part().body(ByteStream::from_static(b"123456789")).checksum_crc64_nvme(whole).send().await.unwrap();
    let open = owner.list_multipart_uploads().bucket(BUCKET).send().await.unwrap();
    assert_eq!(open.uploads()[0].checksum_algorithm(), Some(&ChecksumAlgorithm::Crc64Nvme));
    let complete = |checksum: &str| {
        let part = CompletedPart::builder().part_number(1).set_e_tag(sent.e_tag.clone()).build();
        let parts = CompletedMultipartUpload::builder().parts(part).build();
        let complete = owner.complete_multipart_upload().bucket(BUCKET).key("a").upload_id(&id);
        complete.multipart_upload(parts).checksum_crc64_nvme(checksum).send()
    };
    assert_eq!(refused(complete("AAAAAAAAAAA=").await), fault(400, "BadDigest"));
    assert_eq!(complete(whole).await.unwrap().checksum_crc64_nvme(), Some(whole));
    let head = owner.head_object().bucket(BUCKET).key("a").checksum_mode(ChecksumMode::Enabled).send().await;
    assert_eq!(head.unwrap().checksum_crc64_nvme(), Some(whole));
    stack.server.stop().await;
}
