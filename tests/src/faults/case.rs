//! The cases: a scenario, a call of its trace, a fault.

use std::collections::HashMap;

use local_stack::{Call, Plan};

use super::{injection::Injection, scenario::Scenario};

/// How often one caller's action is disturbed, and the invocation of one function: a poll that has been disturbed twice
/// shows nothing new.
const MOST: usize = 2;

/// A scenario with a fault in it.
#[derive(Debug, Clone)]
pub struct Case {
    /// The scenario.
    pub scenario: Scenario,
    /// The caller.
    pub caller: String,
    /// The action.
    pub action: String,
    /// The function, if the call invokes one.
    pub function: Option<String>,
    /// Which of the caller's calls of this action, or invocations of this function, counted from 1.
    pub occurrence: usize,
    /// The fault.
    pub injection: Injection,
}

impl Case {
    /// The cases of a scenario with this trace.
    pub(crate) fn of(scenario: Scenario, trace: &[Call]) -> Vec<Self> {
        let (mut occurrences, mut copies) = (HashMap::new(), HashMap::new());
        let mut cases = Vec::new();
        for call in trace {
            let (caller, action, function) = (call.caller.as_str(), call.action.as_str(), invoked(call));
            let occurrence: &mut usize = occurrences.entry((caller, action, function)).or_default();
            *occurrence += 1;
            // Other calls of the action are not counted with those that may fail like this.
            let copy: &mut usize = copies.entry(caller).or_default();
            *copy += usize::from(call.may_fail_in_success);
            let nth = |injection| if injection == Injection::ErrorInSuccess { *copy } else { *occurrence };
            let concerned = |name: &str| scenario.callers.contains(&name);
            if !concerned(caller) || !function.is_none_or(concerned) {
                continue;
            }
            let fitting = Injection::ALL.into_iter().filter(|injection| injection.fits(call));
            let fitting = fitting.map(|injection| (injection, nth(injection)));
            let fitting = fitting.filter(|(_, occurrence)| *occurrence <= MOST);
            cases.extend(fitting.map(|(injection, occurrence)| Self {
                scenario,
                caller: caller.to_owned(),
                action: action.to_owned(),
                function: function.map(str::to_owned),
                occurrence,
                injection,
            }));
        }
        cases
    }

    /// The plan for the gateway.
    pub(crate) fn plan(&self) -> Plan {
        self.injection.plan(&self.caller, &self.action, self.occurrence)
    }

    /// The name by which it can be repeated: `SCENARIO/CALLER:ACTION:OCCURRENCE/FAULT`, or
    /// `SCENARIO/CALLER:ACTION:FUNCTION:OCCURRENCE/FAULT`.
    pub fn name(&self) -> String {
        let Self { scenario, caller, action, occurrence, injection, .. } = self;
        let function = self.function.as_ref().map_or_else(String::new, |name| format!(":{name}"));
        format!("{}/{caller}:{action}{function}:{occurrence}/{}", scenario.name, injection.name())
    }
}

/// The function that a call invokes.
fn invoked(call: &Call) -> Option<&str> {
    let arn = call.resources.first().filter(|_| call.action == "lambda:InvokeFunction")?;
    arn.rsplit(':').next()
}
