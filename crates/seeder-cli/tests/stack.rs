//! `seeder seed --stack` and `seeder sweep --stack`, with a CloudFormation of this file, and Step Functions and S3
//! of the local stack's interpreter.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{
    path::Path,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_sfn::types::{ExecutionStatus, StateMachineType};
use axum::{Router, http::StatusCode};

/// A machine that is seeded at once.
const MACHINE: &str = r#"{
    "QueryLanguage": "JSONata", "StartAt": "ClusterSeeded",
    "States": {"ClusterSeeded": {"Type": "Succeed", "Output": {"outcome": "seeded", "findings": [], "report": ""}}}
}"#;

/// The interpreter of state machines of the local stack, which serves S3 as well.
struct Moto {
    process: Child,
    endpoint: String,
}

impl Moto {
    async fn start() -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let python = project.join(".venv/bin/python");
        let process = Command::new(&python)
            .arg(project.join("local/step_functions/serve.py"))
            .args(["--port", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; `make setup` installs it", python.display()));
        let mut moto = Self { process, endpoint: format!("http://127.0.0.1:{port}") };
        for _ in 0..600 {
            if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                return moto;
            }
            let ended = moto.process.try_wait().unwrap();
            assert!(ended.is_none(), "moto ended: {ended:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("moto does not listen");
    }

    fn config(&self) -> SdkConfig {
        let credentials = Credentials::new("test", "test", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(&self.endpoint)
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    /// Runs `seeder` with these words, this CloudFormation and no `SEEDER_` variable.
    async fn seeder(&self, words: &[&str], cloudformation: &str) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seeder"));
        command.args(words);
        let variables = ["STACK", "STATE_MACHINE_ARN", "BUCKET", "REPORTS_BUCKET"];
        for name in variables {
            command.env_remove(format!("SEEDER_{name}"));
        }
        command.env_remove("AWS_PROFILE");
        command.envs([("AWS_ENDPOINT_URL", self.endpoint.as_str()), ("AWS_REGION", "us-east-1")]);
        command.env("AWS_ENDPOINT_URL_CLOUDFORMATION", cloudformation);
        command.envs([("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")]);
        tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap()
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Creates a state machine, and returns its ARN.
async fn create_machine(config: &SdkConfig, definition: &str) -> String {
    let machine = aws_sdk_sfn::Client::new(config).create_state_machine().name("seed-cluster");
    let machine = machine.r#type(StateMachineType::Standard).definition(definition);
    let role = "arn:aws:iam::123456789012:role/seed-cluster";
    machine.role_arn(role).send().await.unwrap().state_machine_arn
}

/// A CloudFormation with these stacks, each with these outputs. Returns its endpoint.
async fn cloudformation(stacks: &[(&str, &[(&str, &str)])]) -> String {
    let described: Vec<_> = stacks
        .iter()
        .map(|(name, outputs)| {
            let output = |(key, value): &(&str, &str)| {
                format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
            };
            let outputs: String = outputs.iter().map(output).collect();
            let stack = format!(
                "<StackName>{name}</StackName><CreationTime>2026-01-01T00:00:00Z</CreationTime>\
                 <StackStatus>UPDATE_COMPLETE</StackStatus><Outputs>{outputs}</Outputs>"
            );
            let result = format!("<Stacks><member>{stack}</member></Stacks>");
            let result = format!("<DescribeStacksResult>{result}</DescribeStacksResult>");
            (
                format!("StackName={name}"),
                format!("<DescribeStacksResponse>{result}</DescribeStacksResponse>"),
            )
        })
        .collect();
    let answer = move |form: String| async move {
        assert!(form.contains("Action=DescribeStacks&"), "{form}");
        let found = described.iter().find(|(field, _)| form.split('&').any(|one| one == field));
        let missing = "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>\
                       <Message>Stack with id x does not exist</Message></Error></ErrorResponse>";
        found.map_or((StatusCode::BAD_REQUEST, missing.to_owned()), |(_, xml)| (StatusCode::OK, xml.clone()))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    endpoint
}

#[tokio::test]
async fn seed_takes_the_state_machine_from_the_outputs_of_the_stack() {
    let moto = Moto::start().await;
    let config = moto.config();
    let arn = create_machine(&config, MACHINE).await;
    let outputs = [("StateMachineArn", arn.as_str()), ("DropBucketName", "drops")];
    let endpoint = cloudformation(&[("elasticache-seeder", &outputs), ("another", &[("Other", "x")])]).await;

    // The default name.
    let seed = ["seed", "s3://backups/orders.rdb"];
    let output = moto.seeder(&[&seed[..], &["--json"]].concat(), &endpoint).await;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    assert!(errors.contains("ClusterSeeded"), "{errors}");
    assert!(String::from_utf8_lossy(&output.stdout).contains(r#""outcome":"seeded""#), "{errors}");

    // A file goes to the stack's bucket.
    let s3 = aws_sdk_s3::Client::new(&config);
    s3.create_bucket().bucket("drops").send().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("dump.rdb");
    std::fs::write(&file, b"REDIS0010\xfe\x00\x00\x01k\x01v\xff\0\0\0\0\0\0\0\0").unwrap();
    let output = moto.seeder(&["seed", file.to_str().unwrap()], &endpoint).await;
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{errors}");
    let objects = s3.list_objects_v2().bucket("drops").prefix("sets/dump-").send().await.unwrap();
    assert_eq!(objects.contents().len(), 1, "{errors}");

    for (words, says) in [
        (["--stack", "missing"], "no CloudFormation stack missing in region us-east-1"),
        (["--stack", "another"], "the CloudFormation stack another has no output StateMachineArn"),
    ] {
        let output = moto.seeder(&[&seed[..], &words].concat(), &endpoint).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{errors}");
        assert!(errors.contains(says), "{errors}");
    }
}

#[tokio::test]
async fn sweep_finds_the_journals_in_the_reports_bucket_of_the_stack() {
    let moto = Moto::start().await;
    let config = moto.config();
    let failing =
        r#"{"StartAt": "Failed", "States": {"Failed": {"Type": "Fail", "Error": "SeedingFailed"}}}"#;
    let arn = create_machine(&config, failing).await;
    let machines = aws_sdk_sfn::Client::new(&config);
    let start = machines.start_execution().state_machine_arn(&arn).name("orders-1").send().await.unwrap();
    let runs = async || {
        let described = machines.describe_execution().execution_arn(start.execution_arn()).send().await;
        *described.unwrap().status() == ExecutionStatus::Running
    };
    while runs().await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let s3 = aws_sdk_s3::Client::new(&config);
    s3.create_bucket().bucket("reports").send().await.unwrap();
    for key in ["orders-1/create.json", "orders-1/revoked.json", "gone-1/grant.json", "seeded-1/report.json"]
    {
        let put = s3.put_object().bucket("reports").key(format!("executions/{key}"));
        put.body(b"{}".to_vec().into()).send().await.unwrap();
    }
    let outputs = [("StateMachineArn", arn.as_str()), ("ReportsBucketName", "reports")];
    let endpoint = cloudformation(&[("seeds", &outputs)]).await;

    for more in [&["--dry-run"][..], &[]] {
        let output = moto.seeder(&[&["sweep", "--stack", "seeds"], more].concat(), &endpoint).await;
        let (text, errors) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{errors}");
        assert!(text.contains("orders-1: ended less than an hour ago"), "{text}{errors}");
        assert!(text.contains("gone-1: not known to Step Functions"), "{text}{errors}");
        assert!(text.ends_with("2 with open journals, 0 clean-ups started\n") || !more.is_empty(), "{text}");
    }
}
