//! Listings of a bucket's keys and versions.

use std::{collections::BTreeMap, ops::Bound};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
#[allow(clippy::wildcard_imports, reason = "every operation brings two types of its own")]
use s3s::dto::*;
use s3s::{S3Request, S3Result, s3_error};

use crate::{
    operations::admission::Action,
    service::Service,
    store::{Object as StoredObject, Version},
};

/// Most entries of one response, as on S3.
const PAGE_LIMIT: usize = 1000;
/// Characters that `encoding-type=url` percent-encodes.
const URL_ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*').remove(b'/');

/// The range of keys to list.
struct Listing<'a> {
    prefix: &'a str,
    delimiter: Option<&'a str>,
    /// Lists only entries that sort after this one. A common prefix includes all its keys.
    after: Option<&'a str>,
    limit: usize,
}

/// One page of a listing.
#[derive(Default)]
struct Page<'a> {
    keys: Vec<(&'a String, &'a Vec<Version>)>,
    common_prefixes: Vec<String>,
    /// The last entry of the page, if more follow.
    next: Option<String>,
}

impl Listing<'_> {
    fn page<'a>(&self, keys: &'a BTreeMap<String, Vec<Version>>, live_only: bool) -> Page<'a> {
        let mut page = Page::default();
        let mut last: Option<String> = None;
        let start = self.after.filter(|after| *after > self.prefix).unwrap_or(self.prefix);
        for (key, versions) in keys.range::<str, _>((Bound::Included(start), Bound::Unbounded)) {
            if !key.starts_with(self.prefix) {
                break;
            }
            if live_only && versions.last().is_none_or(|version| version.object.is_none()) {
                continue;
            }
            let common = self.delimiter.filter(|delimiter| !delimiter.is_empty()).and_then(|delimiter| {
                let at = key[self.prefix.len()..].find(delimiter)?;
                Some(&key[..self.prefix.len() + at + delimiter.len()])
            });
            let entry = common.unwrap_or(key);
            if self.after.is_some_and(|after| entry <= after) || last.as_deref() == Some(entry) {
                continue;
            }
            if page.keys.len() + page.common_prefixes.len() >= self.limit {
                page.next = last;
                break;
            }
            last = Some(entry.to_owned());
            match common {
                Some(common) => page.common_prefixes.push(common.to_owned()),
                None => page.keys.push((key, versions)),
            }
        }
        page
    }
}

impl Service {
    pub(crate) fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<ListObjectsV2Output> {
        self.admit(&request, Action::on_bucket("s3:ListBucket", &request.input.bucket))?;
        let input = request.input;
        let encoded = encoder(input.encoding_type.as_ref());
        let continued = input.continuation_token.as_deref().map(token_to_key).transpose()?;
        let limit = page_limit(input.max_keys)?;
        let listing = Listing {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: continued.as_deref().or(input.start_after.as_deref()),
            limit,
        };
        let owner = input.fetch_owner.unwrap_or_default().then(|| self.owner());
        let (contents, common_prefixes, next) = self.store.with(&input.bucket, |bucket| {
            let page = listing.page(&bucket.keys, true);
            let contents: Vec<Object> = page
                .keys
                .iter()
                .filter_map(|(key, versions)| Some((key, versions.last()?)))
                .filter_map(|(key, version)| entry(encoded(key), version, owner.clone()))
                .collect();
            Ok((contents, page.common_prefixes, page.next))
        })?;
        let count = contents.len() + common_prefixes.len();
        Ok(ListObjectsV2Output {
            common_prefixes: Some(prefixes(&common_prefixes, encoded)),
            contents: Some(contents),
            continuation_token: input.continuation_token,
            delimiter: input.delimiter.as_deref().map(encoded),
            encoding_type: input.encoding_type,
            is_truncated: Some(next.is_some()),
            key_count: i32::try_from(count).ok(),
            max_keys: i32::try_from(limit).ok(),
            name: Some(input.bucket),
            next_continuation_token: next.map(hex::encode),
            prefix: Some(encoded(input.prefix.as_deref().unwrap_or_default())),
            start_after: input.start_after.as_deref().map(encoded),
            request_charged: None,
        })
    }

