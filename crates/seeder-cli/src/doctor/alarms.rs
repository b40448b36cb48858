//! The alarms of CloudWatch.

use serde::Deserialize;

use super::{
    Checked,
    line::{Line, Unchecked},
    subject::Subject,
};
use crate::signed::{Members, Service};

/// The most names of one call. Source: CloudWatch API reference, "`DescribeAlarms`".
const NAMES: usize = 100;

/// Checks that no alarm is raised.
pub(super) async fn check(subject: &Subject) -> Checked {
    let names: Vec<_> =
        subject.of_type("AWS::CloudWatch::Alarm")?.into_iter().map(|(_, name)| name).collect();
    let mut alarms = Vec::new();
    for names in names.chunks(NAMES) {
        let numbers: Vec<_> = (1..=names.len()).map(|number| format!("AlarmNames.member.{number}")).collect();
        let mut form = vec![
            ("Action", "DescribeAlarms"),
            ("Version", "2010-08-01"),
            ("AlarmTypes.member.1", "MetricAlarm"),
            ("MaxRecords", "100"),
        ];
        form.extend(numbers.iter().map(String::as_str).zip(names.iter().copied()));
        let answer: Answer = subject
            .signed
            .read(Service::CloudWatch, &form)
            .await
            .map_err(|error| Unchecked::of_call("cloudwatch:DescribeAlarms", &error))?;
        alarms.extend(answer.result.alarms.list);
    }
    Ok(judge(&names, &alarms))
}

fn judge(names: &[&str], alarms: &[Alarm]) -> Vec<Line> {
    let mut lines = Vec::new();
    for name in names {
        match alarms.iter().find(|alarm| alarm.name == *name) {
            None => lines.push(Line::warning(
                format!("the alarm {name} is gone: no one hears what it reports"),
                "deploy the stack again",
            )),
            Some(alarm) if alarm.state == "ALARM" => lines.push(raised(alarm)),
            Some(_) => {}
        }
    }
    if lines.is_empty() {
        lines.push(Line::ok(format!("none of {} alarms is raised", names.len())));
    }
    lines
}

/// The description of each alarm ends with the section of the runbook.
fn raised(alarm: &Alarm) -> Line {
    let (what, section) = alarm.description.split_once("Runbook: ").unwrap_or((&alarm.description, ""));
    let message = format!("{} is in ALARM: {}", alarm.name, what.trim().trim_end_matches('.'));
    let section = section.trim().trim_end_matches('.');
    let section = if section.is_empty() { "docs/OPERATING.md, section \"Alarms\"" } else { section };
    Line::warning(message, section)
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(rename = "DescribeAlarmsResult")]
    result: Described,
}

#[derive(Debug, Deserialize)]
struct Described {
    #[serde(rename = "MetricAlarms", default)]
    alarms: Members<Alarm>,
}

#[derive(Debug, Deserialize)]
#[cfg_attr(test, derive(PartialEq, Eq))]
struct Alarm {
    #[serde(rename = "AlarmName")]
    name: String,
    #[serde(rename = "AlarmDescription", default)]
    description: String,
    #[serde(rename = "StateValue")]
    state: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_that_is_raised_names_its_section_of_the_runbook() {
        let alarm = |name: &str, state: &str, runbook: &str| {
            format!(
                "<member><AlarmActions><member>arn:aws:sns:x</member></AlarmActions><AlarmName>{name}</AlarmName>\
                 <AlarmDescription>It is odd.{runbook}</AlarmDescription><StateValue>{state}</StateValue></member>"
            )
        };
        let alarms = alarm("a", "ALARM", " Runbook: docs/OPERATING.md, section &quot;Odd&quot;.")
            + &alarm("b", "OK", "")
            + &alarm("c", "ALARM", "");
        let xml = format!(
            "<DescribeAlarmsResponse xmlns=\"http://monitoring.amazonaws.com/doc/2010-08-01/\"><DescribeAlarmsResult>\
             <CompositeAlarms/><MetricAlarms>{alarms}</MetricAlarms></DescribeAlarmsResult></DescribeAlarmsResponse>"
        );
        let answer: Answer = quick_xml::de::from_str(&xml).unwrap();
        let lines = judge(&["a", "b", "c"], &answer.result.alarms.list);
        assert_eq!(lines[0], Line::warning("a is in ALARM: It is odd", "docs/OPERATING.md, section \"Odd\""));
        assert_eq!(lines[1].remedy.as_deref(), Some("docs/OPERATING.md, section \"Alarms\""));
        assert_eq!(lines.len(), 2);
        assert_eq!(judge(&["b"], &answer.result.alarms.list), [Line::ok("none of 1 alarms is raised")]);
        assert_eq!(
            judge(&["d"], &answer.result.alarms.list)[0].message.split(':').next(),
            Some("the alarm d is gone")
        );
    }
}
