//! Access control lists: grants, and the three ways to request them.

use s3s::{S3Result, dto, s3_error};

/// Most grants of one ACL, as on S3.
const GRANT_LIMIT: usize = 100;
const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";
const AUTHENTICATED_USERS: &str = "http://acs.amazonaws.com/groups/global/AuthenticatedUsers";

/// The permission of a grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Permission {
    FullControl,
    Read,
    ReadAcp,
    Write,
    WriteAcp,
}

/// The grantee. Groups are stored and returned, but grant no access.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Grantee {
    CanonicalUser(String),
    Group(String),
}

/// One grant of an ACL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    grantee: Grantee,
    pub(crate) permission: Permission,
}

impl Grant {
    /// A grant to a canonical user ID.
    pub(crate) fn canonical(id: &str, permission: Permission) -> Self {
        Self { grantee: Grantee::CanonicalUser(id.to_owned()), permission }
    }

    fn group(uri: &str, permission: Permission) -> Self {
        Self { grantee: Grantee::Group(uri.to_owned()), permission }
    }

    /// The canonical user ID of the grantee, unless it is a group.
    pub(crate) fn canonical_id(&self) -> Option<&str> {
        match &self.grantee {
            Grantee::CanonicalUser(id) => Some(id),
            Grantee::Group(_) => None,
        }
    }
}

/// The default ACL.
pub(crate) fn private(owner: &str) -> Vec<Grant> {
    vec![Grant::canonical(owner, Permission::FullControl)]
}

/// Whether `grants` is the default ACL, the only one that a request may set while ACLs are disabled.
pub(crate) fn changes_nothing(grants: &[Grant], owner: &str) -> bool {
    grants == private(owner)
}

/// The three ways to request an ACL. S3 accepts only one of them per request.
#[derive(Debug, Default)]
pub(crate) struct AclRequest {
    pub(crate) canned: Option<String>,
    pub(crate) full_control: Option<String>,
    pub(crate) read: Option<String>,
    pub(crate) read_acp: Option<String>,
    pub(crate) write: Option<String>,
    pub(crate) write_acp: Option<String>,
    pub(crate) body: Option<dto::AccessControlPolicy>,
}

impl AclRequest {
    /// Whether the request has any grant, or a canned ACL other than `bucket-owner-full-control`.
    pub(crate) fn is_refused_when_enforced(&self, owner: &str) -> S3Result<bool> {
        if self.canned.as_deref() == Some("bucket-owner-full-control") {
            return Ok(false);
        }
        // `private` is rejected too, although it changes nothing, as on S3.
        Ok(self.canned.is_some()
            || self.grants(owner)?.is_some_and(|grants| !changes_nothing(&grants, owner)))
    }

    /// The requested ACL, if any.
    pub(crate) fn grants(&self, owner: &str) -> S3Result<Option<Vec<Grant>>> {
        let headers = [
            (&self.full_control, Permission::FullControl),
            (&self.read, Permission::Read),
            (&self.read_acp, Permission::ReadAcp),
            (&self.write, Permission::Write),
            (&self.write_acp, Permission::WriteAcp),
        ];
        let with_headers = headers.iter().any(|(header, _)| header.is_some());
        let ways =
            usize::from(self.canned.is_some()) + usize::from(with_headers) + usize::from(self.body.is_some());
        if ways > 1 {
            return Err(s3_error!(
                InvalidRequest,
                "Specifying both Canned ACLs and Header Grants is not allowed"
            ));
        }
        let grants = if let Some(canned) = &self.canned {
            from_canned(canned, owner)?
        } else if let Some(body) = &self.body {
            body.grants.iter().flatten().map(from_dto).collect::<S3Result<_>>()?
        } else if with_headers {
            let mut grants = Vec::new();
            for (header, permission) in headers {
                if let Some(header) = header {
                    from_header(header, permission, &mut grants)?;
                }
            }
            grants
        } else {
            return Ok(None);
        };
        if grants.len() > GRANT_LIMIT {
            return Err(s3_error!(
                MalformedACLError,
                "{} grants, at most {GRANT_LIMIT} are allowed",
                grants.len()
            ));
        }
        Ok(Some(grants))
    }
}

