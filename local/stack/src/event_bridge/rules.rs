//! The EventBridge rules of the template: the uploads that start a seeding, and the failures that start a clean-up.

use anyhow::{Context, Result};
use local_eventbridge::Pattern;
use serde_json::Value;

/// The template's rules.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The uploads that invoke start-seeding.
    pub(crate) drops: Pattern,
    /// The status changes of executions that start a clean-up.
    pub(crate) clean_up: Pattern,
    /// The input of a clean-up, with `<execution>` as a placeholder for the execution's ARN.
    pub(crate) clean_up_input: String,
}

impl Rules {
    /// Reads the rendered rules.
    pub(crate) fn parse(rendered: &Value) -> Result<Self> {
        let pattern = |name: &str| {
            Pattern::parse(&rendered[name]["EventPattern"]).with_context(|| format!("the template's {name}"))
        };
        let input = &rendered["CleanUpRule"]["Targets"][0]["InputTransformer"]["InputTemplate"];
        let clean_up_input = input.as_str().context("the template's CleanUpRule has no InputTemplate")?;
        Ok(Self {
            drops: pattern("DropRule")?,
            clean_up: pattern("CleanUpRule")?,
            clean_up_input: clean_up_input.to_owned(),
        })
    }
}