    pub(crate) fn list_objects(&self, request: S3Request<ListObjectsInput>) -> S3Result<ListObjectsOutput> {
        let marker = request.input.marker.clone();
        let delimited = request.input.delimiter.is_some();
        let listed = self.list_objects_v2(request.map_input(Into::into))?;
        let next = match &listed.next_continuation_token {
            Some(token) if delimited => Some(token_to_key(token)?),
            _ => None,
        };
        Ok(ListObjectsOutput {
            common_prefixes: listed.common_prefixes,
            contents: listed.contents,
            delimiter: listed.delimiter,
            encoding_type: listed.encoding_type,
            is_truncated: listed.is_truncated,
            marker: Some(marker.unwrap_or_default()),
            max_keys: listed.max_keys,
            name: listed.name,
            next_marker: next,
            prefix: listed.prefix,
            request_charged: None,
        })
    }

    pub(crate) fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<ListObjectVersionsOutput> {
        self.admit(&request, Action::on_bucket("s3:ListBucketVersions", &request.input.bucket))?;
        let input = request.input;
        let encoded = encoder(input.encoding_type.as_ref());
        let limit = page_limit(input.max_keys)?;
        // Pages end between keys: all versions of a key are on one page.
        let listing = Listing {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref(),
            after: input.key_marker.as_deref().filter(|marker| !marker.is_empty()),
            limit,
        };
        let mut output = ListObjectVersionsOutput::default();
        let (mut versions, mut markers) = (Vec::new(), Vec::new());
        self.store.with(&input.bucket, |bucket| {
            let page = listing.page(&bucket.keys, false);
            for (key, stored) in page.keys {
                for (age, version) in stored.iter().rev().enumerate() {
                    match &version.object {
                        Some(object) => versions.push(ObjectVersion {
                            e_tag: Some(ETag::Strong(object.etag.clone())),
                            is_latest: Some(age == 0),
                            key: Some(encoded(key)),
                            last_modified: Some(version.modified.clone()),
                            owner: Some(self.owner()),
                            size: i64::try_from(object.size).ok(),
                            storage_class: Some(ObjectVersionStorageClass::from(class(object).to_owned())),
                            version_id: Some(version.id.clone()),
                            ..ObjectVersion::default()
                        }),
                        None => markers.push(DeleteMarkerEntry {
                            is_latest: Some(age == 0),
                            key: Some(encoded(key)),
                            last_modified: Some(version.modified.clone()),
                            owner: Some(self.owner()),
                            version_id: Some(version.id.clone()),
                        }),
                    }
                }
            }
            output.common_prefixes = Some(prefixes(&page.common_prefixes, encoded));
            output.is_truncated = Some(page.next.is_some());
            output.next_key_marker = page.next.as_deref().map(encoded);
            Ok(())
        })?;
        output.versions = Some(versions);
        output.delete_markers = Some(markers);
        output.name = Some(input.bucket);
        output.prefix = Some(encoded(input.prefix.as_deref().unwrap_or_default()));
        output.delimiter = input.delimiter.as_deref().map(encoded);
        output.encoding_type = input.encoding_type;
        output.key_marker = Some(encoded(input.key_marker.as_deref().unwrap_or_default()));
        output.version_id_marker = Some(input.version_id_marker.unwrap_or_default());
        output.max_keys = i32::try_from(limit).ok();
        Ok(output)
    }
}

fn entry(key: String, version: &Version, owner: Option<Owner>) -> Option<Object> {
    let object = version.object.as_ref()?;
    Some(Object {
        e_tag: Some(ETag::Strong(object.etag.clone())),
        key: Some(key),
        last_modified: Some(version.modified.clone()),
        owner,
        size: i64::try_from(object.size).ok(),
        storage_class: Some(ObjectStorageClass::from(class(object).to_owned())),
        ..Object::default()
    })
}

fn class(object: &StoredObject) -> &str {
    object.attributes.storage_class.as_ref().map_or(StorageClass::STANDARD, StorageClass::as_str)
}

fn prefixes(common: &[String], encoded: fn(&str) -> String) -> Vec<CommonPrefix> {
    common.iter().map(|prefix| CommonPrefix { prefix: Some(encoded(prefix)) }).collect()
}

fn encoder(encoding: Option<&EncodingType>) -> fn(&str) -> String {
    match encoding {
        Some(_) => |text| utf8_percent_encode(text, URL_ENCODED).to_string(),
        None => str::to_owned,
    }
}

fn page_limit(asked: Option<i32>) -> S3Result<usize> {
    let asked = asked.unwrap_or(1000);
    let limit =
        usize::try_from(asked).map_err(|_| s3_error!(InvalidArgument, "max-keys is negative: {asked}"))?;
    Ok(limit.min(PAGE_LIMIT))
}

fn token_to_key(token: &str) -> S3Result<String> {
    let key = hex::decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    key.ok_or_else(|| s3_error!(InvalidArgument, "The continuation token provided is incorrect"))
}
