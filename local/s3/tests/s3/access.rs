use aws_sdk_s3::types::{
    AccessControlPolicy, Grant, Grantee, ObjectCannedAcl, ObjectOwnership, Owner, OwnershipControls,
    OwnershipControlsRule, Permission, Type,
};
use local_s3::SERVICE_CANONICAL_ID;

use crate::harness::{BUCKET, Stack, fault, refused};

fn policy(resource: &str) -> String {
    // S3 keeps the spaces and the order of the writer.
    format!(
        "{{ \"Version\":\"2012-10-17\",\n \"Statement\": [{{\"Sid\":\"x\", \"Effect\":\"Allow\",\
         \"Principal\":{{\"Service\":\"us-east-1.elasticache-snapshot.amazonaws.com\"}},\
         \"Action\":[\"s3:GetObject\",\"s3:ListBucket\",\"s3:GetBucketAcl\"],\
         \"Resource\":[\"arn:aws:s3:::{BUCKET}\",\"arn:aws:s3:::{BUCKET}/{resource}\"]}}] }}"
    )
}

#[tokio::test]
async fn the_service_reads_only_while_the_policy_says_so() {
    let stack = Stack::start().await;
    stack.put("a b.rdb", "x").await;
    stack.put("other.rdb", "x").await;
    let get = |key: &str| stack.service.get_object().bucket(BUCKET).key(key).send();
    let head = |key: &str| stack.service.head_object().bucket(BUCKET).key(key).send();
    assert_eq!(refused(get("a b.rdb").await), fault(403, "AccessDenied"));
    assert_eq!(refused(head("a b.rdb").await).0, 403);

    stack.owner.put_bucket_policy().bucket(BUCKET).policy(policy("a b.rdb")).send().await.unwrap();
    assert!(get("a b.rdb").await.is_ok() && head("a b.rdb").await.is_ok());
    assert_eq!(refused(get("other.rdb").await), fault(403, "AccessDenied"));
    assert!(stack.service.get_bucket_acl().bucket(BUCKET).send().await.is_ok());
    assert!(stack.service.list_objects_v2().bucket(BUCKET).send().await.is_ok());
    let write = stack.service.put_object().bucket(BUCKET).key("a b.rdb").send().await;
    assert_eq!(refused(write), fault(403, "AccessDenied"));

    stack.owner.delete_bucket_policy().bucket(BUCKET).send().await.unwrap();
    assert_eq!(refused(get("a b.rdb").await), fault(403, "AccessDenied"));
    stack.server.stop().await;
}

#[tokio::test]
async fn a_policy_comes_back_to_the_byte() {
    let stack = Stack::start().await;
    let get = || stack.owner.get_bucket_policy().bucket(BUCKET).send();
    assert_eq!(refused(get().await), fault(404, "NoSuchBucketPolicy"));
    let text = policy("*");
    stack.owner.put_bucket_policy().bucket(BUCKET).policy(&text).send().await.unwrap();
    assert_eq!(get().await.unwrap().policy.unwrap(), text);

    let put = |text: String| stack.owner.put_bucket_policy().bucket(BUCKET).policy(text).send();
    let long = |bytes: usize| format!("{}{text}", " ".repeat(bytes - text.len()));
    for bad in ["not json".to_owned(), "{}".to_owned(), text.replace(BUCKET, "elsewhere"), long(20_481)] {
        assert_eq!(refused(put(bad).await), fault(400, "MalformedPolicy"));
    }
    assert_eq!(get().await.unwrap().policy.unwrap(), text);
    put(long(20_480)).await.unwrap();
    assert_eq!(get().await.unwrap().policy.unwrap(), long(20_480));
    stack.server.stop().await;
}

#[tokio::test]
async fn an_explicit_deny_stops_the_owner_too() {
    let stack = Stack::start().await;
    stack.put("a", "x").await;
    let deny = format!(
        r#"{{"Statement":{{"Effect":"Deny","Principal":"*","Action":"s3:GetObject",
            "Resource":"arn:aws:s3:::{BUCKET}/a"}}}}"#
    );
    stack.owner.put_bucket_policy().bucket(BUCKET).policy(deny).send().await.unwrap();
    let got = stack.owner.get_object().bucket(BUCKET).key("a").send().await;
    assert_eq!(refused(got), fault(403, "AccessDenied"));
    stack.server.stop().await;
}

