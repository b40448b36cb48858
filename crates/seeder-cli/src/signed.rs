//! Calls of services for which this product has no SDK client: one signed POST each. An SDK crate for two calls would
//! double the time that the command line takes to build.

mod service;

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use aws_config::SdkConfig;
use aws_sdk_s3::config::ProvideCredentials as _;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use aws_smithy_http_client::{
    Connector,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorSettings},
    orchestrator::HttpRequest,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use aws_types::service_config::ServiceConfigKey;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::sleep;

pub(crate) use self::service::Service;

/// The limit for an answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// The pauses before a call that was throttled is tried again, in milliseconds.
const PAUSES_MS: [u64; 4] = [200, 500, 1_200, 3_000];

/// A call that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallError {
    /// AWS's code; empty if there was no answer.
    pub(crate) code: String,
    message: String,
    status: u16,
}

impl CallError {
    fn local(message: impl fmt::Display) -> Self {
        Self { code: String::new(), message: message.to_string(), status: 0 }
    }

    /// Whether the caller lacks the permission.
    pub(crate) fn is_denied(&self) -> bool {
        ["AccessDenied", "UnauthorizedOperation"].iter().any(|code| self.code.contains(code))
            || self.status == 403 && self.code.is_empty()
    }

    /// Whether the same call may succeed in a moment.
    fn is_throttled(&self) -> bool {
        self.status == 429
            || self.status >= 500
            || ["Throttl", "RequestLimitExceeded", "TooManyRequests"]
                .iter()
                .any(|code| self.code.contains(code))
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.code.as_str(), self.message.as_str()) {
            ("", message) => formatter.write_str(message),
            (code, "") => formatter.write_str(code),
            (code, message) => write!(formatter, "{code}: {message}"),
        }
    }
}

/// Calls with the region, the credentials and the endpoints of a configuration.
#[derive(Debug)]
pub(crate) struct Signed {
    config: SdkConfig,
    connector: Connector,
}

impl Signed {
    pub(crate) fn new(config: &SdkConfig) -> Self {
        let settings = HttpConnectorSettings::builder().connect_timeout(PATIENCE).read_timeout(PATIENCE);
        let connector = Connector::builder()
            .connector_settings(settings.build())
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .build();
        Self { config: config.clone(), connector }
    }

    /// A call of the query protocol: `Action`, `Version` and so on. Returns the XML.
    pub(crate) async fn query(&self, service: Service, form: &[(&str, &str)]) -> Result<String, CallError> {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let fields: Vec<_> =
            form.iter().map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8")];
        let body = fields.join("&");
        patiently(async || {
            let (status, text) = self.post(service, &headers, body.clone()).await?;
            if status == 200 {
                return Ok(text);
            }
            let first = |tag| texts(&text, tag).next().unwrap_or_default().to_owned();
            Err(CallError { code: first("Code"), message: first("Message"), status })
        })
        .await
    }