fn from_canned(canned: &str, owner: &str) -> S3Result<Vec<Grant>> {
    let mut grants = private(owner);
    match canned {
        "private" | "bucket-owner-read" | "bucket-owner-full-control" | "aws-exec-read" => {}
        "public-read" => grants.push(Grant::group(ALL_USERS, Permission::Read)),
        "public-read-write" => {
            grants.push(Grant::group(ALL_USERS, Permission::Read));
            grants.push(Grant::group(ALL_USERS, Permission::Write));
        }
        "authenticated-read" => grants.push(Grant::group(AUTHENTICATED_USERS, Permission::Read)),
        other => return Err(s3_error!(InvalidArgument, "unknown canned ACL: {other}")),
    }
    Ok(grants)
}

/// Parses a grant header: `id="…", uri="…"`.
fn from_header(header: &str, permission: Permission, grants: &mut Vec<Grant>) -> S3Result<()> {
    for part in header.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (kind, name) = part.split_once('=').ok_or_else(|| {
            s3_error!(InvalidArgument, "grant header is not a list of TYPE=GRANTEE: {part}")
        })?;
        let name = name.trim().trim_matches('"');
        match kind.trim() {
            "id" => grants.push(Grant::canonical(&known_id(name)?, permission)),
            "uri" => grants.push(Grant::group(name, permission)),
            kind => return Err(s3_error!(InvalidArgument, "grantee type {kind} is not supported")),
        }
    }
    Ok(())
}

fn from_dto(grant: &dto::Grant) -> S3Result<Grant> {
    let permission = match grant.permission.as_ref().map(dto::Permission::as_str) {
        Some(dto::Permission::FULL_CONTROL) => Permission::FullControl,
        Some(dto::Permission::READ) => Permission::Read,
        Some(dto::Permission::READ_ACP) => Permission::ReadAcp,
        Some(dto::Permission::WRITE) => Permission::Write,
        Some(dto::Permission::WRITE_ACP) => Permission::WriteAcp,
        _ => return Err(s3_error!(MalformedACLError, "a grant has no known permission")),
    };
    let grantee =
        grant.grantee.as_ref().ok_or_else(|| s3_error!(MalformedACLError, "a grant has no grantee"))?;
    match (&grantee.id, &grantee.uri) {
        (Some(id), None) => Ok(Grant::canonical(&known_id(id)?, permission)),
        (None, Some(uri)) => Ok(Grant::group(uri, permission)),
        _ => Err(s3_error!(MalformedACLError, "a grantee is neither a canonical user nor a group")),
    }
}

/// Validates a canonical user ID: 64 hexadecimal digits.
fn known_id(id: &str) -> S3Result<String> {
    if id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(id.to_lowercase());
    }
    Err(s3_error!(InvalidArgument, "Invalid id: {id}"))
}

/// Converts an ACL to the protocol's type.
pub(crate) fn to_dto(grants: &[Grant]) -> Vec<dto::Grant> {
    grants
        .iter()
        .map(|grant| {
            let (type_, id, uri) = match &grant.grantee {
                Grantee::CanonicalUser(id) => (dto::Type::CANONICAL_USER, Some(id.clone()), None),
                Grantee::Group(uri) => (dto::Type::GROUP, None, Some(uri.clone())),
            };
            let permission = match grant.permission {
                Permission::FullControl => dto::Permission::FULL_CONTROL,
                Permission::Read => dto::Permission::READ,
                Permission::ReadAcp => dto::Permission::READ_ACP,
                Permission::Write => dto::Permission::WRITE,
                Permission::WriteAcp => dto::Permission::WRITE_ACP,
            };
            dto::Grant {
                grantee: Some(dto::Grantee {
                    display_name: None,
                    email_address: None,
                    id,
                    type_: dto::Type::from_static(type_),
                    uri,
                }),
                permission: Some(dto::Permission::from_static(permission)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grant_headers_name_users_and_groups() {
        let id = crate::config::SERVICE_CANONICAL_ID;
        let header = format!("id=\"{id}\", uri=\"{ALL_USERS}\"");
        let asked = AclRequest { read: Some(header), ..AclRequest::default() };
        assert_eq!(
            asked.grants("0").unwrap().unwrap(),
            [Grant::canonical(id, Permission::Read), Grant::group(ALL_USERS, Permission::Read)]
        );
        let asked = AclRequest { read: Some("id=short".into()), ..AclRequest::default() };
        assert!(asked.grants("0").is_err());
    }

    #[test]
    fn two_ways_at_once_are_refused() {
        let asked = AclRequest {
            canned: Some("private".into()),
            read: Some("uri=x".into()),
            ..AclRequest::default()
        };
        assert!(asked.grants("0").is_err());
    }
}
