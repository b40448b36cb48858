//! `seeder.toml`, `--profile` and `--region`, by the requests that a command sends.

#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use std::{
    fs,
    process::{Command, Output},
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    http::{HeaderMap, StatusCode},
};
use tempfile::TempDir;
use tokio::task::spawn_blocking;

/// An AWS that refuses everything, and notes who asked for what in which region.
struct Aws {
    endpoint: String,
    asked: Arc<Mutex<Vec<String>>>,
    folder: TempDir,
}

impl Aws {
    async fn new() -> Self {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let answer = move |headers: HeaderMap, body: String| async move {
            let signed = headers["authorization"].to_str().unwrap().to_owned();
            noted.lock().unwrap().push(format!("{signed} {body}"));
            (StatusCode::FORBIDDEN, "<ErrorResponse><Error><Code>AccessDenied</Code></Error></ErrorResponse>")
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join(".config/elasticache-seeder")).unwrap();
        fs::create_dir(folder.path().join("work")).unwrap();
        let profiles = "[default]\naws_access_key_id = DEFAULT\naws_secret_access_key = x\nregion = eu-north-1\n\
            [data]\naws_access_key_id = DATA\naws_secret_access_key = x\nregion = eu-west-3\n";
        fs::write(folder.path().join("credentials"), profiles).unwrap();
        Self { endpoint, asked, folder }
    }

    fn users(&self, text: &str) {
        fs::write(self.folder.path().join(".config/elasticache-seeder/seeder.toml"), text).unwrap();
    }

    fn own(&self, text: &str) {
        fs::write(self.folder.path().join("work/seeder.toml"), text).unwrap();
    }

    async fn run(&self, words: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_seeder"));
        command.args(words).current_dir(self.folder.path().join("work")).env_clear();
        let profiles = self.folder.path().join("credentials");
        command.env("HOME", self.folder.path()).env("AWS_SHARED_CREDENTIALS_FILE", profiles);
        command.env("AWS_ENDPOINT_URL", &self.endpoint).env("AWS_EC2_METADATA_DISABLED", "true");
        command.envs(variables.iter().copied());
        spawn_blocking(move || command.output()).await.unwrap().unwrap()
    }

    /// What `seeder executions` asks for first: key, region and stack.
    async fn first_request(&self, words: &[&str], variables: &[(&str, &str)]) -> (String, String, String) {
        self.asked.lock().unwrap().clear();
        let output = self.run(&[&["executions"], words].concat(), variables).await;
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let asked = self.asked.lock().unwrap().first().cloned().unwrap_or_else(|| panic!("{output:?}"));
        // Credential=KEY/DATE/REGION/SERVICE/aws4_request … StackName=NAME
        let credential = asked.split("Credential=").nth(1).unwrap();
        let mut parts = credential.split('/');
        let (key, region) = (parts.next().unwrap(), parts.nth(1).unwrap());
        let stack = asked.rsplit("StackName=").next().unwrap();
        (key.to_owned(), region.to_owned(), stack.to_owned())
    }

    async fn expect(&self, words: &[&str], variables: &[(&str, &str)], expected: [&str; 3]) {
        let (key, region, stack) = self.first_request(words, variables).await;
        assert_eq!([&*key, &*region, &*stack], expected, "{words:?} {variables:?}");
    }
}

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "KEY"), ("AWS_SECRET_ACCESS_KEY", "x")];

#[tokio::test(flavor = "multi_thread")]
async fn flags_win_over_the_environment_and_that_over_the_file() {
    let aws = Aws::new().await;
    aws.expect(&[], &[], ["DEFAULT", "eu-north-1", "elasticache-seeder"]).await;
    aws.users("stack = \"users\"\nregion = \"users-1\"\nprofile = \"data\"\n");
    aws.expect(&[], &[], ["DATA", "users-1", "users"]).await;
    // The file of the working folder replaces the user's.
    aws.own("stack = \"own\"\nthreads = 3\n");
    aws.expect(&[], &[], ["DEFAULT", "eu-north-1", "own"]).await;
    aws.own("stack = \"own\"\nregion = \"own-1\"\nprofile = \"data\"\n");
    aws.expect(&[], &[("SEEDER_STACK", "set")], ["DATA", "own-1", "set"]).await;
    for name in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        aws.expect(&[], &[(name, "set-1")], ["DATA", "set-1", "own"]).await;
    }
    aws.expect(&[], &KEYS, ["KEY", "own-1", "own"]).await;
    aws.expect(&[], &[("AWS_PROFILE", "default")], ["DEFAULT", "own-1", "own"]).await;
    let all =
        [&KEYS[..], &[("AWS_REGION", "set-1"), ("SEEDER_STACK", "set"), ("AWS_PROFILE", "default")]].concat();
    aws.expect(&["--region", "flag-1", "--stack", "flag"], &all, ["KEY", "flag-1", "flag"]).await;
    aws.expect(&["--profile", "data"], &all, ["DATA", "set-1", "set"]).await;
    fs::remove_file(aws.folder.path().join("work/seeder.toml")).unwrap();
    aws.users("");
    // The region of a profile.
    aws.expect(&["--profile", "data"], &KEYS, ["DATA", "eu-west-3", "elasticache-seeder"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_the_file_is_named() {
    let aws = Aws::new().await;
    for (text, expected) in [
        ("stak = \"x\"\n", "error: seeder.toml: stak is not known\nhint: it may have stack"),
        ("password = \"geheim\"\n", "hint: no secret belongs in this file"),
        ("stack = \n", "seeder.toml is not TOML, line 1"),
        (
            "timeout-seconds = \"soon\"\n",
            "in seeder.toml: error: invalid value 'soon' for '--timeout-seconds",
        ),
    ] {
        aws.own(text);
        let output = aws.run(&["backup", "redis://127.0.0.1:1", "x.rdb"], &[]).await;
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{printed}");
        assert!(printed.contains(expected) && !printed.contains("geheim"), "{text}: {printed}");
    }
    // Not those of other commands.
    let output = aws.run(&["completions", "bash"], &[]).await;
    assert!(output.status.success(), "{output:?}");
    let output = aws.run(&["executions", "--profile", "none", "--region", "eu-west-3"], &KEYS).await;
    let printed = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(3) && printed.contains("no AWS credentials"), "{printed}");
    assert!(printed.contains("hint: "), "{printed}");
}
