//! Planned faults.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use crate::call::Call;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The service answers that there are too many calls, and does nothing.
    Throttled,
    /// The service answers with an internal error, and does nothing.
    ServerError,
    /// The service answers with success and an internal error in the body, and does nothing: only where S3 does so. See
    /// [`Call::may_fail_in_success`].
    ErrorInSuccess,
    /// The service does what it was asked for, and the connection closes before its answer arrives.
    AnswerLost,
    /// The service does what it was asked for, and its answer never arrives.
    Slow,
    /// The connection closes without an answer, and the service does what it was asked for some seconds later.
    LateEffect,
    /// The service answers that the caller may not do this, and does nothing.
    Denied,
    /// The caller's process is killed before the service has seen the call.
    KilledBefore,
    /// The caller's process is killed after the service has done what it was asked for.
    KilledAfter,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Throttled,
        Self::ServerError,
        Self::ErrorInSuccess,
        Self::AnswerLost,
        Self::Slow,
        Self::LateEffect,
        Self::Denied,
        Self::KilledBefore,
        Self::KilledAfter,
    ];
}

/// Which calls meet which fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The caller.
    pub caller: String,
    /// The action.
    pub action: String,
    /// How many of these calls pass before the first that meets the fault.
    pub after: usize,
    /// How many calls meet it. [`usize::MAX`] for all that follow.
    pub times: usize,
    /// The fault.
    pub fault: Fault,
}

/// The planned faults of a gateway.
#[derive(Debug, Default)]
pub struct Faults {
    /// With the end of a resource's ARN, if the plan is only about that resource.
    plans: Mutex<Vec<(Plan, Option<String>)>>,
    met: AtomicUsize,
    /// Every call of this number fails, if it is not 0.
    every: AtomicUsize,
    calls: AtomicUsize,
}

impl Faults {
    /// Adds a plan. It counts calls from now on.
    pub fn plan(&self, plan: Plan) {
        self.lock().push((plan, None));
    }

    /// Adds a plan for the calls on a resource whose ARN ends with this. It counts calls from now on.
    pub fn plan_for(&self, plan: Plan, resource: &str) {
        self.lock().push((plan, Some(resource.to_owned())));
    }

    /// Lets one of this many calls fail, of all callers and actions: throttled, failed, its answer lost, in turn. With
    /// 0, none.
    pub fn fail_one_of(&self, calls: usize) {
        self.every.store(calls, Ordering::Relaxed);
    }

    /// Removes all plans. The number of calls that have met a fault since the last time.
    pub fn clear(&self) -> usize {
        self.lock().clear();
        self.met.swap(0, Ordering::Relaxed)
    }

    /// The fault that this call meets.
    pub(crate) fn next(&self, call: &Call) -> Option<Fault> {
        let mut plans = self.lock();
        let mut met = None;
        let about = |plan: &Plan, resource: Option<&String>| {
            plan.caller == call.caller
                && plan.action == call.action
                && (plan.fault != Fault::ErrorInSuccess || call.may_fail_in_success)
                && resource.is_none_or(|end| call.resources.iter().any(|arn| arn.ends_with(end)))
        };
        for (plan, resource) in plans.iter_mut() {
            if !about(plan, resource.as_ref()) {
                continue;
            }
            if plan.after > 0 {
                plan.after -= 1;
            } else if plan.times > 0 && met.is_none() {
                plan.times = if plan.times == usize::MAX { usize::MAX } else { plan.times - 1 };
                met = Some(plan.fault);
            }
        }
        let met = met.or_else(|| self.next_of_all(call));
        self.met.fetch_add(usize::from(met.is_some()), Ordering::Relaxed);
        met
    }

    fn next_of_all(&self, call: &Call) -> Option<Fault> {
        // Lambda's answers do not get lost on their way to Step Functions.
        let is_inside = call.action == "lambda:InvokeFunction";
        let faults = [Fault::Throttled, Fault::ServerError, Fault::AnswerLost];
        let faults = if is_inside { &faults[..2] } else { &faults[..] };
        let every = self.every.load(Ordering::Relaxed);
        let number = self.calls.fetch_add(1, Ordering::Relaxed);
        let fails = every > 0 && number % every == every - 1;
        fails.then(|| faults[(number / every) % faults.len()])
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Plan, Option<String>)>> {
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
