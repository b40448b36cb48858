//! The report of a seeding, or of a check, as one HTML page.
//!
//! The page needs no network: its style, and the script that sorts its tables, are inside, named by hash in a
//! Content-Security-Policy that allows nothing else, and pictures are inline SVG. Everything in it that comes from a
//! backup is text: it is escaped for HTML by the template engine, and [`name`] shows what a browser would not show, or
//! obey. The page stays below [`MAX_PAGE_BYTES`], whatever the backup.

#![forbid(unsafe_code)]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::cast_possible_wrap,
    reason = "sizes and counts, drawn"
)]

mod draw;
mod sources;
mod text;
mod treemap;
mod views;

use askama::Template;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};

pub use self::{
    sources::{End, File, Sources},
    text::name,
};
use crate::views::{
    cluster::Cluster, contents::Contents, course::Course, findings::Findings, memory::Memory,
    summary::Summary,
};

/// No page is larger.
pub const MAX_PAGE_BYTES: usize = 2_000_000;

const STYLE: &str = include_str!("../templates/report.css");
const SCRIPT: &str = include_str!("../templates/report.js");

/// The page.
#[derive(Template)]
#[template(path = "report.html")]
struct Page {
    style: &'static str,
    /// The hash in the Content-Security-Policy, as that of the script.
    style_hash: String,
    script: &'static str,
    script_hash: String,
    summary: Summary,
    memory: Option<Memory>,
    cluster: Option<Cluster>,
    contents: Contents,
    findings: Findings,
    course: Option<Course>,
}

/// Makes the page.
///
/// # Errors
/// None that depends on the sources: the template engine's type has room for one.
pub fn page(sources: &Sources<'_>) -> Result<String, askama::Error> {
    let page = Page {
        style: STYLE,
        style_hash: STANDARD.encode(Sha256::digest(STYLE)),
        script: SCRIPT,
        script_hash: STANDARD.encode(Sha256::digest(SCRIPT)),
        summary: Summary::of(sources),
        memory: sources.memory.map(|map| Memory::of(map, sources)),
        cluster: Cluster::of(sources),
        contents: Contents::of(sources),
        findings: Findings::of(sources.findings),
        course: sources.end.as_ref().map(Course::of),
    };
    page.render()
}
