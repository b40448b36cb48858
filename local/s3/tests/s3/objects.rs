use aws_sdk_s3::{
    primitives::ByteStream,
    types::{
        BucketVersioningStatus, ChecksumAlgorithm, CompletedMultipartUpload, CompletedPart, Delete,
        ObjectIdentifier, VersioningConfiguration,
    },
};
use futures::future::join_all;

use crate::harness::{BUCKET, Stack, fault, refused};

#[tokio::test]
async fn bytes_come_back_whole_and_in_ranges() {
    let stack = Stack::start().await;
    // Larger than any buffer, so that it is transferred in several pieces.
    let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    let put = stack.owner.put_object().bucket(BUCKET).key("a.rdb").body(ByteStream::from(content.clone()));
    put.send().await.unwrap();
    assert_eq!(stack.body("a.rdb").await, content);

    let ranged = async |range: &str| {
        let got = stack.owner.get_object().bucket(BUCKET).key("a.rdb").range(range).send().await.unwrap();
        (got.content_range.clone().unwrap(), got.body.collect().await.unwrap().to_vec())
    };
    let (range, bytes) = ranged("bytes=1000000-2999998").await;
    assert_eq!(
        (range.as_str(), bytes.as_slice()),
        ("bytes 1000000-2999998/3000000", &content[1_000_000..2_999_999])
    );
    let (range, bytes) = ranged("bytes=-3").await;
    assert_eq!((range.as_str(), bytes.as_slice()), ("bytes 2999997-2999999/3000000", &content[2_999_997..]));
    let (range, bytes) = ranged("bytes=2999999-9999999").await;
    assert_eq!((range.as_str(), bytes.as_slice()), ("bytes 2999999-2999999/3000000", &content[2_999_999..]));

    let beyond = stack.owner.get_object().bucket(BUCKET).key("a.rdb").range("bytes=3000000-").send().await;
    assert_eq!(refused(beyond), fault(416, "InvalidRange"));
    stack.server.stop().await;
}

#[tokio::test]
async fn the_etag_is_the_md5_and_guards_reads() {
    let stack = Stack::start().await;
    let etag = stack.put("a", "hello").await;
    assert_eq!(etag, "\"5d41402abc4b2a76b9719d911017c592\"");
    let read = |etag: &str| {
        stack.owner.get_object().bucket(BUCKET).key("a").if_match(etag).range("bytes=0-1").send()
    };
    assert!(read(&etag).await.is_ok());
    stack.put("a", "other").await;
    assert_eq!(refused(read(&etag).await), fault(412, "PreconditionFailed"));
    stack.server.stop().await;
}

#[tokio::test]
async fn keys_of_any_characters_are_safe() {
    let stack = Stack::start().await;
    let keys = ["a b+c,d.rdb", "../../etc/passwd", "ä/ö%2F.rdb", "a//b/", "x?y=z&w#v", "...", "~(1)*'!"];
    for key in keys {
        stack.put(key, "x").await;
        assert_eq!(stack.body(key).await, b"x", "{key}");
        let head = stack.owner.head_object().bucket(BUCKET).key(key).send().await.unwrap();
        assert_eq!(head.content_length, Some(1));
        let source = format!(
            "{BUCKET}/{}",
            percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC)
        );
        let copy = stack.owner.copy_object().bucket(BUCKET).key(format!("{key}.copy")).copy_source(source);
        copy.send().await.unwrap();
    }
    let listed = stack.owner.list_objects_v2().bucket(BUCKET).send().await.unwrap();
    let listed: Vec<&str> = listed.contents().iter().filter_map(|object| object.key()).collect();
    assert!(keys.iter().all(|key| listed.contains(key)), "{listed:?}");
    assert_eq!(listed.len(), 2 * keys.len());
    // The store writes only to its own folder, and copies share the bytes of their source.
    assert_eq!(stack.files(), keys.len());
    assert_eq!(std::fs::read_dir(stack.root.path()).unwrap().count(), 1);
    stack.server.stop().await;
}

#[tokio::test]
async fn only_one_of_many_writers_takes_the_lease() {
    let stack = Stack::start().await;
    let tries = (0..20).map(|holder: u32| {
        let put = stack.owner.put_object().bucket(BUCKET).key("lease").if_none_match("*");
        put.body(ByteStream::from(holder.to_string().into_bytes())).send()
    });
    let (taken, lost): (Vec<_>, Vec<_>) = join_all(tries).await.into_iter().partition(Result::is_ok);
    assert_eq!((taken.len(), lost.len()), (1, 19));
    for lost in lost {
        assert_eq!(refused(lost), fault(412, "PreconditionFailed"));
    }
    let etag = taken.into_iter().next().unwrap().unwrap().e_tag.unwrap();

    // The holder renews the lease, and any other caller fails.
    let renew = stack.owner.put_object().bucket(BUCKET).key("lease").if_match(&etag).body(vec![b'x'].into());
    let renewed = renew.send().await.unwrap().e_tag.unwrap();
    let delete = |etag: &str| stack.owner.delete_object().bucket(BUCKET).key("lease").if_match(etag).send();
    assert_eq!(refused(delete(&etag).await), fault(412, "PreconditionFailed"));
    delete(&renewed).await.unwrap();
    assert_eq!(refused(delete(&renewed).await), fault(404, "NoSuchKey"));
    stack.server.stop().await;
}

