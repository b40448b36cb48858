//! Calls of Lambda.

use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::Place;

pub(super) fn read(parts: &Parts, place: &Place) -> Option<(String, Vec<String>)> {
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
    if path.ends_with("/account-settings/") || path.ends_with("/account-settings") {
        return Some(("lambda:GetAccountSettings".to_owned(), vec!["*".to_owned()]));
    }
    // /2015-03-31/functions/NAME-OR-ARN/invocations
    let function = path.split_once("/functions/")?.1.strip_suffix("/invocations")?;
    let arn = if function.starts_with("arn:") {
        function.to_owned()
    } else {
        place.arn("lambda", &format!("function:{function}"))
    };
    Some(("lambda:InvokeFunction".to_owned(), vec![arn]))
}
