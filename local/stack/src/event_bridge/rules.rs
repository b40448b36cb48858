//! The EventBridge rules of the template: the uploads that start a seeding, and the ends that start a clean-up.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use local_eventbridge::Pattern;
use serde_json::Value;

/// The rules that start a clean-up, with the same input.
const CLEAN_UP_RULES: [&str; 2] = ["CleanUpRule", "RevokeFailedRule"];

/// The template's rules.
#[derive(Debug)]
pub(crate) struct Rules {
    /// The uploads that invoke start-seeding.
    pub(crate) drops: Pattern,
    /// The status changes of executions that start a clean-up, one pattern for each rule.
    pub(crate) clean_up: Vec<Pattern>,
    /// The input of a clean-up, with `<execution>` as a placeholder for the execution's ARN.
    pub(crate) clean_up_input: String,
    /// The ARNs of the targets of each rule, by the template's names.
    pub(crate) targets: BTreeMap<String, Vec<String>>,
}

impl Rules {
    /// Reads the rendered rules.
    pub(crate) fn parse(rendered: &Value) -> Result<Self> {
        let pattern = |name: &str| {
            Pattern::parse(&rendered[name]["EventPattern"]).with_context(|| format!("the template's {name}"))
        };
        let input = |name: &str| &rendered[name]["Targets"][0]["InputTransformer"]["InputTemplate"];
        let clean_up_input = input(CLEAN_UP_RULES[0]).as_str();
        for name in CLEAN_UP_RULES {
            ensure!(
                input(name).as_str() == clean_up_input,
                "the template's {name} has another InputTemplate"
            );
        }
        let arns = |rule: &Value| {
            let targets = rule["Targets"].as_array().into_iter().flatten();
            targets.filter_map(|target| Some(target["Arn"].as_str()?.to_owned())).collect()
        };
        let all = rendered.as_object().into_iter().flatten();
        let targets = all.map(|(name, rule)| (name.clone(), arns(rule))).collect();
        Ok(Self {
            targets,
            drops: pattern("DropRule")?,
            clean_up: CLEAN_UP_RULES.into_iter().map(pattern).collect::<Result<_>>()?,
            clean_up_input: clean_up_input
                .context("the template's CleanUpRule has no InputTemplate")?
                .to_owned(),
        })
    }
}