#[tokio::test]
async fn parts_make_an_object_with_a_composite_etag() {
    let stack = Stack::start().await;
    let client = &stack.owner;
    let begun =
        client.create_multipart_upload().bucket(BUCKET).key("big").content_type("x/y").send().await.unwrap();
    let upload_id = begun.upload_id.unwrap();
    let parts = [vec![1_u8; 5 << 20], vec![2_u8; 5 << 20], vec![3_u8; 7]];
    let mut completed = Vec::new();
    // Out of order, as in parallel uploads.
    for number in [3, 1, 2] {
        let body = ByteStream::from(parts[number - 1].clone());
        let number = i32::try_from(number).unwrap();
        let part = client.upload_part().bucket(BUCKET).key("big").upload_id(&upload_id).part_number(number);
        let etag = part.body(body).send().await.unwrap().e_tag.unwrap();
        completed.push(CompletedPart::builder().part_number(number).e_tag(etag).build());
    }
    completed.sort_by_key(|part| part.part_number);
    let listed = client.list_parts().bucket(BUCKET).key("big").upload_id(&upload_id).send().await.unwrap();
    assert_eq!(
        listed.parts().iter().map(|part| part.size.unwrap()).collect::<Vec<_>>(),
        [5 << 20, 5 << 20, 7]
    );

    let complete = |parts: Vec<CompletedPart>| {
        let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
        client
            .complete_multipart_upload()
            .bucket(BUCKET)
            .key("big")
            .upload_id(&upload_id)
            .multipart_upload(parts)
            .send()
    };
    let swapped = vec![completed[1].clone(), completed[0].clone()];
    assert_eq!(refused(complete(swapped).await), fault(400, "InvalidPartOrder"));
    let etag = complete(completed).await.unwrap().e_tag.unwrap();
    assert!(etag.ends_with("-3\""), "{etag}");

    let whole = parts.concat();
    assert_eq!(stack.body("big").await, whole);
    let across =
        client.get_object().bucket(BUCKET).key("big").range("bytes=5242870-10485765").send().await.unwrap();
    assert_eq!(across.body.collect().await.unwrap().to_vec(), &whole[5_242_870..10_485_766]);
    let head = client.head_object().bucket(BUCKET).key("big").send().await.unwrap();
    assert_eq!((head.e_tag.unwrap(), head.content_type.unwrap()), (etag, "x/y".to_owned()));

    // A copy is a single object again, and parts can be copied from objects.
    let copied =
        client.copy_object().bucket(BUCKET).key("copy").copy_source(format!("{BUCKET}/big")).send().await;
    let copied = copied.unwrap().copy_object_result.unwrap().e_tag.unwrap();
    assert!(!copied.contains('-'), "{copied}");
    let begun = client.create_multipart_upload().bucket(BUCKET).key("tail").send().await.unwrap();
    let upload_id = begun.upload_id.unwrap();
    let part = client.upload_part_copy().bucket(BUCKET).key("tail").upload_id(&upload_id).part_number(1);
    let part =
        part.copy_source(format!("{BUCKET}/big")).copy_source_range("bytes=10485758-10485766").send().await;
    let etag = part.unwrap().copy_part_result.unwrap().e_tag.unwrap();
    let part = CompletedPart::builder().part_number(1).e_tag(etag).build();
    let parts = CompletedMultipartUpload::builder().parts(part).build();
    let complete = client.complete_multipart_upload().bucket(BUCKET).key("tail").upload_id(&upload_id);
    complete.multipart_upload(parts).send().await.unwrap();
    assert_eq!(stack.body("tail").await, [2, 2, 3, 3, 3, 3, 3, 3, 3]);
    stack.server.stop().await;
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let stack = Stack::start().await;
    let begun = stack.owner.create_multipart_upload().bucket(BUCKET).key("big").send().await.unwrap();
    let upload_id = begun.upload_id.unwrap();
    let part = || {
        let part = stack.owner.upload_part().bucket(BUCKET).key("big").upload_id(&upload_id).part_number(1);
        part.body(ByteStream::from_static(b"x")).send()
    };
    part().await.unwrap();
    assert_eq!(stack.files(), 1);
    stack
        .owner
        .abort_multipart_upload()
        .bucket(BUCKET)
        .key("big")
        .upload_id(&upload_id)
        .send()
        .await
        .unwrap();
    assert_eq!(stack.files(), 0);
    assert_eq!(refused(part().await), fault(404, "NoSuchUpload"));
    stack.server.stop().await;
}

