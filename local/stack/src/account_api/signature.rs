//! Signature Version 4 as AWS verifies it, written from its documentation: nothing here is shared with what signs.
//!
//! Source: IAM user guide, "AWS Signature Version 4 for API requests". The time of a signature is not compared with the
//! clock.

use axum::http::{HeaderMap, HeaderName, Method, Uri};
use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use sha2::{Digest as _, Sha256};

/// The only algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// What stays as it is in a canonical request: letters, digits and these.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same for a path, with its slashes.
const ENCODED_IN_PATH: &AsciiSet = &ENCODED.remove(b'/');

/// A request as it was received.
#[derive(Debug, Clone, Copy)]
pub(super) struct Received<'a> {
    pub(super) method: &'a Method,
    pub(super) uri: &'a Uri,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
}

/// What a signature has to be made for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) region: &'a str,
    pub(super) service: &'a str,
}

/// The reason why a request is refused: AWS's code, and words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    fn mismatch(message: impl Into<String>) -> Self {
        Self { code: "SignatureDoesNotMatch", message: message.into() }
    }

    fn incomplete(message: &str) -> Self {
        Self { code: "IncompleteSignature", message: message.to_owned() }
    }
}

/// The header `Authorization`, taken apart.
#[derive(Debug)]
struct Authorization<'a> {
    date: &'a str,
    scope: Scope<'a>,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

/// Verifies that a request was signed with this secret, completely, and for this region and service.
pub(super) fn verify(request: &Received<'_>, secret: &str, scope: Scope<'_>) -> Result<(), Refusal> {
    let Some(header) = value(request.headers, "authorization") else {
        let message = "Request is missing Authentication Token".to_owned();
        return Err(Refusal { code: "MissingAuthenticationToken", message });
    };
    let authorization =
        parse(&header).ok_or_else(|| Refusal::incomplete("the header Authorization is malformed"))?;
    let given = authorization.scope;
    if (given.region, given.service) != (scope.region, scope.service) {
        return Err(Refusal::mismatch(format!(
            "Credential should be scoped to {} in {}, not to {} in {}",
            scope.service, scope.region, given.service, given.region
        )));
    }
    let time = value(request.headers, "x-amz-date");
    let time = time.ok_or_else(|| Refusal::incomplete("the header X-Amz-Date is missing"))?;
    if !time.starts_with(authorization.date) {
        return Err(Refusal::mismatch("Date in Credential scope does not match YYYYMMDD from ISO-8601"));
    }
    let must_be_signed = |name: &str| name == "host" || name.starts_with("x-amz-");
    let mut names = request.headers.keys().map(HeaderName::as_str);
    if let Some(unsigned) =
        names.find(|name| must_be_signed(name) && !authorization.signed_headers.contains(name))
    {
        return Err(Refusal::mismatch(format!("the header {unsigned} is not signed")));
    }
    let content = hex::encode(Sha256::digest(request.body));
    if value(request.headers, "x-amz-content-sha256").is_some_and(|announced| announced != content) {
        return Err(Refusal::mismatch("the header X-Amz-Content-Sha256 is not that of the body"));
    }
    let canonical = canonical(request, &authorization.signed_headers, &content);
    let scope = format!("{}/{}/{}/aws4_request", authorization.date, given.region, given.service);
    let to_sign = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hex::encode(Sha256::digest(canonical)));
    let key = [given.region, given.service, "aws4_request", &to_sign]
        .iter()
        .fold(hmac(format!("AWS4{secret}").as_bytes(), authorization.date), |key, part| hmac(&key, part));
    if hex::encode(key) == authorization.signature {
        return Ok(());
    }
    Err(Refusal::mismatch("The request signature we calculated does not match the signature you provided."))
}

/// Reads `AWS4-HMAC-SHA256 Credential=ID/DATE/REGION/SERVICE/aws4_request, SignedHeaders=…, Signature=…`.
fn parse(header: &str) -> Option<Authorization<'_>> {
    let fields = header.strip_prefix(ALGORITHM)?;
    let field = |name: &str| {
        let mut fields = fields.split(',').filter_map(|field| field.trim().split_once('='));
        fields.find(|(found, _)| *found == name).map(|(_, value)| value)
    };
    let mut credential = field("Credential")?.rsplit('/');
    let (end, service) = (credential.next()?, credential.next()?);
    let (region, date, _id) = (credential.next()?, credential.next()?, credential.next()?);
    let signed_headers = field("SignedHeaders")?.split(';').collect();
    let scope = Scope { region, service };
    (end == "aws4_request" && date.len() == 8).then_some(Authorization {
        date,
        scope,
        signed_headers,
        signature: field("Signature")?,
    })
}