    /// The same, with the XML read into a type.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        service: Service,
        form: &[(&str, &str)],
    ) -> Result<T, CallError> {
        let xml = self.query(service, form).await?;
        quick_xml::de::from_str(&xml)
            .map_err(|error| CallError::local(format!("the answer cannot be read: {error}")))
    }

    /// A call of the JSON protocol. `target` is the name of the interface and of the action.
    pub(crate) async fn json(
        &self,
        service: Service,
        target: &str,
        body: &Value,
    ) -> Result<Value, CallError> {
        // The versions differ in nothing that matters here, and each service takes only its own.
        let version = if service == Service::Sqs { "1.0" } else { "1.1" };
        let content = format!("application/x-amz-json-{version}");
        let headers = [("content-type", content.as_str()), ("x-amz-target", target)];
        let body = body.to_string();
        patiently(async || {
            let (status, text) = self.post(service, &headers, body.clone()).await?;
            let answer: Value = serde_json::from_str(&text).unwrap_or_default();
            if status == 200 {
                return Ok(answer);
            }
            let code = answer["__type"].as_str().unwrap_or_default();
            let message = answer["message"].as_str().or(answer["Message"].as_str()).unwrap_or_default();
            let code = code.rsplit('#').next().unwrap_or_default().to_owned();
            Err(CallError { code, message: message.to_owned(), status })
        })
        .await
    }

    async fn post(
        &self,
        service: Service,
        headers: &[(&str, &str)],
        body: String,
    ) -> Result<(u16, String), CallError> {
        let region = self.config.region().map(ToString::to_string).unwrap_or_default();
        let (id, name) = service.names();
        let (host, signing_region) = service.place(&region);
        let url = self.endpoint(id).unwrap_or_else(|| format!("https://{host}"));
        let url = format!("{}/", url.trim_end_matches('/'));
        let provider = self.config.credentials_provider();
        let provider = provider.ok_or_else(|| CallError::local("no AWS credentials"))?;
        let identity = provider.provide_credentials().await.map_err(CallError::local)?.into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&signing_region)
            .name(name)
            .time(SystemTime::now())
            .settings(SigningSettings::default());
        let params = params.build().map_err(CallError::local)?.into();
        let signable =
            SignableRequest::new("POST", &url, headers.iter().copied(), SignableBody::Bytes(body.as_bytes()));
        let signed = sign(signable.map_err(CallError::local)?, &params).map_err(CallError::local)?;
        let mut request = HttpRequest::new(SdkBody::from(body.clone()));
        request.set_method("POST").map_err(CallError::local)?;
        request.set_uri(url.as_str()).map_err(CallError::local)?;
        for (name, value) in headers.iter().copied().chain(signed.output().headers()) {
            request.headers_mut().insert(name.to_owned(), value.to_owned());
        }
        let answer = self.connector.call(request).await;
        let answer = answer.map_err(|_| CallError::local(format!("the connection to {url} failed")))?;
        let status = answer.status().as_u16();
        let bytes = ByteStream::new(answer.into_body()).collect().await.map_err(CallError::local)?;
        Ok((status, String::from_utf8_lossy(&bytes.into_bytes()).into_owned()))
    }

    /// The endpoint of the configuration: of the service, or of all.
    fn endpoint(&self, id: &str) -> Option<String> {
        let key = ServiceConfigKey::builder().service_id(id).env("AWS_ENDPOINT_URL").profile("endpoint_url");
        let own = self.config.service_config().and_then(|config| config.load_config(key.build().ok()?));
        own.or_else(|| self.config.endpoint_url().map(str::to_owned))
    }
}

/// Calls again after a pause, as long as the service is busy.
async fn patiently<T>(call: impl AsyncFn() -> Result<T, CallError>) -> Result<T, CallError> {
    for pause in PAUSES_MS {
        match call().await {
            Err(error) if error.is_throttled() => sleep(Duration::from_millis(pause)).await,
            answer => return answer,
        }
    }
    call().await
}

/// A list as the query protocol has it.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(crate) struct Members<T> {
    #[serde(rename = "member", default = "Vec::new")]
    pub(crate) list: Vec<T>,
}

impl<T> Default for Members<T> {
    fn default() -> Self {
        Self { list: Vec::new() }
    }
}

/// The texts of all elements with this tag, as they are in the XML.
pub(crate) fn texts<'a>(xml: &'a str, tag: &str) -> impl Iterator<Item = &'a str> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    let mut rest = xml;
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once(&open)?;
        let (text, after) = after.split_once(&close)?;
        rest = after;
        Some(text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_that_is_refused_is_no_missing_permission() {
        let error = |code: &str, status| CallError { code: code.to_owned(), message: String::new(), status };
        for (code, status) in [("AccessDenied", 403), ("UnauthorizedOperation", 403), ("", 403)] {
            assert!(error(code, status).is_denied(), "{code}");
        }
        assert!(error("AccessDeniedException", 400).is_denied());
        for code in ["SignatureDoesNotMatch", "InvalidClientTokenId", "ExpiredToken"] {
            assert!(!error(code, 403).is_denied(), "{code}");
        }
    }

    #[test]
    fn elements_are_found_by_their_tag() {
        let xml = "<a><id>x</id><n>1</n></a><a><id>y</id></a><id>";
        assert_eq!(texts(xml, "id").collect::<Vec<_>>(), ["x", "y"]);
        assert_eq!(texts(xml, "z").next(), None);
    }
}
