//! The results as Markdown.

use std::{collections::BTreeMap, fmt::Write as _};

use rdb_benches::engines::Engine;

use crate::run::{Case, Cell};

/// The number of cases for each engine and outcome.
#[derive(Debug, Default, Clone)]
pub struct Tally(BTreeMap<(usize, Cell), usize>);

impl Tally {
    /// Counts a case.
    pub fn add(&mut self, case: &Case) {
        *self.0.entry((case.engine, case.cell)).or_default() += 1;
    }

    /// Adds the counts of `other`.
    pub fn join(&mut self, other: &Self) {
        for (key, count) in &other.0 {
            *self.0.entry(*key).or_default() += count;
        }
    }

    /// Number of cases in which the verdict disagrees with the engine.
    pub fn wrong(&self) -> usize {
        self.0.iter().filter(|((_, cell), _)| cell.is_wrong()).map(|(_, count)| count).sum()
    }

    /// Renders a table with one row per engine.
    pub fn render(&self, engines: &[Engine]) -> String {
        let mut text = String::from(
            "| engine | sound, loads the same | warned, loads the same | refused, refuses or dies | refused, loads something else \
             | **refused, loads the same** | **sound, refuses or dies** | the same, explained |\n|---|---|---|---|---|---|---|---|\n",
        );
        for (index, engine) in engines.iter().enumerate() {
            let _ = write!(text, "| {} {} |", engine.engine, engine.version);
            for cell in Cell::ALL {
                let count = self.0.get(&(index, cell)).copied().unwrap_or(0);
                let _ =
                    if cell.is_wrong() { write!(text, " **{count}** |") } else { write!(text, " {count} |") };
            }
            text.push('\n');
        }
        text
    }
}
