//! Responses of the Query API.

use std::fmt::Display;

use quick_xml::escape::escape;

use crate::error::ApiError;

const NAMESPACE: &str = "http://elasticache.amazonaws.com/doc/2015-02-02/";

/// The content of an XML element under construction.
#[derive(Debug, Default)]
pub(crate) struct Xml(String);

impl Xml {
    pub(crate) fn text(&mut self, name: &str, value: impl Display) -> &mut Self {
        let value = value.to_string();
        // XML allows no control characters, not even escaped ones. A server's log may contain some.
        let clean: String = value.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n')).collect();
        self.element(name, |xml| xml.0.push_str(&escape(clean.as_str())))
    }

    pub(crate) fn optional(&mut self, name: &str, value: Option<impl Display>) -> &mut Self {
        if let Some(value) = value {
            self.text(name, value);
        }
        self
    }

    pub(crate) fn element(&mut self, name: &str, content: impl FnOnce(&mut Self)) -> &mut Self {
        self.0.extend(["<", name, ">"]);
        content(self);
        self.0.extend(["</", name, ">"]);
        self
    }

    pub(crate) fn list<T>(
        &mut self,
        name: &str,
        item: &str,
        values: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) -> &mut Self {
        self.element(name, |xml| {
            for value in values {
                xml.element(item, |xml| write(xml, value));
            }
        })
    }

    pub(crate) fn texts<T: Display>(
        &mut self,
        name: &str,
        item: &str,
        values: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        self.element(name, |xml| {
            for value in values {
                xml.text(item, value);
            }
        })
    }
}

/// The body of a success response.
pub(crate) fn success(action: &str, request_id: &str, result: &Xml) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<{action}Response xmlns=\"{NAMESPACE}\"><{action}Result>{}</{action}Result>\
         <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{action}Response>",
        result.0
    )
}

/// The body of an error response.
pub(crate) fn failure(request_id: &str, error: &ApiError) -> String {
    let mut xml = Xml::default();
    let kind = if error.status.is_server_error() { "Receiver" } else { "Sender" };
    xml.element("Error", |xml| {
        xml.text("Type", kind).text("Code", error.code).text("Message", &error.message);
    });
    xml.text("RequestId", request_id);
    format!("<?xml version=\"1.0\"?>\n<ErrorResponse xmlns=\"{NAMESPACE}\">{}</ErrorResponse>", xml.0)
}
