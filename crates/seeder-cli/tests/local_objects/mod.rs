//! An S3 on loopback.

#![allow(unreachable_pub, missing_docs, reason = "a module of tests")]
#![allow(clippy::unwrap_used, reason = "a test's helpers may panic like the test itself")]

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
};
use local_s3::{Config, Server};
use tempfile::TempDir;

/// An S3 with the empty bucket `backups`.
pub struct LocalS3 {
    pub s3: Client,
    pub endpoint: String,
    _server: Server,
    _root: TempDir,
}

impl LocalS3 {
    pub async fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        let server = Server::start(Config::new(root.path())).await.unwrap();
        let endpoint = server.endpoint().to_owned();
        let config = aws_sdk_s3::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("test", "test", None, None, "test"))
            .endpoint_url(&endpoint)
            .force_path_style(true)
            .http_client(aws_smithy_http_client::Builder::new().build_http());
        let s3 = Client::from_conf(config.build());
        s3.create_bucket().bucket("backups").send().await.unwrap();
        Self { s3, endpoint, _server: server, _root: root }
    }
}
