//! AUTH tokens by ElastiCache's rules. Nothing here repeats a token or a part of one.

use serde_json::Value;

use crate::finding::{Code, Finding};

/// The bounds of a token, in characters. Source of these and of the characters: ElastiCache user guide, "Authenticating
/// with the Valkey and Redis OSS AUTH command".
const CHARS: std::ops::RangeInclusive<usize> = 16..=128;
/// The characters that a token may have besides letters and digits.
const SPECIAL: &str = "!&#$^<>-";
/// The fields of a JSON secret that may have the token; the first that exists is used.
const FIELDS: [&str; 2] = ["authToken", "password"];

/// The reason why a secret has no AUTH token that ElastiCache accepts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthTokenError {
    /// The secret does not exist, is scheduled for deletion, or its key cannot be used.
    #[error("the secret cannot be read: {0}")]
    NoSecret(String),
    /// The function's role has no access to it.
    #[error("access to the secret is denied")]
    Forbidden,
    /// It is binary.
    #[error("the secret is binary, expected a string")]
    NoText,
    /// It is JSON and has none of the fields.
    #[error("the secret is a JSON object without a string in the field authToken or password")]
    NoField,
    /// The token is too short or too long.
    #[error("the token has {0} characters, ElastiCache accepts 16 to 128")]
    Length(usize),
    /// The token has characters that ElastiCache does not accept.
    #[error(
        "{0} characters of the token are not allowed: ElastiCache accepts letters, digits and ! & # $ ^ < > -"
    )]
    Characters(usize),
    /// The token ends in a line break, as files do.
    #[error("the token ends in a line break")]
    LineBreak,
}

/// Extracts the token from a secret: the whole text, or a field if it is a JSON object.
pub fn auth_token_in(secret: Option<&str>) -> Result<String, AuthTokenError> {
    let secret = secret.ok_or(AuthTokenError::NoText)?;
    let token = match serde_json::from_str(secret) {
        Ok(Value::Object(fields)) => {
            let field = FIELDS.iter().find_map(|name| fields.get(*name)?.as_str());
            field.ok_or(AuthTokenError::NoField)?.to_owned()
        }
        // A token of digits is valid JSON, too.
        _ => secret.to_owned(),
    };
    check(&token)?;
    Ok(token)
}

fn check(token: &str) -> Result<(), AuthTokenError> {
    if token.ends_with(['\n', '\r']) {
        return Err(AuthTokenError::LineBreak);
    }
    let chars = token.chars().count();
    if !CHARS.contains(&chars) {
        return Err(AuthTokenError::Length(chars));
    }
    let possible = |c: &char| c.is_ascii_alphanumeric() || SPECIAL.contains(*c);
    match token.chars().filter(|c| !possible(c)).count() {
        0 => Ok(()),
        others => Err(AuthTokenError::Characters(others)),
    }
}

impl AuthTokenError {
    /// The remedy.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::NoSecret(_) => {
                "name a secret that exists in cluster.authTokenSecretArn, and allow the function to use its key"
            }
            Self::Forbidden => {
                "add the secret to the stack's AllowedSecretArns, and the key that it is encrypted with to KmsKeyArns"
            }
            Self::NoText | Self::NoField => {
                "store the token as the secret's text, or as its field authToken or password"
            }
            Self::Length(_) | Self::Characters(_) | Self::LineBreak => {
                "store a token of 16 to 128 letters, digits and ! & # $ ^ < > - in the secret, without a line break at its end"
            }
        }
    }

    /// The finding for the secret with this ARN.
    pub fn finding(&self, secret_arn: &str) -> Finding {
        Finding::new(Code::AuthTokenUnusable, self.remedy())
            .with("secret", secret_arn)
            .with("reason", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "Correct-Horse-42";

    #[test]
    fn a_token_is_found_as_text_and_in_json() {
        for secret in [
            GOOD.to_owned(),
            format!("{{\"authToken\":\"{GOOD}\",\"password\":\"x\"}}"),
            format!("{{\"username\":\"u\",\"password\":\"{GOOD}\"}}"),
        ] {
            assert_eq!(auth_token_in(Some(&secret)).as_deref(), Ok(GOOD));
        }
        assert_eq!(auth_token_in(Some("1234567890123456")).as_deref(), Ok("1234567890123456"));
        assert_eq!(auth_token_in(Some(&"a!&#$^<>-".repeat(14))).map(|token| token.len()), Ok(126));
    }

    #[test]
    fn what_elasticache_refuses_is_refused_without_a_word_of_the_token() {
        for (secret, expected) in [
            (None, AuthTokenError::NoText),
            (Some(""), AuthTokenError::Length(0)),
            (Some("secret-15-chars"), AuthTokenError::Length(15)),
            (Some(&*"s".repeat(129)), AuthTokenError::Length(129)),
            (Some("secret with @ and /"), AuthTokenError::Characters(6)),
            (Some("sécrét-sécrét-sécrét"), AuthTokenError::Characters(6)),
            (Some("secret-secret-secret\n"), AuthTokenError::LineBreak),
            (Some(r#"{"token":"secret-secret-secret"}"#), AuthTokenError::NoField),
            (Some(r#"{"authToken":["secret-secret-secret"]}"#), AuthTokenError::NoField),
            (Some(r#"{"authToken":"secret"}"#), AuthTokenError::Length(6)),
            (Some(r#"["secret-secret-secret"]"#), AuthTokenError::Characters(4)),
        ] {
            let error = auth_token_in(secret).unwrap_err();
            assert_eq!(error, expected);
            let finding = serde_json::to_string(&error.finding("arn:secret")).unwrap();
            for part in ["secret-", "sécrét", "secret with"] {
                assert!(!finding.contains(part), "{finding}");
            }
        }
    }
}
