//! The state machine, from the deployed file.

use anyhow::{Context, Result, bail};

use crate::options::{FUNCTIONS, StackOptions};

/// The state machine's name, as in its ARN.
pub(crate) const NAME: &str = "seed-cluster";

/// The state machine's ARN.
pub(crate) fn arn() -> String {
    format!("arn:aws:states:{}:{}:stateMachine:{NAME}", crate::account::REGION, crate::account::ACCOUNT)
}

/// Creates the state machine, with the template's substitutions.
pub(crate) async fn create(sfn: &aws_sdk_sfn::Client, options: &StackOptions) -> Result<()> {
    let path = options.project.join("statemachine/seed-cluster.asl.json");
    let text =
        std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let role = format!("arn:aws:iam::{}:role/seed-cluster", crate::account::ACCOUNT);
    let created = sfn
        .create_state_machine()
        .name(NAME)
        .definition(substitute(&text, options)?)
        .role_arn(role)
        .send()
        .await;
    let created = created.context("failed to create the state machine")?;
    if created.state_machine_arn() != arn() {
        bail!("the state machine has the ARN {}, expected {}", created.state_machine_arn(), arn());
    }
    Ok(())
}

fn substitute(text: &str, options: &StackOptions) -> Result<String> {
    let topic = options.parameters.iter().find(|(name, _)| name == "OutcomeTopicArn");
    let mut text = text.replace("${Partition}", "aws");
    text = text.replace("${OutcomeTopicArn}", topic.map_or("", |(_, arn)| arn));
    for function in FUNCTIONS {
        let arn = format!(
            "arn:aws:lambda:{}:{}:function:{function}",
            crate::account::REGION,
            crate::account::ACCOUNT
        );
        text = text.replace(&format!("${{{}FunctionArn}}", pascal_case(function)), &arn);
    }
    if let Some(at) = text.find("${") {
        bail!(
            "the state machine has an unknown substitution: {}",
            text[at..].chars().take(40).collect::<String>()
        );
    }
    Ok(text)
}

/// `SeedCluster` for `seed-cluster`.
pub(crate) fn pascal_case(name: &str) -> String {
    name.split('-')
        .filter_map(|word| {
            Some(word.chars().next()?.to_uppercase().chain(word.chars().skip(1)).collect::<String>())
        })
        .collect()
}