fn canonical(request: &Received<'_>, signed_headers: &[&str], content: &str) -> String {
    // Of every service but S3, the path is encoded once more.
    let path = percent_encode(request.uri.path().as_bytes(), ENCODED_IN_PATH);
    let encoded = |text: &str| {
        let decoded: Vec<u8> = percent_decode_str(text).collect();
        percent_encode(&decoded, ENCODED).to_string()
    };
    let fields = request.uri.query().unwrap_or_default().split('&').filter(|field| !field.is_empty());
    let fields = fields.map(|field| field.split_once('=').unwrap_or((field, "")));
    let mut fields: Vec<_> = fields.map(|(name, value)| (encoded(name), encoded(value))).collect();
    fields.sort();
    let query: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let header = |name: &&str| format!("{name}:{}\n", value(request.headers, name).unwrap_or_default());
    let headers: String = signed_headers.iter().map(header).collect();
    format!(
        "{}\n{path}\n{}\n{headers}\n{}\n{content}",
        request.method,
        query.join("&"),
        signed_headers.join(";")
    )
}

/// The values of a header, with single spaces, and with commas between several.
fn value(headers: &HeaderMap, name: &str) -> Option<String> {
    let values = headers.get_all(name).iter().map(|value| {
        let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
        text.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
    });
    let values: Vec<_> = values.collect();
    (!values.is_empty()).then(|| values.join(","))
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    // A key may have any length.
    let Ok(mut code) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    code.update(text.as_bytes());
    code.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// AWS's own example: `ListUsers` of IAM. Source: AWS General Reference, "Signature Version 4 signing process".
    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
    const SIGNATURE: &str = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7";
    const IAM: Scope<'_> = Scope { region: "us-east-1", service: "iam" };

    fn example() -> HeaderMap {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-date, Signature={SIGNATURE}"
        );
        let headers = [
            ("content-type", "application/x-www-form-urlencoded; charset=utf-8"),
            ("host", "iam.amazonaws.com"),
            ("x-amz-date", "20150830T123600Z"),
            ("authorization", &authorization),
        ];
        headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    fn code(headers: &HeaderMap, query: &str, body: &str, secret: &str, scope: Scope<'_>) -> &'static str {
        let uri = format!("/?{query}").parse().unwrap();
        let request = Received { method: &Method::GET, uri: &uri, headers, body: body.as_bytes() };
        verify(&request, secret, scope).map_or_else(|refusal| refusal.code, |()| "verified")
    }

    #[test]
    fn the_example_of_aws_is_verified() {
        for query in ["Action=ListUsers&Version=2010-05-08", "Version=2010%2D05-08&Action=ListUsers"] {
            assert_eq!(code(&example(), query, "", SECRET, IAM), "verified", "{query}");
        }
    }

    #[test]
    fn whatever_differs_from_what_was_signed_is_refused() {
        const QUERY: &str = "Action=ListUsers&Version=2010-05-08";
        let mismatch = "SignatureDoesNotMatch";
        assert_eq!(code(&example(), QUERY, "tampered", SECRET, IAM), mismatch);
        assert_eq!(code(&example(), "Action=ListRoles&Version=2010-05-08", "", SECRET, IAM), mismatch);
        assert_eq!(code(&example(), QUERY, "", "local", IAM), mismatch);
        for scope in [Scope { region: "eu-west-1", ..IAM }, Scope { service: "ec2", ..IAM }] {
            assert_eq!(code(&example(), QUERY, "", SECRET, scope), mismatch);
        }
        let changed = |name: &'static str, value: &str| {
            let mut headers = example();
            headers.insert(name, value.parse().unwrap());
            code(&headers, QUERY, "", SECRET, IAM)
        };
        assert_eq!(changed("host", "iam.example.com"), mismatch);
        assert_eq!(changed("x-amz-date", "20150830T123601Z"), mismatch);
        assert_eq!(changed("x-amz-date", "20150831T123600Z"), mismatch);
        assert_eq!(changed("x-amz-target", "AnyOther"), mismatch, "a header that is not signed");
        assert_eq!(changed("x-amz-content-sha256", SIGNATURE), mismatch);
        assert_eq!(changed("accept", "*/*"), "verified", "a header that need not be signed");
        assert_eq!(changed("authorization", "Basic bG9jYWw6bG9jYWw="), "IncompleteSignature");
        let mut unsigned = example();
        unsigned.remove("authorization");
        assert_eq!(code(&unsigned, QUERY, "", SECRET, IAM), "MissingAuthenticationToken");
    }
}
