//! Pages, and the tables in them between two markers.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
};

use crate::project_file;

/// Tests of one program run at once, and several of them may write one page.
static PAGES: Mutex<()> = Mutex::new(());

/// A table of Markdown.
#[derive(Debug)]
pub struct Table {
    text: String,
}

impl Table {
    /// A table without rows.
    pub fn new<const N: usize>(heads: [&str; N]) -> Self {
        let mut table = Self { text: String::new() };
        table.row(heads);
        table.text.push_str(&"|---".repeat(N));
        table.text.push_str("|\n");
        table
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [&str; N]) {
        for cell in cells {
            self.text.push_str(if cell.is_empty() { "|" } else { "| " });
            self.text.push_str(&cell.replace('|', "\\|"));
            self.text.push(' ');
        }
        self.text.push_str("|\n");
    }
}

/// Compares the table between the markers `NAME` in a page of docs/ with the one expected there, or writes it.
pub fn check_table(page: &str, name: &str, table: &Table) {
    let (begin, end) =
        (format!("<!-- begin {name}: written by `make docs` -->\n\n"), format!("<!-- end {name} -->"));
    let _guard = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
    let path = project_file("docs").join(page);
    let found = fs::read_to_string(&path).unwrap();
    let (before, rest) =
        found.split_once(&begin).unwrap_or_else(|| panic!("docs/{page} has no line {begin}"));
    let (_, after) = rest.split_once(&end).unwrap_or_else(|| panic!("docs/{page} has no line {end}"));
    let expected = format!("{before}{begin}{}\n{end}{after}", for_page(&table.text, page));
    check(&path, &found, &expected);
}

/// Compares a whole page of docs/ with what is expected, or writes it.
pub fn check_page(page: &str, expected: &str) {
    let _guard = PAGES.lock().unwrap_or_else(PoisonError::into_inner);
    let path = project_file("docs").join(page);
    check(&path, &fs::read_to_string(&path).unwrap_or_default(), expected);
}

fn check(path: &Path, found: &str, expected: &str) {
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, expected).unwrap();
        return;
    }
    let lines = || expected.lines().zip(found.lines());
    let place = lines().find(|(expected, found)| expected != found);
    assert!(
        found == expected,
        "{} is stale: UPDATE_DOCS=1 cargo test -p docs-tests\n{}",
        path.display(),
        place.map(|(expected, found)| format!("expected {expected}\nfound    {found}")).unwrap_or_default()
    );
}

/// Comments name pages as `docs/PAGE.md`: links to them from a page in docs/.
fn for_page(text: &str, page: &str) -> String {
    let own = text.replace(&format!("](docs/{page}#"), "](#").replace("](docs/", "](");
    let mut linked = String::new();
    let mut rest = own.as_str();
    while let Some((before, after)) = rest.split_once("docs/") {
        let name: String = after
            .chars()
            .take_while(|letter| letter.is_ascii_alphanumeric() || ".-_".contains(*letter))
            .collect();
        let name = name.trim_end_matches('.');
        linked += before;
        let _ = write!(linked, "[{name}]({name})");
        rest = &after[name.len()..];
    }
    linked + rest
}
