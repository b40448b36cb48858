use aws_sdk_s3::{
    error::SdkError,
    types::{BucketLocationConstraint, CreateBucketConfiguration},
};

use crate::harness::{BUCKET, Stack, client, fault, refused};

#[tokio::test]
async fn a_bucket_is_made_once_and_found_again() {
    let stack = Stack::start().await;
    stack.owner.create_bucket().bucket(BUCKET).send().await.unwrap();
    let head = stack.owner.head_bucket().bucket(BUCKET).send().await.unwrap();
    assert_eq!(head.bucket_region(), Some("us-east-1"));
    assert_eq!(refused(stack.owner.head_bucket().bucket("none").send().await).0, 404);
    let listed = stack.owner.list_buckets().send().await.unwrap();
    assert_eq!(listed.buckets()[0].name(), Some(BUCKET));
    let bad = stack.owner.create_bucket().bucket("Not_DNS").send().await;
    assert_eq!(refused(bad), fault(400, "InvalidBucketName"));
    stack.server.stop().await;
}

#[tokio::test]
async fn a_bucket_of_another_region_says_where_it_is() {
    let stack = Stack::start().await;
    let frankfurt = client(stack.server.endpoint(), "anyone", "eu-central-1");
    let place = CreateBucketConfiguration::builder()
        .location_constraint(BucketLocationConstraint::EuCentral1)
        .build();
    let create = frankfurt.create_bucket().bucket("frankfurt").create_bucket_configuration(place);
    create.send().await.unwrap();
    assert!(frankfurt.head_bucket().bucket("frankfurt").send().await.is_ok());

    let region = |error: &aws_sdk_s3::config::http::HttpResponse| {
        error.headers().get("x-amz-bucket-region").map(ToOwned::to_owned)
    };
    let head = stack.owner.head_bucket().bucket("frankfurt").send().await.unwrap_err();
    let SdkError::ServiceError(head) = head else { panic!("{head:?}") };
    assert_eq!((head.raw().status().as_u16(), region(head.raw()).as_deref()), (301, Some("eu-central-1")));
    let list = stack.owner.list_objects_v2().bucket("frankfurt").send().await;
    assert_eq!(refused(list), fault(301, "PermanentRedirect"));
    // Any Region may be asked for the location.
    let location = stack.owner.get_bucket_location().bucket("frankfurt").send().await.unwrap();
    assert_eq!(location.location_constraint(), Some(&BucketLocationConstraint::EuCentral1));
    stack.server.stop().await;
}
