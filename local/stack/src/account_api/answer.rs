//! Answers in AWS's two protocols, and how calls are read.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::json;

/// Status and body.
pub(super) type Answer = (StatusCode, String);

/// The fields of a call of the query protocol.
#[derive(Debug)]
pub(super) struct Form(BTreeMap<String, String>);

impl Form {
    pub(super) fn parse(form: &str) -> Self {
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let fields = form.split('&').filter_map(|field| field.split_once('='));
        Self(fields.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    pub(super) fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The items of a list: `NAME.1`, `NAME.2` and so on.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        let items = (1..).map_while(|number: usize| self.0.get(&format!("{name}.{number}")));
        items.map(String::as_str).collect()
    }
}

/// The result of an action of the query protocol.
pub(super) fn result(action: &str, content: &str) -> Answer {
    let result = format!("<{action}Result>{content}</{action}Result>");
    (StatusCode::OK, format!("<{action}Response>{result}</{action}Response>"))
}

/// An error of the query protocol.
pub(super) fn fault(status: StatusCode, code: &str, message: &str) -> Answer {
    let message = escaped(message);
    let error = format!("<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>");
    (status, format!("<ErrorResponse>{error}</ErrorResponse>"))
}

/// An error of the JSON protocol.
pub(super) fn json_fault(status: StatusCode, code: &str, message: &str) -> Answer {
    (status, json!({"__type": code, "message": message}).to_string())
}

/// The items of a list as XML has them.
pub(super) fn members(items: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let member = |item: &dyn AsRef<str>| format!("<member>{}</member>", item.as_ref());
    items.into_iter().map(|item| member(&item)).collect()
}

/// A text as XML has it.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