#[tokio::test]
async fn grants_work_only_where_acls_are_on() {
    let stack = Stack::start().await;
    stack.put("a", "x").await;
    let acl = stack.owner.get_object_acl().bucket(BUCKET).key("a").send().await.unwrap();
    let owner: Owner = acl.owner.unwrap();
    let grant = |id: &str, permission: Permission| {
        let grantee = Grantee::builder().r#type(Type::CanonicalUser).id(id).build().unwrap();
        Grant::builder().grantee(grantee).permission(permission).build()
    };
    let wanted = AccessControlPolicy::builder()
        .owner(owner.clone())
        .grants(grant(owner.id().unwrap(), Permission::FullControl))
        .grants(grant(SERVICE_CANONICAL_ID, Permission::Read))
        .grants(grant(SERVICE_CANONICAL_ID, Permission::ReadAcp))
        .build();
    let put =
        || stack.owner.put_object_acl().bucket(BUCKET).key("a").access_control_policy(wanted.clone()).send();
    let ownership = |ownership: ObjectOwnership| {
        let rule = OwnershipControlsRule::builder().object_ownership(ownership).build().unwrap();
        let controls = OwnershipControls::builder().rules(rule).build().unwrap();
        stack.owner.put_bucket_ownership_controls().bucket(BUCKET).ownership_controls(controls).send()
    };
    let get = || stack.service.get_object().bucket(BUCKET).key("a").send();

    assert_eq!(refused(put().await), fault(400, "AccessControlListNotSupported"));
    let canned = |acl: ObjectCannedAcl| stack.owner.put_object().bucket(BUCKET).key("b").acl(acl).send();
    assert_eq!(
        refused(canned(ObjectCannedAcl::PublicRead).await),
        fault(400, "AccessControlListNotSupported")
    );
    assert!(canned(ObjectCannedAcl::BucketOwnerFullControl).await.is_ok());

    ownership(ObjectOwnership::BucketOwnerPreferred).await.unwrap();
    assert_eq!(refused(get().await), fault(403, "AccessDenied"));
    put().await.unwrap();
    assert!(get().await.is_ok());
    let seen = stack.service.get_object_acl().bucket(BUCKET).key("a").send().await.unwrap();
    assert_eq!(seen.grants().len(), 3);
    assert!(stack.service.head_object().bucket(BUCKET).key("a").send().await.is_ok());

    ownership(ObjectOwnership::BucketOwnerEnforced).await.unwrap();
    assert_eq!(refused(get().await), fault(403, "AccessDenied"));

    stack.owner.delete_bucket_ownership_controls().bucket(BUCKET).send().await.unwrap();
    let none = stack.owner.get_bucket_ownership_controls().bucket(BUCKET).send().await;
    assert_eq!(refused(none), fault(404, "OwnershipControlsNotFoundError"));
    let header = format!("id=\"{SERVICE_CANONICAL_ID}\"");
    stack.owner.put_object_acl().bucket(BUCKET).key("b").grant_read(header).send().await.unwrap();
    assert!(stack.service.get_object().bucket(BUCKET).key("b").send().await.is_ok());
    stack.server.stop().await;
}

#[tokio::test]
async fn another_account_as_expected_owner_is_refused() {
    let stack = Stack::start().await;
    stack.put("a", "x").await;
    let get =
        |owner: &str| stack.owner.get_object().bucket(BUCKET).key("a").expected_bucket_owner(owner).send();
    assert!(get("123456789012").await.is_ok());
    assert_eq!(refused(get("999999999999").await), fault(403, "AccessDenied"));
    let policy =
        stack.owner.get_bucket_policy().bucket(BUCKET).expected_bucket_owner("999999999999").send().await;
    assert_eq!(refused(policy), fault(403, "AccessDenied"));
    stack.server.stop().await;
}
