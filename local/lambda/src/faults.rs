//! Injected faults.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

/// Faults for the next invocations of a function, in the order in which they were planned.
#[derive(Debug, Default)]
pub struct Faults {
    planned: Mutex<HashMap<String, Vec<Fault>>>,
}

/// One fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Kill the process in the middle of the invocation, after it has received the payload.
    Kill,
    /// Return this error without running the function.
    Fail {
        /// `errorType`.
        name: String,
        /// `errorMessage`.
        message: String,
    },
}

impl Faults {
    /// Kills the process of `function` in the middle of its next invocation.
    pub fn kill_next(&self, function: &str) {
        self.plan(function, Fault::Kill);
    }

    /// Returns an error from the next invocation of `function`, without running it.
    pub fn fail_next(&self, function: &str, name: &str, message: &str) {
        self.plan(function, Fault::Fail { name: name.to_owned(), message: message.to_owned() });
    }

    /// Removes all faults that have not been met.
    pub fn clear(&self) {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn plan(&self, function: &str, fault: Fault) {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        planned.entry(function.to_owned()).or_default().push(fault);
    }

    pub(crate) fn next(&self, function: &str) -> Option<Fault> {
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let faults = planned.get_mut(function).filter(|faults| !faults.is_empty())?;
        Some(faults.remove(0))
    }
}
