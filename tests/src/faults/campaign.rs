//! All cases, on several stacks at once.

use std::{
    collections::{BTreeMap, VecDeque},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use anyhow::{Context, bail};
use futures::future::try_join_all;
use local_stack::{Call, StackOptions};

use super::{
    backups::Backups,
    case::Case,
    checks::{Documented, violations},
    scenario::{Disturbance, Scenario},
    site::{Site, Stuck},
};

/// Runs on one stack before it is replaced: its interpreter keeps all of them.
const RUNS_PER_STACK: usize = 60;
/// How often a case is tried whose fault met no call: polls are not the same in every run.
const TRIES: usize = 3;

/// What is run, and on how many stacks.
#[derive(Debug, Clone)]
pub struct Options {
    /// Only the cases whose name begins with one of these; all if it is empty.
    pub only: Vec<String>,
    /// Only this many cases, spread over all.
    pub sample: Option<usize>,
    /// Stacks at once.
    pub stacks: usize,
    /// The folder of the project.
    pub project: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self { only: Vec::new(), sample: None, stacks: 2, project: StackOptions::default().project }
    }
}

/// A case whose end is not as it should be.
#[derive(Debug, Clone)]
pub struct Violation {
    /// The name of the case.
    pub case: String,
    /// What was expected and what was found.
    pub found: Vec<String>,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Result {
    /// The faults that were injected.
    pub faults: usize,
    /// The faults whose call did not take place: a busy machine polls less often than the scenario's trace has it.
    pub not_met: usize,
    /// The scenarios.
    pub scenarios: usize,
    /// What is wrong.
    pub violations: Vec<Violation>,
}

/// What workers share.
struct Shared<'a> {
    backups: Arc<Backups>,
    documented: Documented,
    expected: BTreeMap<&'static str, String>,
    queue: Mutex<VecDeque<Case>>,
    result: Mutex<Result>,
    progress: &'a (dyn Fn(&Progress) + Sync),
    counts: Mutex<BTreeMap<&'static str, (usize, usize)>>,
    done: Mutex<usize>,
    total: usize,
    started: Instant,
}

/// How far a scenario is.
#[derive(Debug)]
pub struct Progress<'a> {
    /// The scenario.
    pub scenario: &'a str,
    /// Its cases that are done.
    pub done: usize,
    /// Its cases.
    pub of: usize,
    /// Violations so far, of all scenarios.
    pub violations: usize,
    /// An estimate of the seconds until all cases are done.
    pub seconds_left: u64,
    /// The violation that was just found.
    pub violation: Option<&'a Violation>,
}