#[tokio::test]
async fn damaged_uploads_are_refused() {
    let stack = Stack::start().await;
    let put = || stack.owner.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(b"hello"));
    for algorithm in [
        ChecksumAlgorithm::Crc32,
        ChecksumAlgorithm::Crc32C,
        ChecksumAlgorithm::Crc64Nvme,
        ChecksumAlgorithm::Sha1,
        ChecksumAlgorithm::Sha256,
    ] {
        put().checksum_algorithm(algorithm).send().await.unwrap();
        assert_eq!(stack.body("a").await, b"hello");
    }
    put().content_md5("XUFAKrxLKna5cZ2REBfFkg==").send().await.unwrap();
    let wrong = put().content_md5("AAAAAAAAAAAAAAAAAAAAAA==").send().await;
    assert_eq!(refused(wrong), fault(400, "BadDigest"));
    let wrong = put().checksum_crc32("AAAAAA==").send().await;
    assert_eq!(refused(wrong), fault(400, "BadDigest"));
    assert_eq!(stack.body("a").await, b"hello");
    stack.server.stop().await;
}

#[tokio::test]
async fn listings_page_and_fold() {
    let stack = Stack::start().await;
    for key in ["a", "b/1", "b/2", "c/1", "d"] {
        stack.put(key, "").await;
    }
    let mut entries = Vec::new();
    let mut pages =
        stack.owner.list_objects_v2().bucket(BUCKET).delimiter("/").max_keys(1).into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.unwrap();
        assert_eq!(page.key_count, Some(1));
        entries.extend(page.contents().iter().map(|object| object.key().unwrap().to_owned()));
        entries.extend(page.common_prefixes().iter().map(|prefix| prefix.prefix().unwrap().to_owned()));
    }
    assert_eq!(entries, ["a", "b/", "c/", "d"]);
    let inside = stack.owner.list_objects_v2().bucket(BUCKET).prefix("b/").send().await.unwrap();
    assert_eq!(inside.contents().len(), 2);

    let busy = stack.owner.delete_bucket().bucket(BUCKET).send().await;
    assert_eq!(refused(busy), fault(409, "BucketNotEmpty"));
    let named = ["a", "b/1", "b/2", "c/1", "d", "never"]
        .map(|key| ObjectIdentifier::builder().key(key).build().unwrap());
    let delete = Delete::builder().set_objects(Some(named.to_vec())).build().unwrap();
    let deleted = stack.owner.delete_objects().bucket(BUCKET).delete(delete).send().await.unwrap();
    assert_eq!((deleted.deleted().len(), deleted.errors().len()), (6, 0));
    assert_eq!(stack.files(), 0);
    stack.owner.delete_bucket().bucket(BUCKET).send().await.unwrap();
    let gone = stack.owner.list_objects_v2().bucket(BUCKET).send().await;
    assert_eq!(refused(gone), fault(404, "NoSuchBucket"));
    stack.server.stop().await;
}

#[tokio::test]
async fn older_versions_stay_readable() {
    let stack = Stack::start().await;
    stack.put("a", "zero").await;
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    let put = stack.owner.put_bucket_versioning().bucket(BUCKET).versioning_configuration(enabled);
    put.send().await.unwrap();
    let version = async |body: &'static str| {
        let put =
            stack.owner.put_object().bucket(BUCKET).key("a").body(ByteStream::from_static(body.as_bytes()));
        put.send().await.unwrap().version_id.unwrap()
    };
    let (one, two) = (version("one").await, version("two").await);
    assert_ne!(one, two);
    let read = async |id: &str| {
        let got = stack.owner.get_object().bucket(BUCKET).key("a").version_id(id).send().await.unwrap();
        got.body.collect().await.unwrap().to_vec()
    };
    assert_eq!(read(&one).await, b"one");
    assert_eq!(read("null").await, b"zero");
    assert_eq!(stack.body("a").await, b"two");

    let marker = stack.owner.delete_object().bucket(BUCKET).key("a").send().await.unwrap();
    assert_eq!(marker.delete_marker, Some(true));
    let gone = stack.owner.get_object().bucket(BUCKET).key("a").send().await;
    assert_eq!(refused(gone), fault(404, "NoSuchKey"));
    assert_eq!(read(&two).await, b"two");
    let all = stack.owner.list_object_versions().bucket(BUCKET).send().await.unwrap();
    assert_eq!((all.versions().len(), all.delete_markers().len()), (3, 1));
    let undo = stack.owner.delete_object().bucket(BUCKET).key("a").version_id(marker.version_id.unwrap());
    undo.send().await.unwrap();
    assert_eq!(stack.body("a").await, b"two");
    stack.server.stop().await;
}
