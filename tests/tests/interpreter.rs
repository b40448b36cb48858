//! The interpreter of state machines, where it has to be as strict as AWS.

use anyhow::{Result, ensure};
use local_stack::{Stack, StackOptions};
use serde_json::{Value, json};

/// Runs a state machine with the given state and a final one on the input `{"known": 1}`.
async fn run(stack: &Stack, name: &str, state: &Value) -> Result<(Option<String>, Option<String>)> {
    let states = json!({"First": state, "Second": {"Type": "Succeed"}});
    let definition = json!({"QueryLanguage": "JSONata", "StartAt": "First", "States": states});
    let create = stack.sfn().create_state_machine().name(name).definition(definition.to_string());
    let created = create.role_arn("arn:aws:iam::123456789012:role/test").send().await?;
    let start = stack.sfn().start_execution().state_machine_arn(created.state_machine_arn());
    let started = start.input(json!({"known": 1}).to_string()).send().await?;
    let execution = system_tests::user::outcome(stack, started.execution_arn()).await?;
    let output = execution.error.is_none().then(|| execution.value.to_string());
    Ok((execution.error, output))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expression_without_a_result_fails_its_state_wherever_it_stands() -> Result<()> {
    let stack = Stack::start(StackOptions::default()).await?;
    let nothing = "{% $states.input.unknown %}";
    let second = json!([{"Condition": nothing, "Next": "Second"}]);
    let selected = json!({"StartAt": "Inner", "States": {"Inner": {"Type": "Pass", "End": true}}});
    let cases = [
        ("output", json!({"Type": "Pass", "Output": {"a": [nothing]}, "End": true})),
        ("assign", json!({"Type": "Pass", "Assign": {"a": {"b": nothing}}, "End": true})),
        ("variable", json!({"Type": "Pass", "Output": "{% $unknown %}", "End": true})),
        ("condition", json!({"Type": "Choice", "Choices": second, "Default": "Second"})),
        ("seconds", json!({"Type": "Wait", "Seconds": nothing, "Next": "Second"})),
        ("items", json!({"Type": "Map", "Items": nothing, "ItemProcessor": selected, "End": true})),
        ("cause", json!({"Type": "Fail", "Error": "Mine", "Cause": nothing})),
        ("compared", json!({"Type": "Pass", "Output": "{% $states.input.unknown < 1 %}", "End": true})),
        ("function", json!({"Type": "Pass", "Output": "{% $sum %}", "End": true})),
        ("type", json!({"Type": "Pass", "Output": "{% 1 + 'a' %}", "End": true})),
        (
            "no-boolean",
            json!({"Type": "Choice", "Choices": [{"Condition": "{% 1 %}", "Next": "Second"}], "Default": "Second"}),
        ),
    ];
    for (name, state) in cases {
        let (error, _) = run(&stack, name, &state).await?;
        ensure!(error.as_deref() == Some("States.QueryEvaluationError"), "{name}: {error:?}");
    }
    // A Catch may handle the error, and null is a valid result.
    let caught = json!({
        "Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Arguments": {"FunctionName": "{% 1 + 'a' %}"},
        "Catch": [{"ErrorEquals": ["States.QueryEvaluationError"], "Next": "Second"}], "Next": "Second",
    });
    ensure!(run(&stack, "caught", &caught).await?.0.is_none(), "it was not caught");
    let list = json!({"Type": "Pass", "Output": "{% [$states.input.unknown, null] %}", "End": true});
    ensure!(run(&stack, "list", &list).await? == (None, Some("[null]".into())), "a list leaves nothing out");
    stack.stop().await
}