/// Runs the scenarios without a fault, then the cases.
///
/// # Errors
/// A scenario that does not end as it should without a fault, and whatever keeps stacks from running.
pub async fn run(options: &Options, progress: &(dyn Fn(&Progress) + Sync)) -> anyhow::Result<Result> {
    let backups = Arc::new(Backups::make().await?);
    let documented = Documented::read(&options.project)?;
    let wanted = |scenario: &Scenario| {
        options.only.is_empty()
            || options.only.iter().any(|only| only.split('/').next() == Some(scenario.name))
    };
    let scenarios: Vec<_> = Scenario::ALL.into_iter().filter(wanted).collect();
    let traces = traces(&scenarios, &backups, &documented, options.stacks).await?;
    let mut cases: Vec<_> = traces.iter().flat_map(|(scenario, trace)| Case::of(*scenario, trace)).collect();
    if !options.only.is_empty() {
        let begins = |name: &str, only: &String| name == only || name.starts_with(&format!("{only}/"));
        cases.retain(|case| options.only.iter().any(|only| begins(&case.name(), only)));
    }
    if let Some(sample) = options.sample.filter(|sample| *sample < cases.len()) {
        cases = (0..sample).map(|number| cases[number * cases.len() / sample].clone()).collect();
    }
    if cases.is_empty() {
        bail!("no case has a name that begins with one of {:?}", options.only);
    }
    let mut counts = BTreeMap::new();
    for case in &cases {
        counts.entry(case.scenario.name).or_insert((0, 0)).1 += 1;
    }
    let shared = Shared {
        backups,
        documented,
        expected: traces.iter().map(|(scenario, _)| (scenario.name, scenario.end.to_owned())).collect(),
        total: cases.len(),
        queue: Mutex::new(cases.into()),
        result: Mutex::new(Result { scenarios: counts.len(), ..Result::default() }),
        progress,
        counts: Mutex::new(counts),
        done: Mutex::new(0),
        started: Instant::now(),
    };
    try_join_all((0..options.stacks).map(|_| work(&shared))).await?;
    Ok(shared.result.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// The calls of each scenario without a fault.
async fn traces(
    scenarios: &[Scenario],
    backups: &Arc<Backups>,
    documented: &Documented,
    stacks: usize,
) -> anyhow::Result<Vec<(Scenario, Vec<Call>)>> {
    let queue = Mutex::new(scenarios.iter().copied().enumerate());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let record = async || {
        let site = Site::start(Arc::clone(backups)).await?;
        let mut traces = Vec::new();
        while let Some((number, scenario)) = next() {
            traces.push((number, scenario, trace(&site, &scenario, documented).await?));
        }
        site.stack.stop().await?;
        anyhow::Ok(traces)
    };
    let mut traces = try_join_all((0..stacks).map(|_| record())).await?.concat();
    traces.sort_by_key(|(number, ..)| *number);
    Ok(traces.into_iter().map(|(_, scenario, calls)| (scenario, calls)).collect())
}

/// The calls of a scenario without a fault, which has to end as it should.
async fn trace(site: &Site, scenario: &Scenario, documented: &Documented) -> anyhow::Result<Vec<Call>> {
    let ending =
        site.run(scenario, None).await.with_context(|| format!("{} without a fault", scenario.name))?;
    let found = violations(None, &ending, scenario.end, site.backups.keys(scenario.content), documented);
    if !found.is_empty() {
        bail!("{} without a fault: {}", scenario.name, found.join("\n"));
    }
    site.tidy(&ending, None).await?;
    Ok(ending.calls)
}

async fn work(shared: &Shared<'_>) -> anyhow::Result<()> {
    let mut site: Option<Site> = None;
    let mut runs = 0;
    while let Some(case) = shared.next() {
        if runs == RUNS_PER_STACK
            && let Some(used) = site.take()
        {
            used.stack.stop().await?;
        }
        let usable = if let Some(usable) = site {
            usable
        } else {
            runs = 0;
            Site::start(Arc::clone(&shared.backups)).await?
        };
        runs += 1;
        let (found, usable) = try_case(shared, &case, usable).await;
        site = usable;
        shared.finish(&case, found.as_deref());
    }
    if let Some(site) = site {
        site.stack.stop().await?;
    }
    Ok(())
}

/// Runs a case. What is wrong, or nothing if its call did not take place; and the stack if it can be used again.
async fn try_case(shared: &Shared<'_>, case: &Case, mut site: Site) -> (Option<Vec<String>>, Option<Site>) {
    for attempt in 1..=TRIES {
        let ending = match site.run(&case.scenario, Some(case)).await {
            Ok(ending) => ending,
            Err(error) => {
                let _ = site.stack.stop().await;
                // The harness could not ask, which says nothing about the product: a new stack.
                if !error.is::<Stuck>() && attempt < TRIES {
                    match Site::start(Arc::clone(&shared.backups)).await {
                        Ok(started) => site = started,
                        Err(error) => return (Some(vec![format!("{error:#}")]), None),
                    }
                    continue;
                }
                return (Some(vec![format!("{error:#}")]), None);
            }
        };
        if let Err(error) = site.tidy(&ending, Some(case.injection)).await {
            let _ = site.stack.stop().await;
            return (Some(vec![format!("{error:#}")]), None);
        }
        // On a busy machine, a restore can fail before the deadline is seen to have passed.
        let too_late = case.scenario.disturbance == Disturbance::Late
            && ending.main.codes().first() == Some(&"restore-failed");
        if ending.met > 0 && !(too_late && attempt < TRIES) {
            let expected = shared.expected.get(case.scenario.name).map_or("", String::as_str);
            let keys = shared.backups.keys(case.scenario.content);
            let found = violations(Some(case), &ending, expected, keys, &shared.documented);
            return (Some(found), Some(site));
        }
    }
    // The first call of its kind is always made.
    let found = (case.occurrence == 1).then(|| vec![format!("the fault met no call in {TRIES} runs")]);
    (found, Some(site))
}

impl Shared<'_> {
    fn next(&self) -> Option<Case> {
        lock(&self.queue).pop_front()
    }

    fn finish(&self, case: &Case, found: Option<&[String]>) {
        let wrong = found.filter(|found| !found.is_empty());
        let violation = wrong.map(|found| Violation { case: case.name(), found: found.to_vec() });
        let violations = {
            let mut result = lock(&self.result);
            match found {
                Some(_) => result.faults += 1,
                None => result.not_met += 1,
            }
            result.violations.extend(violation.clone());
            result.violations.len()
        };
        let (done, of) = {
            let mut counts = lock(&self.counts);
            let count = counts.entry(case.scenario.name).or_insert((0, 0));
            count.0 += 1;
            *count
        };
        let seconds_left = {
            let mut all = lock(&self.done);
            *all += 1;
            self.started.elapsed().as_secs() * (self.total - *all) as u64 / *all as u64
        };
        let violation = violation.as_ref();
        let scenario = case.scenario.name;
        (self.progress)(&Progress { scenario, done, of, violations, seconds_left, violation });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
