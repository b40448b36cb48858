//! URLs of S3 objects.

use percent_encoding::percent_decode_str;

use super::LocationError;

/// Splits a text into scheme and remainder, if it has a scheme. A key may contain `://` too, after a slash.
pub(super) fn scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let letter = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    (scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(letter))
        .then_some((scheme, rest))
}

/// Returns `bucket/key` of a URL without its scheme: `BUCKET.s3.REGION.amazonaws.com/KEY` or
/// `s3.REGION.amazonaws.com/BUCKET/KEY`, the key percent-encoded. The region is dropped; it is read from the bucket
/// itself.
pub(super) fn path_style(address: &str) -> Result<String, LocationError> {
    if let Some((address, _)) = address.split_once(['?', '#']) {
        return Err(LocationError::Query { address: without_user(address).to_owned() });
    }
    let (authority, path) = address.split_once('/').unwrap_or((address, ""));
    if authority.contains('@') {
        return Err(LocationError::ForeignHost { host: without_user(authority).to_owned() });
    }
    let host = authority.strip_suffix(":443").unwrap_or(authority).to_ascii_lowercase();
    let foreign = || LocationError::ForeignHost { host: host.clone() };
    let name = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"));
    let name = name.ok_or_else(foreign)?;
    if name.strip_suffix("s3").is_some_and(|rest| rest.is_empty() || rest.ends_with('.')) {
        return Err(LocationError::NoRegion { host });
    }
    let (service, region) = name.rsplit_once('.').ok_or_else(foreign)?;
    let service = service.strip_suffix(".dualstack").unwrap_or(service);
    if !region.contains('-') {
        return Err(foreign());
    }
    let key = percent_decode_str(path).decode_utf8().ok().filter(|_| has_whole_escapes(path));
    let key = key.ok_or_else(|| LocationError::Escapes { address: address.to_owned() })?;
    if service == "s3" {
        return Ok(key.into_owned());
    }
    let bucket = service.strip_suffix(".s3").filter(|bucket| !bucket.is_empty()).ok_or_else(foreign)?;
    Ok(format!("{bucket}/{key}"))
}

/// Strips what precedes an `@` in the authority; it may be a password.
fn without_user(address: &str) -> &str {
    let authority = address.split('/').next().unwrap_or_default();
    authority.rsplit_once('@').map_or(address, |(user, _)| &address[user.len() + 1..])
}

/// Whether two hexadecimal digits follow each `%`.
fn has_whole_escapes(path: &str) -> bool {
    path.split('%').skip(1).all(|rest| {
        let mut digits = rest.bytes();
        [digits.next(), digits.next()]
            .iter()
            .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit()))
    })
}
