//! A server and the clients of its two identities.

use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Credentials, Region},
    error::{ProvideErrorMetadata, SdkError},
    primitives::ByteStream,
};
use aws_smithy_http_client::Builder;
use local_s3::{Config, SERVICE_ACCESS_KEY, Server};
use tempfile::TempDir;

/// The bucket of every test.
pub(crate) const BUCKET: &str = "backups";

/// A server in its own folder.
pub(crate) struct Stack {
    pub(crate) server: Server,
    pub(crate) owner: Client,
    pub(crate) service: Client,
    pub(crate) root: TempDir,
}

impl Stack {
    /// Starts a server with one empty bucket.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// The same with changed settings.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let root = tempfile::tempdir().unwrap();
        let mut config = Config::new(root.path());
        change(&mut config);
        let server = Server::start(config).await.unwrap();
        let owner = client(server.endpoint(), "anyone", "us-east-1");
        let service = client(server.endpoint(), SERVICE_ACCESS_KEY, "us-east-1");
        owner.create_bucket().bucket(BUCKET).send().await.unwrap();
        Self { server, owner, service, root }
    }

    /// Puts an object and returns its `ETag`.
    pub(crate) async fn put(&self, key: &str, body: &'static str) -> String {
        let put = self.owner.put_object().bucket(BUCKET).key(key);
        put.body(ByteStream::from_static(body.as_bytes())).send().await.unwrap().e_tag.unwrap()
    }

    /// Reads a whole object.
    pub(crate) async fn body(&self, key: &str) -> Vec<u8> {
        let got = self.owner.get_object().bucket(BUCKET).key(key).send().await.unwrap();
        got.body.collect().await.unwrap().to_vec()
    }

    /// Number of object files on disk.
    pub(crate) fn files(&self) -> usize {
        std::fs::read_dir(self.root.path().join("objects")).unwrap().count()
    }
}

/// A client of the server at `endpoint`. Any secret will do.
pub(crate) fn client(endpoint: &str, access_key: &str, region: &str) -> Client {
    let credentials = Credentials::new(access_key, "whatever", None, None, "test");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region.to_owned()))
        .credentials_provider(credentials)
        .endpoint_url(endpoint)
        .force_path_style(true)
        .http_client(Builder::new().build_http());
    Client::from_conf(config.build())
}

/// Returns the status and the code of a failed call. HEAD responses have no body, thus no code either.
pub(crate) fn refused<T, E>(result: Result<T, SdkError<E>>) -> (u16, String)
where
    SdkError<E>: ProvideErrorMetadata,
{
    let error = result.err().expect("a failure");
    let status = error.raw_response().map_or(0, |response| response.status().as_u16());
    (status, error.code().unwrap_or_default().to_owned())
}

/// An expected failure.
pub(crate) fn fault(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
