//! Text in columns.

use std::fmt::Write as _;

/// The most characters of a cell in the first column, so that a line fits a terminal of 80 columns.
const MAX_FIRST: usize = 34;

/// Lines of cells, each column as wide as its widest cell. The first column is left-aligned, the others are
/// right-aligned.
pub(crate) struct Columns {
    lines: Vec<Vec<String>>,
    last_is_text: bool,
    all_are_text: bool,
}

impl Columns {
    pub(crate) fn new<const N: usize>(heads: [&str; N]) -> Self {
        Self { lines: vec![heads.map(str::to_owned).to_vec()], last_is_text: false, all_are_text: false }
    }

    /// Left-aligns the last column too.
    pub(crate) fn last_is_text(mut self) -> Self {
        self.last_is_text = true;
        self
    }

    /// Left-aligns all columns, and cuts none.
    pub(crate) fn of_text(mut self) -> Self {
        self.all_are_text = true;
        self
    }

    pub(crate) fn line<const N: usize>(&mut self, cells: [String; N]) {
        self.lines.push(cells.into());
    }

    /// Renders the lines after an empty one, indented by two; empty if there are only headings.
    pub(crate) fn render(&self) -> String {
        let mut text = String::new();
        if self.lines.len() < 2 {
            return text;
        }
        let columns = self.lines.first().map_or(0, Vec::len);
        let cell = |line: &[String], column: usize| {
            let cell = line.get(column).cloned().unwrap_or_default();
            if column == 0 && !self.all_are_text { cut(&cell, MAX_FIRST) } else { cell }
        };
        let width =
            |column| self.lines.iter().map(|line| cell(line, column).chars().count()).max().unwrap_or(0);
        let widths: Vec<_> = (0..columns).map(width).collect();
        text.push('\n');
        for line in &self.lines {
            let mut row = String::new();
            for (column, width) in widths.iter().enumerate() {
                let cell = cell(line, column);
                let left = self.all_are_text || column == 0 || (self.last_is_text && column + 1 == columns);
                // Writing to a string cannot fail.
                let _ = if left { write!(row, "  {cell:width$}") } else { write!(row, "  {cell:>width$}") };
            }
            let _ = writeln!(text, "{}", row.trim_end());
        }
        text
    }
}

/// Cuts a text to this many characters, the last one an ellipsis.
fn cut(text: &str, letters: usize) -> String {
    if text.chars().count() <= letters {
        return text.to_owned();
    }
    text.chars().take(letters - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let mut columns = Columns::new(["key", "bytes", "type"]).last_is_text();
        assert_eq!(columns.render(), "");
        columns.line(["a".to_owned(), "1".to_owned(), "set".to_owned()]);
        columns.line(["ü".repeat(40), "1,000,000".to_owned(), "hash".to_owned()]);
        let (blank, name) = (" ".repeat(33), "ü".repeat(33));
        let expected = format!(
            "\n  key{}      bytes  type\n  a{blank}          1  set\n  {name}…  1,000,000  hash\n",
            &blank[2..]
        );
        assert_eq!(columns.render(), expected);
    }
}
