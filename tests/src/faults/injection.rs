//! The faults, and which calls they fit.

use local_stack::{Call, Fault, Plan};

/// More than the attempts of a client (4), fewer than those of all retries of a state together.
const LONG: usize = 12;

/// A fault, for one call or for several in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Injection {
    /// The service is too busy for one call.
    Throttled,
    /// The service is too busy for more calls than a client repeats.
    ThrottledLong,
    /// The service fails on its side for one call.
    Error,
    /// The service fails on its side for more calls than a client repeats.
    ErrorLong,
    /// The service answers one call with success, and with an error in the body.
    ErrorInSuccess,
    /// The service has done it, and its answer is lost.
    AnswerLost,
    /// The service has done it, and its answer does not come until the function times out.
    Slow,
    /// One call is not allowed.
    Denied,
    /// Neither this call nor any that follows is allowed.
    DeniedForGood,
    /// The function dies before the service has seen the call.
    KilledBefore,
    /// The function dies after the service has done it.
    KilledAfter,
}

impl Injection {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Throttled,
        Self::ThrottledLong,
        Self::Error,
        Self::ErrorLong,
        Self::ErrorInSuccess,
        Self::AnswerLost,
        Self::Slow,
        Self::Denied,
        Self::DeniedForGood,
        Self::KilledBefore,
        Self::KilledAfter,
    ];

    /// Its name in reports and options.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::ThrottledLong => "throttled-12",
            Self::Error => "error",
            Self::ErrorLong => "error-12",
            Self::ErrorInSuccess => "error-in-success",
            Self::AnswerLost => "answer-lost",
            Self::Slow => "slow",
            Self::Denied => "denied",
            Self::DeniedForGood => "denied-for-good",
            Self::KilledBefore => "killed-before",
            Self::KilledAfter => "killed-after",
        }
    }

    /// Whether a call can meet it.
    pub fn fits(self, call: &Call) -> bool {
        if self == Self::ErrorInSuccess && !call.may_fail_in_success {
            return false;
        }
        let busy = matches!(self, Self::Throttled | Self::ThrottledLong | Self::Error | Self::ErrorLong);
        match call.caller.as_str() {
            // Step Functions and EventBridge do not die, and read an answer or call again.
            "seed-cluster" => busy,
            "clean-up" => busy || self == Self::AnswerLost,
            // To die after a read is to die before the next call.
            _ => self != Self::KilledAfter || !is_read(&call.action),
        }
    }

    /// Whether the scenario has to end as it does without the fault: retries get over it. What is denied is not
    /// retried, and the machine invokes a function seven times at most.
    pub fn is_got_over(self, caller: &str) -> bool {
        match self {
            Self::Denied | Self::DeniedForGood => false,
            Self::ThrottledLong | Self::ErrorLong => caller != "seed-cluster",
            _ => true,
        }
    }

    /// Whether clients repeat so many calls that it costs them their budget of retries.
    pub(crate) const fn exhausts(self) -> bool {
        matches!(self, Self::ThrottledLong | Self::ErrorLong)
    }

    /// The plan for the gateway: the calls of this action from the `occurrence`th on, counted from 1.
    pub(crate) fn plan(self, caller: &str, action: &str, occurrence: usize) -> Plan {
        let (fault, times) = match self {
            Self::Throttled => (Fault::Throttled, 1),
            Self::ThrottledLong => (Fault::Throttled, LONG),
            Self::Error => (Fault::ServerError, 1),
            Self::ErrorLong => (Fault::ServerError, LONG),
            Self::ErrorInSuccess => (Fault::ErrorInSuccess, 1),
            Self::AnswerLost => (Fault::AnswerLost, 1),
            Self::Slow => (Fault::Slow, 1),
            Self::Denied => (Fault::Denied, 1),
            Self::DeniedForGood => (Fault::Denied, usize::MAX),
            Self::KilledBefore => (Fault::KilledBefore, 1),
            Self::KilledAfter => (Fault::KilledAfter, 1),
        };
        Plan { caller: caller.to_owned(), action: action.to_owned(), after: occurrence - 1, times, fault }
    }
}

fn is_read(action: &str) -> bool {
    let name = action.split_once(':').map_or(action, |(_, name)| name);
    ["Get", "List", "Describe", "Decrypt"].iter().any(|verb| name.starts_with(verb))
}
