use seeder_aws::test_util::{Answer, Wire, lost, query, query_error, script};

use super::*;

const DESCRIBE: &str = "cloudformation Action=DescribeStacks&StackName=seeds";

/// A stack of this status, with these outputs.
fn stack(status: &str, outputs: &[(&str, &str)]) -> Answer {
    let outputs = outputs
        .iter()
        .map(|(key, value)| {
            format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
        })
        .collect::<Vec<_>>()
        .concat();
    let stack = format!(
        "<member><StackName>seeds</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>\
         <StackStatus>{status}</StackStatus><Outputs>{outputs}</Outputs></member>"
    );
    query("DescribeStacks", &format!("<Stacks>{stack}</Stacks>"))
}

async fn resolve(wire: &Wire, given: [Option<&str>; 2]) -> Result<[String; 2], StackError> {
    let clients = wire.clients();
    let [bucket, machine] = given;
    Stack::new(&clients, "seeds").resolve([(DROP_BUCKET, bucket), (STATE_MACHINE, machine)]).await
}

#[tokio::test]
async fn what_is_not_given_is_an_output_of_the_stack() {
    for status in USABLE {
        let outputs = [("StateMachineArn", "arn:m"), ("Other", "x"), ("DropBucketName", "drops")];
        let wire = script().on(DESCRIBE, stack(status, &outputs));
        assert_eq!(resolve(&wire, [None, None]).await.unwrap(), ["drops", "arn:m"]);
        wire.done();
    }
}

#[tokio::test]
async fn what_is_given_is_used_instead_of_the_output() {
    let wire = script().on(DESCRIBE, stack("UPDATE_COMPLETE", &[("DropBucketName", "drops")]));
    assert_eq!(resolve(&wire, [None, Some("arn:mine")]).await.unwrap(), ["drops", "arn:mine"]);
    wire.done();
}

#[tokio::test]
async fn without_anything_to_find_cloudformation_is_not_asked() {
    let wire = script();
    assert_eq!(resolve(&wire, [Some("mine"), Some("arn:mine")]).await.unwrap(), ["mine", "arn:mine"]);
    wire.done();
}

#[tokio::test]
async fn a_stack_that_does_not_exist_is_named_with_its_place() {
    let answer = query_error(400, "ValidationError", "Stack with id seeds does not exist");
    let wire = script().on(DESCRIBE, answer);
    let error = resolve(&wire, [None, None]).await.unwrap_err();
    wire.done();
    assert!(error.is_usage());
    assert_eq!(
        error.to_string(),
        "no CloudFormation stack seeds in region us-east-1\nhint: name the stack with --stack or SEEDER_STACK, \
         check AWS_REGION and AWS_PROFILE, or give --bucket and --state-machine"
    );
}

#[tokio::test]
async fn a_stack_in_a_status_without_resources_is_not_used() {
    let outputs = [("StateMachineArn", "arn:m"), ("DropBucketName", "drops")];
    for (status, hint) in [
        ("ROLLBACK_COMPLETE", "deploy it again"),
        ("DELETE_FAILED", "deploy it again"),
        ("REVIEW_IN_PROGRESS", "deploy it again"),
        ("DELETE_IN_PROGRESS", "wait until it is complete"),
        ("CREATE_IN_PROGRESS", "wait until it is complete"),
        ("SOMETHING_NEW", "deploy it again"),
    ] {
        let wire = script().on(DESCRIBE, stack(status, &outputs));
        let error = resolve(&wire, [None, None]).await.unwrap_err();
        wire.done();
        assert!(error.is_usage());
        let text = error.to_string();
        assert!(text.starts_with(&format!("the CloudFormation stack seeds is {status} in ")), "{text}");
        assert!(text.contains(&format!("hint: {hint}")), "{text}");
    }
}

#[tokio::test]
async fn an_output_of_a_newer_template_is_missing_by_its_name() {
    let wire = script().on(DESCRIBE, stack("CREATE_COMPLETE", &[("DropBucketName", "drops")]));
    let error = resolve(&wire, [None, None]).await.unwrap_err();
    assert!(error.is_usage());
    let text = error.to_string();
    assert!(text.starts_with("the CloudFormation stack seeds has no output StateMachineArn\n"), "{text}");
    assert!(text.ends_with("or give --state-machine"), "{text}");
}

#[tokio::test]
async fn a_refusal_names_the_permission() {
    let denied = "User: arn:aws:iam::123456789012:user/dev is not authorized";
    let wire = script().on(DESCRIBE, query_error(403, "AccessDenied", denied));
    let error = resolve(&wire, [Some("mine"), None]).await.unwrap_err();
    assert!(!error.is_usage());
    let text = error.to_string();
    assert!(text.contains(denied), "{text}");
    assert!(text.contains("allow cloudformation:DescribeStacks on the stack seeds, or give --state-machine"));
}

#[tokio::test]
async fn other_failures_are_in_awss_own_words() {
    for (answer, says) in [
        (query_error(403, "ExpiredToken", "The security token is expired"), "ExpiredToken"),
        (query_error(400, "Throttling", "Rate exceeded"), "Rate exceeded"),
        (query_error(400, "ValidationError", "1 validation error detected"), "1 validation error detected"),
        (lost(), "the connection failed"),
        (query("DescribeStacks", "<Stacks/>"), "returned no stack"),
    ] {
        let wire = script().on(DESCRIBE, answer);
        let error = resolve(&wire, [None, None]).await.unwrap_err();
        wire.done();
        assert!(!error.is_usage(), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[tokio::test]
async fn without_credentials_or_region_the_message_says_how_to_give_them() {
    let base = || aws_config::SdkConfig::builder().behavior_version(aws_config::BehaviorVersion::latest());
    for (config, says) in [
        (base().region(aws_config::Region::new("eu-west-1")).build(), "no AWS credentials"),
        (base().build(), "set AWS_REGION"),
    ] {
        let clients = Clients::from_config(config);
        let stack = Stack::new(&clients, "seeds");
        let error = stack.resolve([(STATE_MACHINE, None)]).await.unwrap_err();
        assert!(error.to_string().contains(says), "{error}");
    }
}
